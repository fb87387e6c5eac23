// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/glob_path.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace {
namespace {

// Takes the first code point off a text; a byte that begins none stands for itself.
char32_t take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  char32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || (byte(i) & 0xC0U) != 0x80) {
      text.remove_prefix(1);
      return lead;
    }
    point = (point << 6U) | (byte(i) & 0x3FU);
  }
  text.remove_prefix(length);
  return point;
}

// The inside of `[…]`, taken off the pattern behind its `[`; nothing if it is not closed. A `]` at
// the start, or behind the `!`, is a member.
std::optional<std::string_view> take_class(std::string_view& pattern) {
  std::size_t first = pattern.starts_with('!') ? 1 : 0;
  if (pattern.substr(first).starts_with(']')) ++first;
  const auto end = pattern.find(']', first);
  if (end == std::string_view::npos) return std::nullopt;
  const auto inside = pattern.substr(0, end);
  pattern.remove_prefix(end + 1);
  return inside;
}

bool class_holds(std::string_view members, char32_t point) {
  const bool negated = members.starts_with('!');
  if (negated) members.remove_prefix(1);
  bool found = false;
  while (!members.empty()) {
    const char32_t low = take_code_point(members);
    char32_t high = low;
    if (members.size() > 1 && members.front() == '-') {
      members.remove_prefix(1);
      high = take_code_point(members);
    }
    found = found || (low <= point && point <= high);
  }
  return found != negated;
}

// Whether the pattern's first element, which is no `*`, fits the text's first character. Takes
// both.
bool take_one(std::string_view& pattern, std::string_view& text) {
  const char32_t point = take_code_point(text);
  const char32_t wanted = take_code_point(pattern);
  if (wanted == U'?') return true;
  if (wanted == U'[') {
    if (const auto members = take_class(pattern)) return class_holds(*members, point);
  }
  return wanted == point;
}

std::optional<std::int64_t> as_index(std::string_view segment) {
  segment = trim(segment);
  if (segment.starts_with('+')) segment.remove_prefix(1);
  std::int64_t index = 0;
  const auto [end, error] = std::from_chars(segment.data(), segment.data() + segment.size(), index);
  if (error != std::errc() || end != segment.data() + segment.size()) return std::nullopt;
  return index;
}

// A key of an object, or a place in a list of `size`.
struct Step {
  std::string_view key;
  std::size_t index = 0;
  std::size_t size = 0;
  bool in_list = false;
};

bool fits(const std::string& segment, const Step& step) {
  if (!step.in_list) return glob_match(segment, step.key);
  const auto at = static_cast<std::int64_t>(step.index);
  const auto index = as_index(segment);
  if (index) return *index == at || *index == at - static_cast<std::int64_t>(step.size);
  return glob_match(segment, std::to_string(step.index));
}

// Visits every value of an event in the original's order, all children of a value before their own
// children, until a second value fits: the order decides which of several faults is told.
class Search {
 public:
  explicit Search(const std::vector<std::string>& segments)
      : segments_(segments), stars_(std::ranges::find(segments, "**") - segments.begin()) {}

  void visit(const Value& value) {
    for_each_child(value, [this](const Value& child) { look_at(child); });
    for_each_child(value, [this](const Value& child) { visit(child); });
  }

  bool empty_key() const { return empty_key_; }
  std::size_t matches() const { return matches_; }
  const Value* found() const { return found_; }

 private:
  bool done() const { return empty_key_ || matches_ > 1; }

  template <class Do>
  void for_each_child(const Value& value, Do&& act) {
    if (value.is_object()) {
      for (const auto& entry : value.get_object()) {
        if (done()) return;
        step_to({{entry.key().data(), entry.key().size()}}, entry.value(), act);
      }
    } else if (value.is_array()) {
      const auto& list = value.get_array();
      for (std::size_t i = 0; i < list.size() && !done(); ++i) {
        step_to({{}, i, list.size(), true}, list[i], act);
      }
    }
  }

  template <class Do>
  void step_to(const Step& step, const Value& child, Do& act) {
    empty_key_ = empty_key_ || (!step.in_list && step.key.empty());
    if (empty_key_) return;
    steps_.push_back(step);
    act(child);
    steps_.pop_back();
  }

  void look_at(const Value& value) {
    if (!steps_fit()) return;
    ++matches_;
    found_ = &value;
  }

  bool steps_fit() const {
    const std::size_t behind = stars_ < segments_.size() ? segments_.size() - stars_ - 1 : 0;
    if (stars_ == segments_.size() ? steps_.size() != stars_ : steps_.size() < stars_ + behind) {
      return false;
    }
    for (std::size_t i = 0; i < stars_; ++i) {
      if (!fits(segments_[i], steps_[i])) return false;
    }
    for (std::size_t i = 1; i <= behind; ++i) {
      if (!fits(segments_[segments_.size() - i], steps_[steps_.size() - i])) return false;
    }
    return true;
  }

  const std::vector<std::string>& segments_;
  const std::size_t stars_;  // index of `**`, or the number of segments
  std::vector<Step> steps_;
  const Value* found_ = nullptr;
  std::size_t matches_ = 0;
  bool empty_key_ = false;
};

}  // namespace

// After a `*` failed to fit, it takes one character more; only the last `*` ever needs to.
bool glob_match(std::string_view pattern, std::string_view text) {
  std::optional<std::pair<std::string_view, std::string_view>> retry;
  while (!text.empty() || !pattern.empty()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      retry.emplace(pattern, text);
      continue;
    }
    if (!pattern.empty() && !text.empty() && take_one(pattern, text)) continue;
    if (!retry || retry->second.empty()) return false;
    take_code_point(retry->second);
    std::tie(pattern, text) = *retry;
  }
  return true;
}

Result<GlobPath> GlobPath::parse(std::string_view text, std::string_view separator) {
  if (separator.empty()) {
    return fail(Errc::invalid_settings, "the separator of a path must not be empty");
  }
  std::vector<std::string> segments;
  if (text.empty() || text == "/") return GlobPath(text, std::move(segments));
  auto rest = text.substr(std::min(text.find_first_not_of(separator), text.size()));
  while (true) {
    const auto end = rest.find(separator);
    segments.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + separator.size());
  }
  if (std::ranges::count(segments, "**") > 1) {
    return fail(Errc::invalid_settings, "the path `{}` has more than one `**`", text);
  }
  return GlobPath(text, std::move(segments));
}

Result<const Value*> GlobPath::get(const Value& root) const {
  if (segments_.empty()) return &root;
  Search search(segments_);
  search.visit(root);
  if (search.empty_key()) {
    return fail(Errc::invalid_event,
                "the event has an empty key, with which `{}` cannot be looked up", text_);
  }
  if (search.matches() > 1) {
    return fail(Errc::invalid_event, "the path `{}` fits more than one value", text_);
  }
  if (search.matches() == 0) return fail(Errc::not_found, "nothing at `{}`", text_);
  return search.found();
}

}  // namespace millrace
