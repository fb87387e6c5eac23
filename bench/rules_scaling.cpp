// SPDX-License-Identifier: Apache-2.0
// What one event costs a rule set, by the number and kind of its rules; one event in a hundred
// fires. Usage: bench_rules_scaling equality|mixed|search RULES EVENTS; prints {"nanoseconds": per
// event, "fired": n}.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "millrace/event/event_reader.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace {

using namespace millrace;

// Kinds in turn; each rule has a value of its own, so that few fire.
std::string mixed_condition(int i) {
  switch (i % 6) {
    case 0:
      return fmt::format("event.id == {}", i);
    case 1:
      return fmt::format("event.host == \\\"h{}\\\" and event.load > {}", i, i % 90);
    case 2:
      return fmt::format("event.service in [\\\"s{}\\\", \\\"t{}\\\"]", i, i);
    case 3:
      return fmt::format("event.host == \\\"h{}\\\" and event.message is search(\\\"error {}\\\")",
                         i, i);
    case 4:
      return fmt::format("event.tags contains \\\"tag{}\\\"", i);
    default:
      return fmt::format("event.id > {} and event.service == \\\"s{}\\\"", i, i);
  }
}

std::string search_condition(int i) {
  return fmt::format(R"(event.message is search(\"failure {} on sd[a-z]\\d* at \\d+ MB\"))", i);
}

std::string rulebook(const std::string& kind, int rules) {
  std::string text =
      "- name: bench\n  hosts: all\n  sources:\n    - range:\n        limit: 1\n  rules:\n";
  for (int i = 0; i < rules; ++i) {
    const auto condition = kind == "equality" ? fmt::format("event.id == {}", i)
                           : kind == "search" ? search_condition(i)
                                              : mixed_condition(i);
    text += fmt::format("    - name: r{}\n      condition: \"{}\"\n      action:\n        none:\n",
                        i, condition);
  }
  return text;
}

std::vector<std::string> events(int count) {
  std::mt19937 random(7);
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    // One in a hundred is rule 0's.
    const int id = i % 100 == 0 ? 0 : 1'000'000 + i;
    const auto message = fmt::format("disk: {} {} on sda{} at {} MB", id == 0 ? "failure" : "usage",
                                     id == 0 ? 0 : random() % 100, i % 4, random() % 100'000);
    all.push_back(fmt::format(
        R"({{"id":{},"host":"web{}","service":"svc{}","load":{},"tags":["a","prod"],"message":"{}"}})",
        id, random() % 500, random() % 40, random() % 100, message));
    all.back().reserve(all.back().size() + kTextPadding);
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  Diagnostics diagnostics;
  const auto book =
      rules::load_rulebook(rulebook(argv[1], std::atoi(argv[2])), "bench", {}, diagnostics);
  if (!book) {
    std::fputs(diagnostics.items().front().message.c_str(), stderr);
    return 1;
  }
  const auto session = rules::Session::create(book->rule_sets.front(), diagnostics);
  EventReader reader(session->paths(), {});
  const auto texts = events(10'000);
  const int rounds = std::max(1, std::atoi(argv[3]) / 10'000);
  std::vector<rules::Activation> fired;
  std::size_t firings = 0;
  std::size_t seen = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (int round = 0; round < rounds; ++round) {
    for (const auto& text : texts) {
      auto event = Event::from_text(text);
      if (!reader.read(event, {})) return 1;
      session->insert_event(reader, Instant(), fired);
      firings += fired.size();
      fired.clear();
      ++seen;
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("{\"nanoseconds\": %.2f, \"fired\": %zu, \"events\": %zu}\n",
              seconds / static_cast<double>(seen) * 1e9, firings, seen);
}
