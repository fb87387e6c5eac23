// SPDX-License-Identifier: Apache-2.0
// Whole rule sets with what the reference engine made of them, where the measurements are at hand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "staged_rulebook.hpp"

namespace millrace::rules {
namespace {

namespace fs = std::filesystem;

// The file of reference cases, which is not part of the source tree; "" where it is missing.
fs::path cases_file() {
  const fs::path name = "specs/cases/rule-sets.jsonl";
  if (const char* shared = std::getenv("MILLRACE_SHARED")) return fs::path(shared) / name;
  for (fs::path at = MILLRACE_SOURCE_DIR; at != at.root_path(); at = at.parent_path()) {
    std::error_code ignored;
    const auto file = at.parent_path() / "shared" / name;
    if (fs::exists(file, ignored)) return file;
  }
  return {};
}

std::string id_of(const Value& entry) {
  return fmt::format("{} ({}: {})", view(entry.at("id").as_string()),
                     view(entry.at("area").as_string()), view(entry.at("title").as_string()));
}

// JSON is YAML.
std::string rulebook_of(const Value& entry) {
  Object rule_set = {
      {"name", "s"}, {"hosts", "all"}, {"sources", Array()}, {"rules", entry.at("rules")}};
  for (const auto& option : entry.at("options").as_object())
    rule_set[option.key()] = option.value();
  return to_json(Array{rule_set});
}

bool must_not_load(const Value& entry) {
  const Value* fault = entry.as_object().if_contains("load_error");
  return fault != nullptr && !fault->is_null();
}

// The order of firings of one step is nobody's promise.
void expect_same_firings(const Array& expected, const Array& came, const std::string& where) {
  const auto is_expected = [&](const Value& firing) {
    const auto times = [&](const Array& all) {
      return std::ranges::count_if(all,
                                   [&](const Value& other) { return identical(firing, other); });
    };
    return times(expected) == times(came);
  };
  EXPECT_TRUE(expected.size() == came.size() && std::ranges::all_of(came, is_expected))
      << where << "\nexpected: " << to_json(expected) << "\ncame:     " << to_json(came);
}

void expect_same_counters(const Value& entry, const Session& session) {
  const Object& final = entry.at("final").as_object();
  const auto& statistics = session.statistics();
  const auto expect = [&](std::string_view name, std::int64_t came) {
    if (const auto* expected = final.if_contains(name))
      EXPECT_EQ(came, expected->as_int64()) << id_of(entry) << ": " << name;
  };
  expect("working_memory_size", static_cast<std::int64_t>(session.working_memory_size()));
  expect("eventsProcessed", static_cast<std::int64_t>(statistics.processed));
  expect("eventsMatched", static_cast<std::int64_t>(statistics.matched));
  expect("eventsSuppressed", statistics.suppressed());
  expect("rulesTriggered", static_cast<std::int64_t>(statistics.activations));
}

void run(const Value& entry) {
  Diagnostics diagnostics;
  const auto playback =
      StagedRulebook::load(rulebook_of(entry), entry.at("vars").as_object(), diagnostics);
  EXPECT_EQ(playback == nullptr, must_not_load(entry))
      << id_of(entry) << ": " << (diagnostics.empty() ? "loads" : diagnostics.items()[0].message);
  if (!playback) return;
  for (const auto& step : entry.at("steps").as_array()) {
    const auto fired = playback->play(step);
    const auto where = fmt::format("{} at {}", id_of(entry), to_json(step));
    EXPECT_TRUE(fired) << where;
    if (fired) expect_same_firings(step.at("expect").as_array(), *fired, where);
  }
  expect_same_counters(entry, playback->session());
}

TEST(RuleSets, FireAndCountAsInTheReferenceMeasurements) {
  if (cases_file().empty()) GTEST_SKIP() << "no reference cases; set MILLRACE_SHARED";
  const auto text = read_file(cases_file());
  ASSERT_TRUE(text) << text.error().message();
  std::size_t count = 0;
  for (const auto line : split(*text, '\n')) {
    if (trim(line).empty()) continue;
    const auto entry = parse_json(line);
    ASSERT_TRUE(entry) << line;
    run(*entry);
    ++count;
  }
  EXPECT_GE(count, 50U);
}

}  // namespace
}  // namespace millrace::rules
