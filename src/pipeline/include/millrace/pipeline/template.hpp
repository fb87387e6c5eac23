// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/path.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/plugin/template_host.hpp"

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

  /// Errors: not_found, in the words of Jinja2; unsupported where Python would find a method or a
  /// character.
  Result<Value> find(const Path& path) const;
  /// `event` or `events`, if it is among `names`.
  Object event_entries(std::span<const std::string> names) const;

 private:
  bool is_single() const;
  Result<Value> find_bound(std::span<const Path::Segment> steps) const;

  const Object& variables_;
  const Bindings* bindings_ = nullptr;
};

/// A text with `{{ … }}` in it. As in Jinja2's native environment, a text that is nothing but one
/// expression keeps the type of its value, and a result that is a text and reads as a Python
/// literal becomes that literal. A text of plain paths is rendered here; everything else, and plain
/// paths that end at a method of Python's, by a TemplateHost, with the same result.
class Template {
 public:
  static Template compile(std::string_view text);
  /// Only a text with both `{{` and `}}` is a template; others are left as they are.
  static bool is_template(std::string_view text);

  const std::string& text() const { return text_; }
  bool is_plain() const { return !pieces_.empty(); }
  /// Here, if that can be done. Errors: not_found; unsupported: ask the host.
  Result<Value> render(const Scope& scope) const;
  /// Here or by the host; nullptr: there is none. Errors: not_found, and those of TemplateHost;
  /// unsupported without a host.
  Task<Result<Value>> render(const Scope& scope, TemplateHost* host) const;
  /// Has the host compile it, where it will be needed. Errors: as TemplateHost::compile().
  Task<Result<>> prepare(TemplateHost* host) const;

 private:
  Task<Result<>> prepare_here(TemplateHost* host) const;

  std::string text_;
  std::vector<std::variant<std::string, Path>> pieces_;  ///< none: it takes Jinja2
  mutable std::optional<TemplateHost::Compiled> compiled_;
};

/// A value whose texts may be templates, at any depth; keys are not.
class ValueTemplate {
 public:
  static ValueTemplate compile(const Value& value);

  bool is_constant() const { return templates_.empty(); }
  /// As of Template, of the first template that fails.
  Result<Value> render(const Scope& scope) const;
  Task<Result<Value>> render(const Scope& scope, TemplateHost* host) const;
  Task<Result<>> prepare(TemplateHost* host) const;

 private:
  struct Place {
    std::vector<std::variant<std::string, std::size_t>> way;  // keys and indices from the root
    Template text;
  };
  static void collect(const Value& value, Place& place, std::vector<Place>& templates);
  static void put(Value& root, const Place& place, Value value);

  Value value_;
  std::vector<Place> templates_;
};

}  // namespace millrace::pipeline
