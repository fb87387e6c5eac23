// SPDX-License-Identifier: Apache-2.0
// Firings at both ends that are as expected are set aside; what lies between is compared by the
// longest common subsequence, where "equal" means that a firing has what was expected of it.
#include "firing_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kMostPairs = 4'000'000;

// The first place where something is not as expected; the path is made from its end.
struct Mismatch {
  std::string path;
  const Value* expected = nullptr;
  const Value* actual = nullptr;  // null: it is missing
};

bool same_scalar(const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) return a == b;
  if (a.is_double() || b.is_double()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

std::optional<Mismatch> find_mismatch(const Value* actual, const Value& expected);

std::optional<Mismatch> find_in_object(const Object& actual, const Object& expected) {
  for (const auto& entry : expected) {
    if (auto found = find_mismatch(actual.if_contains(entry.key()), entry.value())) {
      found->path.insert(0, fmt::format(".{}", std::string_view(entry.key())));
      return found;
    }
  }
  return std::nullopt;
}

std::optional<Mismatch> find_in_array(const Array& actual, const Array& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (auto found = find_mismatch(&actual[i], expected[i])) {
      found->path.insert(0, fmt::format("[{}]", i));
      return found;
    }
  }
  return std::nullopt;
}

std::optional<Mismatch> find_mismatch(const Value* actual, const Value& expected) {
  if (actual != nullptr && actual->is_object() && expected.is_object())
    return find_in_object(actual->get_object(), expected.get_object());
  if (actual != nullptr && actual->is_array() && expected.is_array() &&
      actual->get_array().size() == expected.get_array().size())
    return find_in_array(actual->get_array(), expected.get_array());
  if (actual != nullptr && same_scalar(*actual, expected)) return std::nullopt;
  return Mismatch{{}, &expected, actual};
}

const Value* event_of(const Firing& firing, std::string_view binding) {
  const auto found =
      std::ranges::find(firing.bindings, binding, &std::pair<std::string, DocumentPtr>::first);
  return found == firing.bindings.end() ? nullptr : &found->second->value();
}

std::optional<Mismatch> find_in_match(const ExpectedFiring& expected, const Firing& came) {
  for (const auto& entry : expected.match) {
    if (auto found = find_mismatch(event_of(came, entry.key()), entry.value())) {
      found->path.insert(0, entry.key());
      return found;
    }
  }
  return std::nullopt;
}

bool fits(const ExpectedFiring& expected, const Firing& came) {
  return expected.rule.text == came.rule && expected.at.value_or(came.at) == came.at &&
         !find_in_match(expected, came);
}

// How a firing differs from the one that was expected of its rule.
std::string remark_on(const ExpectedFiring& expected, const Firing& came) {
  std::vector<std::string> parts;
  if (expected.at && *expected.at != came.at)
    parts.push_back(fmt::format("at {}, not at {}", to_text(came.at), to_text(*expected.at)));
  if (const auto found = find_in_match(expected, came)) {
    parts.push_back(found->actual == nullptr
                        ? fmt::format("{} is missing", found->path)
                        : fmt::format("{} is {}, not {}", found->path, to_json(*found->actual),
                                      to_json(*found->expected)));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

DiffLine line_of(const Firing& came, DiffLine::Kind kind) {
  DiffLine line{kind, came.rule, came.at, {}, {}};
  for (const auto& [binding, document] : came.bindings)
    line.match[binding] = without_meta(document->value());
  return line;
}

class Comparison {
 public:
  Comparison(std::span<const ExpectedFiring> expected, std::span<const Firing> came)
      : expected_(expected), came_(came) {}

  std::vector<DiffLine> run() {
    add_common(set_aside_first());
    const auto last = set_aside_last();
    compare_middle();
    flush();
    add_common(last);
    return std::move(lines_);
  }

 private:
  std::span<const Firing> set_aside_first() {
    const auto shorter = std::min(expected_.size(), came_.size());
    std::size_t count = 0;
    while (count < shorter && fits(expected_[count], came_[count])) ++count;
    const auto aside = came_.first(count);
    expected_ = expected_.subspan(count);
    came_ = came_.subspan(count);
    return aside;
  }

  std::span<const Firing> set_aside_last() {
    std::size_t count = 0;
    while (!expected_.empty() && count < came_.size() &&
           fits(expected_.back(), came_[came_.size() - 1 - count])) {
      expected_ = expected_.first(expected_.size() - 1);
      ++count;
    }
    const auto aside = came_.last(count);
    came_ = came_.first(came_.size() - count);
    return aside;
  }

  void compare_middle() {
    find_common_lengths();
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < expected_.size() && j < came_.size()) {
      if (common(i, j) == common(i + 1, j)) {
        missing_.push_back(i++);
      } else if (common(i, j) == common(i, j + 1)) {
        unexpected_.push_back(j++);
      } else {
        flush();
        add_common(came_.subspan(j, 1));
        ++i;
        ++j;
      }
    }
    while (i < expected_.size()) missing_.push_back(i++);
    while (j < came_.size()) unexpected_.push_back(j++);
  }

  // For each pair of ends how many pairs they have in common, at most; left out if it is too much.
  void find_common_lengths() {
    if (came_.size() > kMostPairs / (expected_.size() + 1)) return;
    lengths_.assign((expected_.size() + 1) * (came_.size() + 1), 0);
    for (auto i = expected_.size(); i-- > 0;) {
      for (auto j = came_.size(); j-- > 0;) {
        const auto paired = fits(expected_[i], came_[j]) ? common(i + 1, j + 1) + 1 : 0;
        lengths_[i * (came_.size() + 1) + j] =
            std::max({paired, common(i + 1, j), common(i, j + 1)});
      }
    }
  }

  std::uint32_t common(std::size_t i, std::size_t j) const {
    return lengths_.empty() ? 0 : lengths_[i * (came_.size() + 1) + j];
  }

  void add_common(std::span<const Firing> firings) {
    for (const auto& came : firings) lines_.push_back(line_of(came, DiffLine::Kind::as_expected));
  }

  // What is missing between two common firings, then what came instead.
  void flush() {
    for (const auto i : missing_) {
      const auto& expected = expected_[i];
      lines_.push_back(
          {DiffLine::Kind::missing, expected.rule.text, expected.at, expected.match, {}});
    }
    for (const auto j : unexpected_) {
      lines_.push_back(line_of(came_[j], DiffLine::Kind::unexpected));
      const auto meant = std::ranges::find_if(
          missing_, [&](std::size_t i) { return expected_[i].rule.text == came_[j].rule; });
      if (meant == missing_.end()) continue;
      lines_.back().remark = remark_on(expected_[*meant], came_[j]);
      missing_.erase(meant);
    }
    missing_.clear();
    unexpected_.clear();
  }

  std::span<const ExpectedFiring> expected_;  // that are not set aside
  std::span<const Firing> came_;
  std::vector<std::uint32_t> lengths_;
  std::vector<std::size_t> missing_;  // since the last common firing
  std::vector<std::size_t> unexpected_;
  std::vector<DiffLine> lines_;
};

}  // namespace

bool includes(const Value& actual, const Value& expected) {
  return !find_mismatch(&actual, expected);
}

bool as_expected(std::span<const ExpectedFiring> expected, std::span<const Firing> came) {
  return std::ranges::equal(expected, came, fits);
}

std::vector<DiffLine> difference(std::span<const ExpectedFiring> expected,
                                 std::span<const Firing> came) {
  return Comparison(expected, came).run();
}

}  // namespace millrace::cli
