// SPDX-License-Identifier: Apache-2.0
// The limit that reading JSON lines is measured against: simdjson parses each line of a file to a
// DOM, and nothing else. Usage: bench_parse_baseline FILE [ROUNDS]; prints {"events": n, "bytes":
// n, "seconds": s}.

#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 1;
  const auto begun = std::chrono::steady_clock::now();
  const auto text = simdjson::padded_string::load(argv[1]);
  if (text.error() != simdjson::SUCCESS) return 1;
  simdjson::dom::parser parser;
  std::size_t events = 0;
  std::size_t bytes = 0;
  for (int round = 0; round < rounds; ++round) {
    const char* at = text.value_unsafe().data();
    const char* const end = at + text.value_unsafe().size();
    while (at < end) {
      const auto* line_end =
          static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      if (line_end == nullptr) line_end = end;
      const auto length = static_cast<std::size_t>(line_end - at);
      if (length > 0) {
        if (parser.parse(at, length, false).error() != simdjson::SUCCESS) return 1;
        ++events;
        bytes += length;
      }
      at = line_end + 1;
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("{\"events\": %zu, \"bytes\": %zu, \"seconds\": %.6f}\n", events, bytes, seconds);
}
