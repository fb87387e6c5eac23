#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: build_skeletons.sh BUILD_FOLDER PROGRAM PYTHON LOADER
# Begins a plugin of each kind with `millrace plugin new`, in both languages; builds them outside of the tree, runs their
# tests as they are, and loads the native ones.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
program=$2
python=$3
loader=$4

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --component headers --prefix "$folder/prefix" >/dev/null
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_BASEDIR=$folder CCACHE_NOHASHDIR=1
fi

mkdir "$folder/cpp"
{
  echo 'cmake_minimum_required(VERSION 3.25)'
  echo 'project(skeletons LANGUAGES CXX)'
  echo 'enable_testing()'
} >"$folder/cpp/CMakeLists.txt"
for kind in source filter action monitor trigger hook_class worker config_plugin param_processor pattern; do
  "$program" plugin new "$kind" "my_$kind" --directory "$folder/cpp/$kind" >"$folder/log"
  echo "add_subdirectory($kind)" >>"$folder/cpp/CMakeLists.txt"
  "$program" plugin new "$kind" "my_$kind" --language python --directory "$folder/python/$kind" >"$folder/log"
  if [[ -d $source/python/millrace ]]; then
    (cd "$folder/python/$kind" && PYTHONPATH=$source/python "$python" -B -m unittest -q 2>"$folder/log") || {
      echo "the Python skeleton of kind $kind fails:" >&2
      cat "$folder/log" >&2
      exit 1
    }
  fi
done

if ! cmake -S "$folder/cpp" -B "$folder/build" -G Ninja -DCMAKE_PREFIX_PATH="$folder/prefix" "${launcher[@]}" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >"$folder/log" 2>&1 ||
  ! cmake --build "$folder/build" >>"$folder/log" 2>&1 ||
  ! ctest --test-dir "$folder/build" --output-on-failure >>"$folder/log" 2>&1; then
  cat "$folder/log" >&2
  exit 1
fi
"$loader" "$folder"/build/*/*.so >/dev/null
