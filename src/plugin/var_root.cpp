// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/var_root.hpp"

#include <string>

#include "millrace/plugin/glob_path.hpp"

namespace millrace {
namespace {

// A part of an event to be seen instead of the whole.
struct Root {
  GlobPath path;
  std::string new_name;  ///< under which it is seen among several events; empty: the event's own
};

bool is_truthy(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return false;
    case boost::json::kind::bool_:
      return value.get_bool();
    case boost::json::kind::string:
      return !value.get_string().empty();
    case boost::json::kind::array:
      return !value.get_array().empty();
    case boost::json::kind::object:
      return !value.get_object().empty();
    default:
      return value.to_number<double>() != 0;
  }
}

Result<> add_root(std::string_view path, std::string_view new_name, std::vector<Root>& roots) {
  auto parsed = GlobPath::parse(path, ".");
  if (!parsed) return std::move(parsed.error()).with_context("var_root");
  roots.push_back({std::move(*parsed), std::string(new_name)});
  return {};
}

Result<std::vector<Root>> read_roots(const Value& var_root) {
  std::vector<Root> roots;
  if (var_root.is_null()) return roots;
  if (const auto* path = var_root.if_string()) {
    if (auto added = add_root(view(*path), {}, roots); !added) return added.error();
    return roots;
  }
  const auto* paths = var_root.if_object();
  if (paths == nullptr) {
    return fail(Errc::invalid_settings, "var_root must be a string or a mapping");
  }
  for (const auto& [path, new_name] : *paths) {
    if (!new_name.is_string()) {
      return fail(Errc::invalid_settings, "var_root must map paths to names");
    }
    auto added = add_root({path.data(), path.size()}, view(new_name.get_string()), roots);
    if (!added) return added.error();
  }
  return roots;
}

// Nothing for a path that is not there; an ambiguous one is an error.
Result<const Value*> find(const Root& root, const Value& event) {
  auto found = root.path.get(event);
  if (!found && found.error().code() == Errc::not_found) return nullptr;
  return found;
}

Result<Value> part_of_one(const Value& event, const std::vector<Root>& roots) {
  for (const auto& root : roots) {
    const auto found = find(root, event);
    if (!found) return found.error();
    if (*found != nullptr && is_truthy(**found)) return **found;
  }
  return event;
}

Result<Value> parts_of_several(const Bindings& bindings, const std::vector<Root>& roots) {
  Object events;
  for (const auto& [name, document] : bindings) events[name] = document->value();
  for (const auto& [name, document] : bindings) {
    for (const auto& root : roots) {
      const auto found = find(root, document->value());
      if (!found) return found.error();
      if (*found != nullptr) events[root.new_name.empty() ? name : root.new_name] = **found;
    }
  }
  return Value(std::move(events));
}

}  // namespace

bool is_single_match(const Bindings& bindings) {
  return bindings.size() == 1 && bindings.front().first == "m";
}

Result<Value> matched_value(const Bindings& bindings, const Value& var_root) {
  const auto roots = read_roots(var_root);
  if (!roots) return roots.error();
  if (bindings.empty()) return Value(Object());
  if (is_single_match(bindings)) return part_of_one(bindings.front().second->value(), *roots);
  return parts_of_several(bindings, *roots);
}

}  // namespace millrace
