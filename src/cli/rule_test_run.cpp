// SPDX-License-Identifier: Apache-2.0
#include "rule_test_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "millrace/rules/playback.hpp"

namespace millrace::cli {
namespace {

class Run {
 public:
  Run(const TestCase& test, rules::Playback& playback) : test_(test), playback_(playback) {}

  Result<> play() {
    for (const auto& step : test_.steps) {
      auto done = play(step);
      if (!done) {
        return std::move(done.error())
            .with_context(fmt::format("{}:{}", step.where.file, step.where.line));
      }
    }
    return advance_to(test_.end);
  }

  const std::vector<Firing>& firings() const { return firings_; }

 private:
  Result<> play(const TestStep& step) {
    if (auto advanced = advance_to(step.at); !advanced) return advanced;
    auto fired = playback_.play(step.command);
    if (!fired) return fired.error();
    keep(*fired);
    return {};
  }

  Result<> advance_to(TestTime at) {
    if (playback_.now() == at) return {};
    auto fired = playback_.advance_to(at);
    if (!fired) return fired.error();
    keep(*fired);
    return {};
  }

  void keep(std::vector<rules::Activation>& fired) {
    for (auto& activation : fired) {
      const auto& rule = playback_.rules().rules[activation.rule].name;
      if (!test_.compares(rule)) continue;
      const auto at = std::chrono::floor<TestTime>(activation.at.time_since_epoch());
      firings_.push_back({rule, at, std::move(activation.bindings)});
    }
  }

  const TestCase& test_;
  rules::Playback& playback_;
  std::vector<Firing> firings_;
};

// A case that stops too early is the usual reason why something is missing.
void note_open_windows(const rules::Session& session, CaseResult& result) {
  const auto missing = std::ranges::count(result.diff, DiffLine::Kind::missing, &DiffLine::kind);
  const auto came_otherwise =
      std::ranges::count_if(result.diff, [](const DiffLine& line) { return !line.remark.empty(); });
  if (missing == came_otherwise || !result.error.empty() || !session.next_timer()) return;
  result.notes.push_back(
      fmt::format("events still wait when the case ends, at {}; `until` moves the end",
                  to_text(result.test->end)));
}

}  // namespace

CaseResult run_case(const TestCase& test, const Clock& clock) {
  const auto start = clock.now();
  CaseResult result;
  result.test = &test;
  Diagnostics diagnostics;
  const auto playback = rules::Playback::create(*test.rules, diagnostics);
  if (!playback) {  // found when the file was read
    result.error = diagnostics.items().front().message;
    return result;
  }
  Run run(test, *playback);
  if (const auto played = run.play(); !played) result.error = played.error().message();
  result.passed = result.error.empty() && as_expected(test.expected, run.firings());
  if (!result.passed) result.diff = difference(test.expected, run.firings());
  for (auto& notice : playback->session().take_notices())
    result.notes.push_back(std::move(notice.text));
  note_open_windows(playback->session(), result);
  result.took = clock.now() - start;
  return result;
}

}  // namespace millrace::cli
