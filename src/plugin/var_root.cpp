// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/var_root.hpp"

namespace millrace {
namespace {

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

// Nothing for a path that is not there; an ambiguous one is an error.
Result<const Value*> find(const GlobPath& path, const Value& event) {
  auto found = path.get(event);
  if (!found && found.error().code() == Errc::not_found) return nullptr;
  return found;
}

}  // namespace

Result<> VarRoot::add(std::string_view path, std::string_view new_name) {
  auto parsed = GlobPath::parse(path, ".");
  if (!parsed) return std::move(parsed.error()).with_context("var_root");
  roots_.push_back({std::move(*parsed), std::string(new_name)});
  return {};
}

Result<VarRoot> VarRoot::read(const Value& setting) {
  VarRoot made;
  if (setting.is_null()) return made;
  if (const auto* path = setting.if_string()) {
    if (auto added = made.add(view(*path), {}); !added) return added.error();
    return made;
  }
  const auto* paths = setting.if_object();
  if (paths == nullptr) {
    return fail(Errc::invalid_settings, "var_root must be a string or a mapping");
  }
  for (const auto& [path, new_name] : *paths) {
    if (!new_name.is_string()) {
      return fail(Errc::invalid_settings, "var_root must map paths to names");
    }
    auto added = made.add({path.data(), path.size()}, view(new_name.get_string()));
    if (!added) return added.error();
  }
  return made;
}

Result<Value> VarRoot::part_of_one(const Value& event) const {
  for (const auto& root : roots_) {
    const auto found = find(root.path, event);
    if (!found) return found.error();
    if (*found != nullptr && is_truthy(**found)) return **found;
  }
  return event;
}

Result<Object> VarRoot::apply(
    const std::vector<std::pair<std::string, DocumentPtr>>& bindings) const {
  Object events;
  if (bindings.size() == 1 && bindings.front().first == "m") {
    auto part = part_of_one(bindings.front().second->value());
    if (!part) return part.error();
    events["m"] = std::move(*part);
    return events;
  }
  for (const auto& [name, document] : bindings) events[name] = document->value();
  for (const auto& [name, document] : bindings) {
    for (const auto& root : roots_) {
      const auto found = find(root.path, document->value());
      if (!found) return found.error();
      if (*found != nullptr) events[root.new_name.empty() ? name : root.new_name] = **found;
    }
  }
  return events;
}

}  // namespace millrace
