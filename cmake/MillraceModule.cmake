# SPDX-License-Identifier: Apache-2.0
# The anatomy of the tree, enforced: a module uses strictly lower layers only; its private headers reach nobody; each
# public header is compiled alone; every *_test.cpp beside the code is built and run.

set(MILLRACE_PLUGIN_LAYER 3) # extensions see `plugin` and what lies below it

# Precompiled standard and JSON headers, shared by every target.
function(_millrace_precompile target)
  if(NOT TARGET millrace_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/generated/pch.cpp "// Carries the precompiled headers.\n")
    add_library(millrace_pch OBJECT ${CMAKE_BINARY_DIR}/generated/pch.cpp)
    target_precompile_headers(millrace_pch PRIVATE
      <algorithm> <chrono> <expected> <functional> <map> <memory> <optional> <span> <string> <string_view> <unordered_map>
      <variant> <vector> <fmt/format.h> <boost/json.hpp>)
    target_link_libraries(millrace_pch PRIVATE Boost::headers fmt::fmt)
    set_target_properties(millrace_pch PROPERTIES VERIFY_INTERFACE_HEADER_SETS OFF)
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE) # clang refuses headers compiled with -fPIC in a source compiled with -fPIE
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM millrace_pch)
endfunction()

function(_millrace_check_layer what layer)
  foreach(dependency IN LISTS ARGN)
    if(NOT TARGET millrace_${dependency})
      message(FATAL_ERROR "${what}: '${dependency}' is not declared yet; lower layers come first")
    endif()
    get_target_property(dependency_layer millrace_${dependency} MILLRACE_LAYER)
    if(NOT dependency_layer LESS layer)
      message(FATAL_ERROR "${what}: layer ${layer} may not use '${dependency}' on layer ${dependency_layer}")
    endif()
  endforeach()
endfunction()

