// SPDX-License-Identifier: Apache-2.0
// Removes facts, and events that wait for others, from a rule set's working memory.

#include <string>

#include "millrace/plugin/plugin.hpp"

namespace millrace::retract_fact_action {
namespace {

class RetractFactAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    using Retract = EngineServices::Retract;
    const auto rule_set =
        settings.has("ruleset") ? settings.string("ruleset") : std::string(context.rule_set);
    const auto how = settings.boolean("partial") ? Retract::partial : Retract::whole;
    co_return context.engine.retract_fact(rule_set, settings.object("fact"), how);
  }
};

}  // namespace
}  // namespace millrace::retract_fact_action

MILLRACE_PLUGIN(retract_fact_action, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  plugin.action<millrace::retract_fact_action::RetractFactAction>(
      "retract_fact", "Removes facts and waiting events from a rule set.",
      {{Setting("fact", SettingType::object, "the entries that tell what to remove").required(),
        Setting("ruleset", SettingType::string, "the rule set; by default the rule's own")
            .nullable(),
        Setting("partial", SettingType::boolean,
                "true: what has all the given entries; false: what has no entries but the given")
            .by_default(true)}});
}
