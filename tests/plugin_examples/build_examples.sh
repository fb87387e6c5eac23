#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: build_examples.sh BUILD_FOLDER LOADER
# Installs the headers of plugins into a folder of its own, builds examples/plugins there, runs their tests, loads them.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
loader=$2

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --component headers --prefix "$folder/prefix" >/dev/null
cp -r "$source/examples/plugins" "$folder/examples"
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_BASEDIR=$folder CCACHE_NOHASHDIR=1
fi

if ! cmake -S "$folder/examples" -B "$folder/build" -G Ninja -DCMAKE_PREFIX_PATH="$folder/prefix" "${launcher[@]}" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" -DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror" >"$folder/log" 2>&1 ||
  ! cmake --build "$folder/build" >>"$folder/log" 2>&1 ||
  ! ctest --test-dir "$folder/build" --output-on-failure >>"$folder/log" 2>&1; then
  cat "$folder/log" >&2
  exit 1
fi
"$loader" "$folder"/build/*/*.so | LC_ALL=C sort | diff - "$source/tests/plugin_examples/expected.txt"
