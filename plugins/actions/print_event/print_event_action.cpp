// SPDX-License-Identifier: Apache-2.0
// Prints what made the rule fire, in Python's literal syntax.

#include <utility>

#include "millrace/event/python_text.hpp"
#include "millrace/plugin/plugin.hpp"
#include "millrace/plugin/var_root.hpp"

namespace millrace::print_event_action {
namespace {

class PrintEventAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    co_return print(settings, context);
  }

 private:
  static Result<> print(const Settings& settings, const ActionContext& context) {
    const auto root = VarRoot::read(settings.value("var_root"));
    if (!root) return root.error();
    auto events = root->apply(context.bindings);
    if (!events) return events.error();
    const bool single = context.bindings.size() == 1 && context.bindings.front().first == "m";
    const Value shown = single ? std::move((*events)["m"]) : Value(std::move(*events));
    const auto text = settings.boolean("pretty") ? python_pformat(shown) : python_repr(shown);
    return context.output.banner(context.loop.clock().wall(), "event", text);
  }
};

}  // namespace
}  // namespace millrace::print_event_action

MILLRACE_PLUGIN(print_event_action, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  plugin.action<millrace::print_event_action::PrintEventAction>(
      "print_event", "Prints the events that made the rule fire.",
      {{Setting("var_root", SettingType::any,
                "path of the part to show, or a mapping of paths to names")
            .nullable(),
        Setting("pretty", SettingType::boolean, "sort the keys and wrap to 80 columns")
            .by_default(false)}});
}
