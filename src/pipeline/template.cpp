// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "millrace/base/text.hpp"
#include "millrace/event/python_text.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

// Attributes of Python's dict, list, str, int, float and bool, which Jinja2 finds before keys.
constexpr std::array<std::string_view, 77> kAttributes = {"append",       "as_integer_ratio",
                                                          "bit_count",    "bit_length",
                                                          "capitalize",   "casefold",
                                                          "center",       "clear",
                                                          "conjugate",    "copy",
                                                          "count",        "denominator",
                                                          "encode",       "endswith",
                                                          "expandtabs",   "extend",
                                                          "find",         "format",
                                                          "format_map",   "from_bytes",
                                                          "fromhex",      "fromkeys",
                                                          "get",          "hex",
                                                          "imag",         "index",
                                                          "insert",       "is_integer",
                                                          "isalnum",      "isalpha",
                                                          "isascii",      "isdecimal",
                                                          "isdigit",      "isidentifier",
                                                          "islower",      "isnumeric",
                                                          "isprintable",  "isspace",
                                                          "istitle",      "isupper",
                                                          "items",        "join",
                                                          "keys",         "ljust",
                                                          "lower",        "lstrip",
                                                          "maketrans",    "numerator",
                                                          "partition",    "pop",
                                                          "popitem",      "real",
                                                          "remove",       "removeprefix",
                                                          "removesuffix", "replace",
                                                          "reverse",      "rfind",
                                                          "rindex",       "rjust",
                                                          "rpartition",   "rsplit",
                                                          "rstrip",       "setdefault",
                                                          "sort",         "split",
                                                          "splitlines",   "startswith",
                                                          "strip",        "swapcase",
                                                          "title",        "to_bytes",
                                                          "translate",    "update",
                                                          "upper",        "values",
                                                          "zfill"};

// Names that mean something to Jinja2 itself.
constexpr std::array<std::string_view, 19> kReserved = {
    "true", "false", "none", "True", "False", "None", "not",    "in",      "is",    "and",
    "or",   "if",    "else", "self", "super", "loop", "caller", "varargs", "kwargs"};
constexpr std::array<std::string_view, 6> kGlobals = {"range",  "dict",   "lipsum",
                                                      "cycler", "joiner", "namespace"};

bool is_among(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

bool is_attribute(std::string_view name) {
  return name.starts_with("__") || is_among(name, kAttributes);
}

// [01], which Jinja2 refuses.
bool has_octal_index(std::string_view text) {
  for (auto at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1)) {
    auto digits = text.substr(at + 1);
    if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
    if (digits.size() > 1 && digits[0] == '0' && digits[1] != ']') return true;
  }
  return false;
}

// Nothing for what Jinja2 may read in another way: escapes in quotes, letters of other scripts,
// names of its own.
std::optional<Path> parse_plain(std::string_view text) {
  const auto is_plain = [](char c) { return c >= ' ' && c < 0x7F && c != '\\'; };
  if (!std::ranges::all_of(text, is_plain) || has_octal_index(text)) return std::nullopt;
  auto parsed = Path::parse(text);
  if (!parsed || parsed->empty()) return std::nullopt;
  const auto* root = std::get_if<Path::Key>(&parsed->segments().front());
  if (root == nullptr || !root->dotted || is_among(root->name, kReserved)) return std::nullopt;
  return std::move(*parsed);
}

using Steps = std::span<const Path::Segment>;

Error left_to_jinja() { return Error(Errc::unsupported, "it takes Jinja2"); }

// Errors: unsupported where Python finds something that JSON does not have.
Result<const Value*> step_into(const Value& value, const Path::Segment& step) {
  if (const auto* key = std::get_if<Path::Key>(&step)) {
    const auto* item = value.is_object() ? value.get_object().if_contains(key->name) : nullptr;
    if (is_attribute(key->name) && (key->dotted || item == nullptr)) return left_to_jinja();
    return item;
  }
  auto index = std::get<Path::Index>(step);
  if (value.is_string()) return left_to_jinja();
  if (!value.is_array()) return nullptr;
  if (index < 0) index += static_cast<Path::Index>(value.get_array().size());
  return index < 0 ? nullptr : value.get_array().if_contains(static_cast<std::size_t>(index));
}

