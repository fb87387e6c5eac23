// SPDX-License-Identifier: Apache-2.0
// Adds a fact to a rule set: it stays until it is retracted.

#include <string>
#include <utility>

#include "millrace/base/uuid.hpp"
#include "millrace/plugin/internal_event.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::set_fact_action {
namespace {

class SetFactAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    auto fact =
        with_internal_meta(settings.object("fact"), "set_fact", context.loop.clock(), uuids_);
    if (!fact) co_return fact.error();
    const auto rule_set =
        settings.has("ruleset") ? settings.string("ruleset") : std::string(context.rule_set);
    co_return context.engine.set_fact(rule_set, std::move(*fact));
  }

 private:
  UuidGenerator uuids_;
};

}  // namespace
}  // namespace millrace::set_fact_action

MILLRACE_PLUGIN(set_fact_action, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  plugin.action<millrace::set_fact_action::SetFactAction>(
      "set_fact", "Adds a fact to a rule set.",
      {{Setting("fact", SettingType::object, "the fact").required(),
        Setting("ruleset", SettingType::string, "the rule set; by default the rule's own")
            .nullable()}});
}
