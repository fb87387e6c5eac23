// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "millrace/plugin/settings.hpp"
#include "setting_check.hpp"

namespace millrace {
namespace {

std::string hint_for_unknown(const SettingsSchema& schema, std::string_view similar) {
  const auto known = names_of(schema);
  if (known.empty()) return "there are no settings";
  return fmt::format("{}{}known settings: {}", similar, similar.empty() ? "" : " ",
                     fmt::join(known, ", "));
}

}  // namespace

void check_settings(const SettingsSchema& schema, const YamlNode& given, std::string_view what,
                    const Location& where, Diagnostics& diagnostics) {
  if (!given.is_mapping() && !given.is_null()) {
    diagnostics.error("wrong-type", given.where,
                      fmt::format("{}: the settings must be a mapping", what));
    return;
  }
  const auto report = [&](Fault fault, const Location& place) {
    diagnostics.error(std::move(fault.code), place, fmt::format("{}: {}", what, fault.message),
                      std::move(fault.hint));
  };
  for (const auto& setting : schema.settings) {
    const YamlNode* node = given.find(setting.name());
    if (node == nullptr || (node->is_null() && setting.is_nullable())) {
      if (setting.is_required()) report(missing(setting), node == nullptr ? where : node->where);
      continue;
    }
    if (node->kind == YamlNode::Kind::scalar && is_template(node->scalar)) continue;
    const auto checked = check_given(setting, to_value(*node), Templates::pass);
    if (!checked) report(checked.error(), node->where);
  }
  if (schema.unknown == Unknown::accept) return;
  const auto known = names_of(schema);
  for (const auto& [key, value] : given.entries) {
    if (std::ranges::find(known, key.text) != known.end()) continue;
    auto fault = unknown(schema, key.text);
    fault.hint = hint_for_unknown(schema, fault.hint);
    if (schema.unknown == Unknown::warning) {
      diagnostics.warning(fault.code, key.where, fmt::format("{}: {}", what, fault.message),
                          fault.hint);
    } else {
      report(std::move(fault), key.where);
    }
  }
}

}  // namespace millrace
