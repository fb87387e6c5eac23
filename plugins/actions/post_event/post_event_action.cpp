// SPDX-License-Identifier: Apache-2.0
// Gives an event to a rule set, as a source would.

#include <string>
#include <utility>

#include "millrace/base/uuid.hpp"
#include "millrace/plugin/internal_event.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::post_event_action {
namespace {

class PostEventAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    auto event =
        with_internal_meta(settings.object("event"), "post_event", context.loop.clock(), uuids_);
    if (!event) co_return event.error();
    const auto rule_set =
        settings.has("ruleset") ? settings.string("ruleset") : std::string(context.rule_set);
    co_return context.engine.post_event(rule_set, std::move(*event));
  }

 private:
  UuidGenerator uuids_;
};

}  // namespace
}  // namespace millrace::post_event_action

MILLRACE_PLUGIN(post_event_action, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  plugin.action<millrace::post_event_action::PostEventAction>(
      "post_event", "Gives an event to a rule set.",
      {{Setting("event", SettingType::object, "the event").required(),
        Setting("ruleset", SettingType::string, "the rule set; by default the rule's own")
            .nullable()}});
}
