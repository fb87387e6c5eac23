// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/path.hpp"
#include "millrace/event/value.hpp"

namespace millrace::pipeline {

/// What names in a template mean: `event` or `events` of a match, then the startup variables.
class Scope {
 public:
  using Bindings = std::vector<std::pair<std::string, DocumentPtr>>;

  /// Startup variables only.
  explicit Scope(const Object& variables) : variables_(variables) {}
  /// Both must outlive the scope.
  Scope(const Object& variables, const Bindings& bindings)
      : variables_(variables), bindings_(&bindings) {}

  /// Errors: not_found, in the words of Jinja2.
  Result<Value> find(const Path& path) const;

 private:
  bool is_single() const;
  Result<Value> find_bound(std::span<const Path::Segment> steps) const;

  const Object& variables_;
  const Bindings* bindings_ = nullptr;
};

/// A text with `{{ path }}` in it, compiled. As in Jinja2's native environment, a text that is
/// nothing but one expression keeps the type of its value, and a result that is a text and reads as
/// a Python literal becomes that literal. Statements, filters, calls and operators are refused:
/// they come with the Python plugin host.
class Template {
 public:
  /// Errors: unsupported, invalid_settings.
  static Result<Template> compile(std::string_view text);
  /// Only a text with both `{{` and `}}` is a template; others are left as they are.
  static bool is_template(std::string_view text);

  Result<Value> render(const Scope& scope) const;

 private:
  std::vector<std::variant<std::string, Path>> pieces_;
};

/// A value whose texts may be templates, at any depth; keys are not.
class ValueTemplate {
 public:
  /// Errors: of the first template that does not compile.
  static Result<ValueTemplate> compile(const Value& value);

  bool is_constant() const { return templates_.empty(); }
  Result<Value> render(const Scope& scope) const;

 private:
  struct Place {
    std::vector<std::variant<std::string, std::size_t>> way;  // keys and indices from the root
    Template text;
  };
  static Result<> collect(const Value& value, Place& place, std::vector<Place>& templates);

  Value value_;
  std::vector<Place> templates_;
};

}  // namespace millrace::pipeline
