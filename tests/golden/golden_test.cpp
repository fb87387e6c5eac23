// SPDX-License-Identifier: Apache-2.0
// Plays the folders beside this file: see README.md.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "staged_rulebook.hpp"

namespace millrace::rules {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

bool updates_wanted() {
  const char* wanted = std::getenv("MILLRACE_GOLDEN_UPDATE");
  return wanted != nullptr && std::string_view(wanted) == "1";
}

std::vector<fs::path> folders_of(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

std::vector<fs::path> all_cases() {
  std::vector<fs::path> cases;
  for (const auto& area : folders_of(fs::path(MILLRACE_SOURCE_DIR) / "tests/golden"))
    std::ranges::move(folders_of(area), std::back_inserter(cases));
  return cases;
}

std::string name_of(const testing::TestParamInfo<fs::path>& info) {
  auto name = fmt::format("{}__{}", info.param.parent_path().filename().string(),
                          info.param.filename().string());
  std::ranges::replace_if(name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

class Golden : public testing::TestWithParam<fs::path> {
 protected:
  fs::path file(std::string_view name) const { return GetParam() / name; }

  std::string text_of(std::string_view name) const {
    auto text = read_file(file(name));
    if (!text) ADD_FAILURE() << text.error().message();
    return text ? std::move(*text) : std::string();
  }

  Lines lines_of(std::string_view name) const {
    Lines lines;
    const auto text = text_of(name);
    for (const auto line : split(text, '\n')) {
      if (!trim(line).empty()) lines.emplace_back(line);
    }
    return lines;
  }

  Object variables() const {
    if (!fs::exists(file("vars.json"))) return {};
    auto parsed = parse_json(text_of("vars.json"));
    EXPECT_TRUE(parsed && parsed->is_object()) << "vars.json is no object";
    return parsed && parsed->is_object() ? parsed->get_object() : Object();
  }

  void rewrite(std::string_view name, const Lines& lines) const {
    const auto written = write_file_atomically(
        file(name), lines.empty() ? "" : fmt::format("{}\n", fmt::join(lines, "\n")));
    EXPECT_TRUE(written) << written.error().message();
  }

  void play_events();
  void expect_errors();
  void check(const Lines& steps, const Lines& expected, const Lines& came) const;
  void check_memory(const StagedRulebook& playback) const;
};

// Whether both say the same: the order of keys does not matter, the type of numbers does.
bool agree(const std::string& expected, const std::string& came) {
  const auto left = parse_json(expected);
  const auto right = parse_json(came);
  return left && right && identical(*left, *right);
}

std::string told(const Diagnostics& diagnostics) {
  std::string all;
  for (const auto& item : diagnostics.items())
    all +=
        fmt::format("{}:{} {}: {}\n", item.where.line, item.where.column, item.code, item.message);
  return all;
}

void Golden::check(const Lines& steps, const Lines& expected, const Lines& came) const {
  EXPECT_EQ(expected.size(), steps.size()) << "expected.jsonl has one line for each step";
  for (std::size_t i = 0; i < std::min(steps.size(), expected.size()); ++i) {
    EXPECT_TRUE(agree(expected[i], came[i]))
        << "step " << i + 1 << ":   " << steps[i] << "\nexpected: " << expected[i]
        << "\ncame:     " << came[i] << "\nin        " << GetParam().string();
  }
}

void Golden::check_memory(const StagedRulebook& playback) const {
  if (!fs::exists(file("expected_memory.jsonl"))) return;
  Lines came;
  for (const auto& event : playback.memory()) came.push_back(to_json(event));
  if (updates_wanted()) return rewrite("expected_memory.jsonl", came);
  const auto expected = lines_of("expected_memory.jsonl");
  EXPECT_TRUE(std::ranges::equal(expected, came, agree))
      << "working memory at the end\nexpected: " << fmt::format("{}", fmt::join(expected, " "))
      << "\ncame:     " << fmt::format("{}", fmt::join(came, " "));
}

void Golden::play_events() {
  const Object known = variables();
  Diagnostics diagnostics;
  const auto playback = StagedRulebook::load(text_of("rulebook.yml"), known, diagnostics);
  ASSERT_TRUE(playback) << told(diagnostics);
  const Lines steps = lines_of("events.jsonl");
  Lines came;
  for (const auto& line : steps) {
    const auto step = parse_json(line);
    ASSERT_TRUE(step) << line << ": " << step.error().message();
    const auto fired = playback->play(*step);
    ASSERT_TRUE(fired) << line << ": " << fired.error().message();
    came.push_back(to_json(*fired));
  }
  if (updates_wanted()) {
    rewrite("expected.jsonl", came);
  } else {
    check(steps, lines_of("expected.jsonl"), came);
  }
  check_memory(*playback);
}

void Golden::expect_errors() {
  const Object known = variables();
  Diagnostics diagnostics;
  const auto playback = StagedRulebook::load(text_of("rulebook.yml"), known, diagnostics);
  EXPECT_FALSE(playback) << "the rulebook loads";
  diagnostics.sort();
  Lines came;
  for (const auto& item : diagnostics.items()) {
    if (item.severity != Severity::error) continue;
    came.push_back(
        fmt::format("{}:{} {}: {}", item.where.line, item.where.column, item.code, item.message));
  }
  auto expected = lines_of("expected_errors.txt");
  const auto begins = [](const std::string& start, const std::string& whole) {
    return whole.starts_with(start);
  };
  if (std::ranges::equal(expected, came, begins)) return;  // a shortened message stays short
  if (updates_wanted()) return rewrite("expected_errors.txt", came);
  EXPECT_EQ(fmt::format("{}", fmt::join(came, "\n")), fmt::format("{}", fmt::join(expected, "\n")))
      << "lines are compared by their beginnings; in " << GetParam().string();
}

TEST_P(Golden, Holds) {
  if (fs::exists(file("expected_errors.txt"))) {
    expect_errors();
  } else {
    play_events();
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::ValuesIn(all_cases()), name_of);

}  // namespace
}  // namespace millrace::rules
