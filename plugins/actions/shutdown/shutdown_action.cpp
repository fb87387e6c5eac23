// SPDX-License-Identifier: Apache-2.0
// Ends the run: every rule set, not only the rule's own.

#include <chrono>
#include <string>
#include <utility>

#include "millrace/plugin/plugin.hpp"

namespace millrace::shutdown_action {
namespace {

class ShutdownAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    ShutdownRequest request;
    const auto kind = settings.string("kind");
    request.kind = kind == "now" ? ShutdownRequest::Kind::now : ShutdownRequest::Kind::graceful;
    request.delay =
        settings.has("delay") ? settings.seconds("delay") : context.engine.default_shutdown_delay();
    request.message = settings.string("message");
    request.rule_set = context.rule_set;
    request.rule = context.rule;
    const double delay = std::chrono::duration<double>(request.delay).count();
    context.outcome = {{"delay", delay}, {"message", request.message}, {"kind", kind}};
    const auto text = fmt::format(
        "{} rule: {} has initiated shutdown of type: {}. Delay: {:.3f} seconds, Message: {}",
        request.rule_set, request.rule, kind, delay, request.message);
    auto printed = context.output.banner(context.loop.clock().wall(), "ruleset", text);
    context.engine.shut_down(std::move(request));  // also when nobody reads of it
    co_return printed;
  }
};

}  // namespace
}  // namespace millrace::shutdown_action

MILLRACE_PLUGIN(shutdown_action, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  plugin.action<millrace::shutdown_action::ShutdownAction>(
      "shutdown", "Ends the run.",
      {{Setting("delay", SettingType::seconds,
                "how long running and queued actions may go on; by default --shutdown-delay")
            .at_least(0)
            .nullable(),
        Setting("message", SettingType::string, "why, for whoever reads the output")
            .by_default("Default shutdown message"),
        Setting("kind", SettingType::string,
                "graceful: running actions may end; now: they are cancelled")
            .one_of({"graceful", "now"})
            .by_default("graceful")}});
}
