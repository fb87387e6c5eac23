// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/hand_on.hpp"

#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/python_text.hpp"
#include "millrace/plugin/internal_event.hpp"
#include "millrace/plugin/var_root.hpp"

namespace millrace {
namespace {

// Ansible takes what follows an @ for the name of a file to read: no event may ask for that.
Result<> add_host(const Value& host, std::vector<std::string>& hosts) {
  const auto* text = host.if_string();
  if (text == nullptr)
    return fail(Errc::invalid_event, "meta.hosts must be a name or a list of names");
  for (const auto part : split(view(*text), ',')) {
    if (trim(part).starts_with('@'))
      return fail(Errc::invalid_event, "`{}` in meta.hosts is not a valid hostname",
                  printable(part));
  }
  hosts.emplace_back(view(*text));
  return {};
}

Result<> add_hosts(const Value& event, std::vector<std::string>& hosts) {
  const auto* object = event.if_object();
  const auto* meta = object == nullptr ? nullptr : object->if_contains("meta");
  if (meta == nullptr || !meta->is_object()) return {};
  const auto* named = meta->get_object().if_contains("hosts");
  if (named == nullptr || named->is_null()) return {};
  if (!named->is_array()) return add_host(*named, hosts);
  for (const auto& host : named->get_array()) {
    if (auto added = add_host(host, hosts); !added) return added;
  }
  return {};
}

}  // namespace

std::string HandedOn::limit() const { return fmt::format("{}", fmt::join(hosts, ",")); }

Result<HandedOn> hand_on(const ActionContext& context, const Value& var_root) {
  HandedOn match;
  for (const auto& [name, document] : context.bindings) {
    if (auto added = add_hosts(document->value(), match.hosts); !added) return added.error();
  }
  if (match.hosts.empty()) match.hosts = context.hosts;
  auto seen = matched_value(context.bindings, var_root);
  if (!seen) return seen.error();
  match.ansible_eda = {{"ruleset", context.rule_set}, {"rule", context.rule}};
  const bool single = context.bindings.empty() || is_single_match(context.bindings);
  match.ansible_eda[single ? "event" : "events"] = *seen;
  if (!single) {
    match.matching_events = std::move(seen->get_object());
  } else if (!context.bindings.empty()) {
    match.matching_events["m"] = std::move(*seen);
  }
  return match;
}

Result<> give_back(const Object& artifacts, const Settings& settings, const ActionContext& context,
                   std::string_view banner, UuidGenerator& uuids) {
  const bool set_facts = settings.boolean("set_facts");
  const bool post_events = settings.boolean("post_events");
  if (!set_facts && !post_events) return {};
  const auto rule_set =
      settings.has("ruleset") ? settings.string("ruleset") : std::string(context.rule_set);
  const auto& clock = context.loop.clock();
  auto entry = with_internal_meta(artifacts, context.action, clock, uuids);
  if (!entry) return entry.error();
  if (context.engine.print_events()) {
    auto printed = context.output.banner(clock.wall(), banner, python_pformat(*entry));
    if (!printed) return printed;
  }
  Result<> told;
  if (set_facts) told = context.engine.set_fact(rule_set, *entry);
  if (!told || !post_events) return told;
  // One of its own: two events of one uuid would count as one.
  entry = with_internal_meta(artifacts, context.action, clock, uuids);
  return context.engine.post_event(rule_set, std::move(*entry));
}

}  // namespace millrace
