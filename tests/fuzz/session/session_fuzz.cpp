// SPDX-License-Identifier: Apache-2.0
// A rulebook and what happens to its first rule set: YAML, a line of three percent signs, and then
// commands as `millrace try` takes them, one a line. Whatever comes: an error or firings, and what
// is told of the state afterwards is consistent.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/advice.hpp"
#include "millrace/rules/playback.hpp"

namespace {

using namespace millrace;

constexpr std::string_view kMark = "\n%%%\n";
constexpr std::size_t kMostCommands = 200;

void check_state(rules::Playback& playback) {
  auto& session = playback.session();
  const auto& statistics = session.statistics();
  if (session.working_memory().size() > session.working_memory_size()) std::abort();
  if (statistics.processed > kMostCommands) std::abort();
  if (const auto next = session.next_timer(); next && *next < Instant()) std::abort();
}

void play(const rules::RuleSet& rule_set, std::string_view commands) {
  Diagnostics diagnostics;
  const auto playback = rules::Playback::create(rule_set, diagnostics);
  if (!playback) return;
  std::size_t count = 0;
  for (const auto line : split(commands, '\n')) {
    if (trim(line).empty()) continue;
    if (++count > kMostCommands) break;
    const auto command = parse_json(line);
    if (!command) continue;
    const auto fired = playback->play(*command);
    if (!fired) continue;
    for (const auto& activation : *fired) {
      if (activation.rule >= rule_set.rules.size()) std::abort();
      if (activation.at.time_since_epoch() > playback->now()) std::abort();
    }
    check_state(*playback);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto mark = input.find(kMark);
  if (mark == std::string_view::npos) return 0;
  Diagnostics diagnostics;
  const auto rulebook = rules::load_rulebook(input.substr(0, mark), "fuzz.yml", {}, diagnostics);
  if (!rulebook) return 0;
  rules::advise(*rulebook, {}, diagnostics);
  for (const auto& rule_set : rulebook->rule_sets)
    play(rule_set, input.substr(mark + kMark.size()));
  return 0;
}
