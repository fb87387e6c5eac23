// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// A way into a JSON value: `alert.labels["severity"]`, `commits[0].author`, `checks[-1]`.
class Path {
 public:
  /// A key of an object. Written with a dot it also maps over the elements of a list; in brackets
  /// it does not.
  struct Key {
    std::string name;
    bool dotted = true;
    friend bool operator==(const Key&, const Key&) = default;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using Index = std::int64_t;  ///< of a list; negative from its end
  using Segment = std::variant<Key, Index>;

  Path() = default;
  explicit Path(std::vector<Segment> segments) : segments_(std::move(segments)) {}
  /// "a.b[0]['k']", without a root. Errors: invalid_rule.
  static Result<Path> parse(std::string_view text);
  /// The segments at the start of `text`, each with its dot or brackets; `text` is left at what
  /// follows them, or at the fault. Errors: invalid_rule.
  static Result<Path> take(std::string_view& text);

  const std::vector<Segment>& segments() const { return segments_; }
  bool empty() const { return segments_.empty(); }
  /// The name of the first segment, or "" when it is an index or the path is empty.
  std::string_view first_key() const;
  /// Without the first segment.
  Path rest() const;
  std::string to_string() const;

  friend bool operator==(const Path&, const Path&) = default;
  friend auto operator<=>(const Path&, const Path&) = default;

 private:
  std::vector<Segment> segments_;
};

/// Length in bytes of the name at the start of `text`: letters of any script and `_`, behind the
/// first also digits and combining marks. 0: there is none.
std::size_t name_length(std::string_view text);

/// What a path finds. A value inside the searched one, or one made for the answer (a dotted key
/// over a list gives the list of the values found), or nothing.
class Found {
 public:
  Found() = default;
  explicit Found(const Value& inside) : inside_(&inside) {}
  explicit Found(Value&& made) : made_(std::move(made)), is_made_(true) {}
  explicit operator bool() const { return inside_ != nullptr || is_made_; }
  const Value& operator*() const { return is_made_ ? made_ : *inside_; }
  const Value* operator->() const { return &**this; }

 private:
  const Value* inside_ = nullptr;
  Value made_;
  bool is_made_ = false;
};

/// Follows `path` as conditions do: null ends the walk and is the answer; an index beyond the list,
/// or a step into a scalar, finds nothing; a dotted key over a list gives the values that its
/// objects have there, lists among them flattened by one level, nothing when there is none.
Found find(const Value& root, const Path& path);

}  // namespace millrace