// As Jinja2 does: no mapping over lists, nothing inside null.
Result<Value> descend(const Value& from, Steps steps) {
  const Value* at = &from;
  for (const auto& step : steps) {
    auto found = step_into(*at, step);
    if (!found) return found.error();
    at = *found;
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

// The event of `events`, whose keys Jinja2 finds after the methods of a dict.
bool is_plain_binding(const Path::Segment& step) {
  const auto* key = std::get_if<Path::Key>(&step);
  return key != nullptr && !(key->dotted && is_attribute(key->name));
}

// Whether Jinja2 has to render this text.
bool needs_jinja(std::string_view text) {
  return text.contains("{%") || text.contains("{#") || text.contains('\r');
}

using Pieces = std::vector<std::variant<std::string, Path>>;

// Nothing if it is more than texts and plain paths.
std::optional<Pieces> take_apart(std::string_view text) {
  if (needs_jinja(text)) return std::nullopt;
  if (text.ends_with('\n')) text.remove_suffix(1);  // as Jinja2 does
  Pieces pieces;
  while (!text.empty()) {
    const auto open = text.find(kOpen);
    if (open > 0) pieces.emplace_back(std::string(text.substr(0, open)));
    if (open == std::string_view::npos) break;
    const auto close = text.find(kClose, open);
    if (close == std::string_view::npos) return std::nullopt;
    const auto begin = open + kOpen.size();
    auto path = parse_plain(trim(text.substr(begin, close - begin)));
    if (!path) return std::nullopt;
    pieces.emplace_back(std::move(*path));
    text.remove_prefix(close + kClose.size());
  }
  return pieces;
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
  if (variable != nullptr) return descend(*variable, steps);
  if (is_among(root, kGlobals)) return left_to_jinja();
  return fail(Errc::not_found, "'{}' is undefined", root);
}

bool Scope::is_single() const { return bindings_->size() == 1 && bindings_->front().first == "m"; }

Result<Value> Scope::find_bound(std::span<const Path::Segment> steps) const {
  if (!steps.empty() && is_plain_binding(steps.front())) {
    const auto& name = std::get<Path::Key>(steps.front()).name;
    for (const auto& [binding, document] : *bindings_) {
      if (binding == name) return descend(document->value(), steps.subspan(1));
    }
  }
  const std::array<std::string, 1> names = {"events"};
  return descend(event_entries(names).at("events"), steps);
}

Object Scope::event_entries(std::span<const std::string> names) const {
  Object entries;
  const auto wanted = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (bindings_ == nullptr) return entries;
  if (bindings_->empty()) {
    if (wanted("event")) entries["event"] = Object();
  } else if (is_single()) {
    if (wanted("event")) entries["event"] = bindings_->front().second->value();
  } else if (wanted("events")) {
    auto& events = entries["events"].emplace_object();
    for (const auto& [binding, document] : *bindings_) events[binding] = document->value();
  }
  return entries;
}

bool Template::is_template(std::string_view text) {
  return text.contains(kOpen) && text.contains(kClose);
}

Template Template::compile(std::string_view text) {
  Template compiled;
  compiled.text_ = text;
  if (auto pieces = take_apart(text)) compiled.pieces_ = std::move(*pieces);
  return compiled;
}

Result<Value> Template::render(const Scope& scope) const {
  if (!is_plain()) return left_to_jinja();
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

Task<Result<Value>> Template::render(const Scope& scope, TemplateHost* host) const {
  auto here = render(scope);
  if (here || here.error().code() != Errc::unsupported) co_return here;
  if (auto prepared = co_await prepare_here(host); !prepared) co_return prepared.error();
  co_return co_await host->render(compiled_->id, scope.event_entries(compiled_->names));
}

Task<Result<>> Template::prepare(TemplateHost* host) const {
  if (is_plain()) co_return Result<>();
  co_return co_await prepare_here(host);
}

Task<Result<>> Template::prepare_here(TemplateHost* host) const {
  if (compiled_) co_return Result<>();
  if (host == nullptr) {
    co_return fail(Errc::unsupported, "template `{}`: it takes Python with Jinja2", text_);
  }
  auto compiled = co_await host->compile(text_);
  if (!compiled) {
    co_return std::move(compiled.error()).with_context(fmt::format("template `{}`", text_));
  }
  compiled_ = std::move(*compiled);
  co_return Result<>();
}

ValueTemplate ValueTemplate::compile(const Value& value) {
  ValueTemplate compiled;
  Place place;
  collect(value, place, compiled.templates_);
  compiled.value_ = value;
  return compiled;
}

void ValueTemplate::collect(const Value& value, Place& place, std::vector<Place>& templates) {
  if (value.is_string() && Template::is_template(view(value.get_string()))) {
    place.text = Template::compile(view(value.get_string()));
    templates.push_back(place);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      place.way.emplace_back(i);
      collect(value.get_array()[i], place, templates);
      place.way.pop_back();
    }
  } else if (value.is_object()) {
    for (const auto& entry : value.get_object()) {
      place.way.emplace_back(std::string(entry.key()));
      collect(entry.value(), place, templates);
      place.way.pop_back();
    }
  }
}

void ValueTemplate::put(Value& root, const Place& place, Value value) {
  Value* at = &root;
  for (const auto& step : place.way) {
    const auto* key = std::get_if<std::string>(&step);
    at = key != nullptr ? &at->get_object()[*key] : &at->get_array()[std::get<std::size_t>(step)];
  }
  *at = std::move(value);
}

Result<Value> ValueTemplate::render(const Scope& scope) const {
  Value rendered = value_;
  for (const auto& place : templates_) {
    auto value = place.text.render(scope);
    if (!value) return value.error();
    put(rendered, place, std::move(*value));
  }
  return rendered;
}

Task<Result<Value>> ValueTemplate::render(const Scope& scope, TemplateHost* host) const {
  Value rendered = value_;
  for (const auto& place : templates_) {
    auto value = co_await place.text.render(scope, host);
    if (!value) co_return value.error();
    put(rendered, place, std::move(*value));
  }
  co_return rendered;
}

Task<Result<>> ValueTemplate::prepare(TemplateHost* host) const {
  for (const auto& place : templates_) {
    if (auto prepared = co_await place.text.prepare(host); !prepared) co_return prepared;
  }
  co_return Result<>();
}

}  // namespace millrace::pipeline
