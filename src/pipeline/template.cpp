// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "millrace/base/text.hpp"
#include "millrace/event/python_text.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

Result<Path> parse_expression(std::string_view text) {
  const auto refuse = [&] {
    return fail(Errc::unsupported,
                "template `{{{{ {} }}}}`: only paths such as `event.host` or `event.tags[0]` are "
                "rendered so far; filters, calls, "
                "operators and literals need Jinja2, which comes with the Python plugin host",
                text);
  };
  auto parsed = Path::parse(text);
  if (!parsed || parsed->first_key().empty()) return refuse();
  return std::move(*parsed);
}

using Steps = std::span<const Path::Segment>;

const Value* step_into(const Value& value, const Path::Segment& step) {
  if (const auto* key = std::get_if<Path::Key>(&step)) {
    return value.is_object() ? value.get_object().if_contains(key->name) : nullptr;
  }
  auto index = std::get<Path::Index>(step);
  if (!value.is_array()) return nullptr;
  if (index < 0) index += static_cast<Path::Index>(value.get_array().size());
  return index < 0 ? nullptr : value.get_array().if_contains(static_cast<std::size_t>(index));
}

// As Jinja2 does: no mapping over lists, nothing inside null.
Result<Value> descend(const Value& from, Steps steps) {
  const Value* at = &from;
  for (const auto& step : steps) {
    at = step_into(*at, step);
    if (at != nullptr) continue;
    const auto* key = std::get_if<Path::Key>(&step);
    return fail(Errc::not_found, "Undefined jinja variable  '{}'",
                key != nullptr ? key->name : std::to_string(std::get<Path::Index>(step)));
  }
  // In memory of its own: a copy would else be made in the memory of the event.
  return Value(*at, boost::json::storage_ptr());
}

// The value, or that of the literal that a text spells.
Value native(Value value) {
  if (!value.is_string()) return value;
  auto literal = python_literal(view(value.get_string()));
  return literal ? std::move(*literal) : std::move(value);
}

}  // namespace

Result<Value> Scope::find(const Path& path) const {
  const auto root = path.first_key();
  const Steps steps = Steps(path.segments()).subspan(1);
  if (bindings_ != nullptr && root == "event") {
    if (bindings_->empty()) return descend(Value(Object()), steps);
    if (is_single()) return descend(bindings_->front().second->value(), steps);
  }
  if (bindings_ != nullptr && root == "events" && !bindings_->empty() && !is_single())
    return find_bound(steps);
  const auto* variable = variables_.if_contains(root);
  if (variable == nullptr) return fail(Errc::not_found, "'{}' is undefined", root);
  return descend(*variable, steps);
}

bool Scope::is_single() const { return bindings_->size() == 1 && bindings_->front().first == "m"; }

Result<Value> Scope::find_bound(std::span<const Path::Segment> steps) const {
  if (!steps.empty()) {
    const auto* name = std::get_if<Path::Key>(&steps.front());
    for (const auto& [binding, document] : *bindings_) {
      if (name != nullptr && binding == name->name)
        return descend(document->value(), steps.subspan(1));
    }
  }
  Object events;
  for (const auto& [binding, document] : *bindings_) events[binding] = document->value();
  return descend(Value(std::move(events)), steps);
}

bool Template::is_template(std::string_view text) {
  return text.find(kOpen) != std::string_view::npos && text.find(kClose) != std::string_view::npos;
}

Result<Template> Template::compile(std::string_view text) {
  Template compiled;
  if (text.find("{%") != std::string_view::npos || text.find("{#") != std::string_view::npos) {
    return fail(Errc::unsupported,
                "template `{}`: statements and comments need Jinja2, which comes with the Python "
                "plugin host",
                text);
  }
  while (!text.empty()) {
    const auto open = text.find(kOpen);
    if (open > 0) compiled.pieces_.emplace_back(std::string(text.substr(0, open)));
    if (open == std::string_view::npos) break;
    const auto close = text.find(kClose, open);
    if (close == std::string_view::npos) {
      return fail(Errc::invalid_settings, "template `{}`: `{{{{` is not closed", text);
    }
    auto path =
        parse_expression(trim(text.substr(open + kOpen.size(), close - open - kOpen.size())));
    if (!path) return path.error();
    compiled.pieces_.emplace_back(std::move(*path));
    text.remove_prefix(close + kClose.size());
  }
  return compiled;
}

Result<Value> Template::render(const Scope& scope) const {
  if (pieces_.size() == 1 && std::holds_alternative<Path>(pieces_.front())) {
    auto value = scope.find(std::get<Path>(pieces_.front()));
    if (!value) return value.error();
    return native(std::move(*value));
  }
  std::string text;
  for (const auto& piece : pieces_) {
    if (const auto* path = std::get_if<Path>(&piece)) {
      const auto value = scope.find(*path);
      if (!value) return value.error();
      text += python_str(*value);
    } else {
      text += std::get<std::string>(piece);
    }
  }
  return native(Value(text));
}

Result<ValueTemplate> ValueTemplate::compile(const Value& value) {
  ValueTemplate compiled;
  Place place;
  if (auto collected = collect(value, place, compiled.templates_); !collected)
    return collected.error();
  compiled.value_ = value;
  return compiled;
}

Result<> ValueTemplate::collect(const Value& value, Place& place, std::vector<Place>& templates) {
  if (value.is_string() && Template::is_template(view(value.get_string()))) {
    auto text = Template::compile(view(value.get_string()));
    if (!text) return text.error();
    place.text = std::move(*text);
    templates.push_back(place);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      place.way.emplace_back(i);
      if (auto inner = collect(value.get_array()[i], place, templates); !inner) return inner;
      place.way.pop_back();
    }
  } else if (value.is_object()) {
    for (const auto& entry : value.get_object()) {
      place.way.emplace_back(std::string(entry.key()));
      if (auto inner = collect(entry.value(), place, templates); !inner) return inner;
      place.way.pop_back();
    }
  }
  return {};
}

Result<Value> ValueTemplate::render(const Scope& scope) const {
  Value rendered = value_;
  for (const auto& place : templates_) {
    auto value = place.text.render(scope);
    if (!value) return value.error();
    Value* at = &rendered;
    for (const auto& step : place.way) {
      const auto* key = std::get_if<std::string>(&step);
      at = key != nullptr ? &at->get_object()[*key] : &at->get_array()[std::get<std::size_t>(step)];
    }
    *at = std::move(*value);
  }
  return rendered;
}

}  // namespace millrace::pipeline
