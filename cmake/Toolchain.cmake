# SPDX-License-Identifier: Apache-2.0
# Language level, warnings, sanitizers, and the tools that make builds quick.
option(MILLRACE_LTO "Link-time optimisation" OFF)
option(MILLRACE_BENCH "Build the benchmarks" OFF)
option(MILLRACE_FUZZ "Build fuzz targets with libFuzzer instead of the corpus runner" OFF)
set(MILLRACE_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
                    -Wextra-semi -Wthread-safety -Wno-missing-field-initializers -Werror)
# libstdc++ 12 calls its own deprecated get_temporary_buffer from std::stable_sort.
add_compile_options(-Wno-deprecated-declarations)
if(MILLRACE_SANITIZE)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
endif()
if(MILLRACE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # coverage, in every module that a fuzz target reaches
endif()
if(MILLRACE_LTO)
  add_compile_options(-flto=thin)
  add_link_options(-flto=thin -Wl,--thinlto-cache-dir=${CMAKE_BINARY_DIR}/lto-cache)
endif()

find_program(lld_program NAMES ld.lld-19)
if(lld_program)
  add_link_options(-fuse-ld=${lld_program})
endif()
find_program(ccache_program ccache)
if(ccache_program)
  # Precompiled headers are safe to cache only when their timestamps are left out of them.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${ccache_program})
endif()
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
