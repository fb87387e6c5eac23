# SPDX-License-Identifier: Apache-2.0
# find_package(millrace-plugin): the headers that plugins are written against, and how to build one.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH _millrace_prefix)
cmake_path(GET _millrace_prefix PARENT_PATH _millrace_prefix)
cmake_path(GET _millrace_prefix PARENT_PATH _millrace_prefix)
if(NOT TARGET millrace::plugin_headers)
  add_library(millrace::plugin_headers INTERFACE IMPORTED)
  set_target_properties(millrace::plugin_headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_millrace_prefix}/include")
endif()
unset(_millrace_prefix)

# millrace_add_plugin(<name> SOURCES <file>… [TEST <file>…])
#   <name>.so; and <name>_test, the same sources with those of a test, for ctest.
function(millrace_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;TEST")
  add_library(${name}_objects OBJECT ${arg_SOURCES}) # compiled once for both
  add_library(${name} MODULE $<TARGET_OBJECTS:${name}_objects>)
  set(targets ${name}_objects ${name})
  if(arg_TEST)
    add_executable(${name}_test ${arg_TEST} $<TARGET_OBJECTS:${name}_objects>)
    add_test(NAME ${name} COMMAND ${name}_test)
    list(APPEND targets ${name}_test)
  endif()
  set(standard ${CMAKE_CXX_STANDARD})
  if(NOT standard)
    set(standard 17)
  endif()
  foreach(target IN LISTS targets)
    target_link_libraries(${target} PRIVATE millrace::plugin_headers)
    set_target_properties(${target} PROPERTIES CXX_STANDARD ${standard} C_STANDARD 11
      POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endforeach()
  set_target_properties(${name} PROPERTIES PREFIX "" LINKER_LANGUAGE CXX)
endfunction()