function(_millrace_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  if(NOT BUILD_TESTING OR NOT arg_SOURCES)
    return()
  endif()
  add_executable(millrace_${name}_test ${arg_SOURCES})
  target_link_libraries(millrace_${name}_test PRIVATE ${arg_LINK} GTest::gtest GTest::gtest_main)
  target_compile_definitions(millrace_${name}_test PRIVATE MILLRACE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_include_directories(millrace_${name}_test PRIVATE .)
  _millrace_precompile(millrace_${name}_test)
  add_test(NAME ${name} COMMAND millrace_${name}_test --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

# millrace_module(<name> LAYER <n> [DEPENDS <module>…] [PRIVATE_DEPENDS <module>…] [LINK <external>…]
#                 [PUBLIC_LINK <external>…] [TEST_DEPENDS <module>…])
#   The library millrace::<name> from every source in this folder and its subfolders, testing/ and program/ apart:
#   testing/ becomes millrace::<name>_testing, which tests of any module may use; program/ holds an executable's main().
function(millrace_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LAYER" "DEPENDS;PRIVATE_DEPENDS;LINK;PUBLIC_LINK;TEST_DEPENDS")
  if(arg_UNPARSED_ARGUMENTS OR NOT DEFINED arg_LAYER)
    message(FATAL_ERROR "millrace_module(${name}): needs LAYER; unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  _millrace_check_layer("millrace_module(${name})" ${arg_LAYER} ${arg_DEPENDS} ${arg_PRIVATE_DEPENDS})

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(testing ${sources})
  list(FILTER testing INCLUDE REGEX "/testing/")
  list(FILTER sources EXCLUDE REGEX "(_test\\.cpp$|/testing/|/program/)")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS include/*.hpp)

  add_library(millrace_${name} STATIC ${sources})
  add_library(millrace::${name} ALIAS millrace_${name})
  set_target_properties(millrace_${name} PROPERTIES MILLRACE_LAYER ${arg_LAYER} VERIFY_INTERFACE_HEADER_SETS ON)
  target_sources(millrace_${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  target_include_directories(millrace_${name} PRIVATE .)
  set(public ${arg_DEPENDS})
  list(TRANSFORM public PREPEND millrace::)
  set(private ${arg_PRIVATE_DEPENDS})
  list(TRANSFORM private PREPEND millrace::)
  target_link_libraries(millrace_${name} PUBLIC ${public} ${arg_PUBLIC_LINK} fmt::fmt PRIVATE ${private} ${arg_LINK})
  _millrace_precompile(millrace_${name})

  set(test_link millrace::${name})
  if(testing AND BUILD_TESTING)
    list(FILTER testing EXCLUDE REGEX "_test\\.cpp$")
    add_library(millrace_${name}_testing STATIC ${testing})
    add_library(millrace::${name}_testing ALIAS millrace_${name}_testing)
    target_include_directories(millrace_${name}_testing PUBLIC testing/include PRIVATE . testing)
    target_link_libraries(millrace_${name}_testing PUBLIC millrace::${name} PRIVATE GTest::gtest)
    _millrace_precompile(millrace_${name}_testing)
    list(APPEND test_link millrace::${name}_testing)
  endif()
  list(TRANSFORM arg_TEST_DEPENDS PREPEND millrace::)
  _millrace_test(${name} SOURCES ${tests} LINK ${test_link} ${arg_TEST_DEPENDS} ${private} ${arg_LINK})
endfunction()

# millrace_plugin(<kind> <name> [LINK <external>…] [USES <module>…])
#   The built-in extension in this folder: <name>_<kind>.cpp describes itself with MILLRACE_PLUGIN(<name>_<kind>, …).
function(millrace_plugin kind name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LINK;USES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "millrace_plugin(${kind} ${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(id ${name}_${kind})
  math(EXPR above "${MILLRACE_PLUGIN_LAYER} + 1")
  _millrace_check_layer("millrace_plugin(${id})" ${above} plugin ${arg_USES})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  set(uses ${arg_USES})
  list(TRANSFORM uses PREPEND millrace::)
  add_library(millrace_${id} STATIC ${sources})
  target_link_libraries(millrace_${id} PUBLIC millrace::plugin PRIVATE ${uses} ${arg_LINK})
  _millrace_precompile(millrace_${id})
  set_property(GLOBAL APPEND PROPERTY MILLRACE_BUILTIN_PLUGINS ${id})
  set(testing)
  if(TARGET millrace_plugin_testing)
    set(testing millrace::plugin_testing)
  endif()
  foreach(module IN LISTS arg_USES)
    if(TARGET millrace_${module}_testing)
      list(APPEND testing millrace::${module}_testing)
    endif()
  endforeach()
  _millrace_test(${id} SOURCES ${tests} LINK millrace_${id} ${testing} ${uses} ${arg_LINK})
endfunction()

# The one list through which built-in extensions reach the registry: library millrace::builtin_plugins.
function(millrace_builtin_plugins)
  get_property(ids GLOBAL PROPERTY MILLRACE_BUILTIN_PLUGINS)
  list(SORT ids)
  set(declarations "")
  set(calls "")
  set(libraries "")
  foreach(id IN LISTS ids)
    string(APPEND declarations "void millrace_describe_${id}(millrace::PluginBuilder&);\n")
    string(APPEND calls "  millrace_describe_${id}(builder);\n")
    list(APPEND libraries millrace_${id})
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/builtin_plugins.cpp CONTENT
"// SPDX-License-Identifier: Apache-2.0
// Generated: every built-in extension, in one list.
#include \"millrace/plugin/plugin.hpp\"

${declarations}
namespace millrace {
void describe_builtin_plugins(PluginBuilder& builder) {
${calls}}
}  // namespace millrace
")
  add_library(millrace_builtin_plugins STATIC ${CMAKE_BINARY_DIR}/generated/builtin_plugins.cpp)
  add_library(millrace::builtin_plugins ALIAS millrace_builtin_plugins)
  target_link_libraries(millrace_builtin_plugins PUBLIC millrace::plugin PRIVATE ${libraries})
  set_target_properties(millrace_builtin_plugins PROPERTIES MILLRACE_LAYER ${MILLRACE_PLUGIN_LAYER})
endfunction()
