// SPDX-License-Identifier: Apache-2.0
#include "test_time.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/text.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::cli {
namespace {

// Nanoseconds, which the rules count in, reach about three times as far.
constexpr TestTime kLongest = std::chrono::days(36'525);

std::optional<TestTime> sum_of_spans(std::string_view text) {
  std::vector<std::string_view> words;
  for (const auto word : split(text, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  if (words.empty() || words.size() % 2 != 0) return std::nullopt;
  TestTime sum{};
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const auto span = rules::parse_span(fmt::format("{} {}", words[i], words[i + 1]),
                                        rules::Units::with_milliseconds);
    if (!span || span->length > kLongest - sum) return std::nullopt;
    sum += span->length;
  }
  return sum;
}

}  // namespace

std::optional<TestTime> parse_test_time(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::scalar) return std::nullopt;
  if (node.is_string()) return sum_of_spans(node.text);
  if (!node.scalar.is_number()) return std::nullopt;
  const auto seconds = node.scalar.to_number<double>();
  const auto most = std::chrono::duration<double>(kLongest).count();
  if (!(seconds >= 0 && seconds <= most)) return std::nullopt;
  return TestTime(std::llround(seconds * 1000));
}

std::string to_text(TestTime time) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits = {
      {{"day", 86'400'000},
       {"hour", 3'600'000},
       {"minute", 60'000},
       {"second", 1'000},
       {"millisecond", 1}}};
  std::string out;
  for (auto rest = time.count(); const auto& [unit, length] : kUnits) {
    const auto number = rest / length;
    rest %= length;
    if (number == 0) continue;
    out += fmt::format("{}{} {}{}", out.empty() ? "" : " ", number, unit, number == 1 ? "" : "s");
  }
  return out.empty() ? "0 seconds" : out;
}

}  // namespace millrace::cli
