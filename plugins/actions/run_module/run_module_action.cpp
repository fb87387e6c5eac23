// SPDX-License-Identifier: Apache-2.0
// Runs one Ansible module, as the only task of a play that is written for it.

#include <algorithm>
#include <string>
#include <utility>

#include "millrace/ansible/unsafe_text.hpp"
#include "millrace/base/text.hpp"
#include "millrace/plugin/ansible_action.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::run_module_action {
namespace {

constexpr auto* kResult = "module_result";

// It becomes a key of the task: nothing but a name may be one.
bool is_module_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
}

Value wrapper(const std::string& module, const Value& arguments, const std::string& hosts) {
  const Object call{{"name", "Module wrapper"}, {module, arguments}, {"register", kResult}};
  const Object save{{"name", "save result"},
                    {"ansible.builtin.set_fact",
                     Object{{kResult, fmt::format("{{{{ {} }}}}", kResult)}, {"cacheable", true}}}};
  return Array{Object{{"name", "wrapper"},
                      {"hosts", ansible::as_unsafe(Value(hosts))},
                      {"gather_facts", false},
                      {"tasks", Array{call, save}}}};
}

class RunModuleAction final : public AnsibleAction {
 protected:
  Result<Work> choose(const Settings& settings, const ActionContext& context,
                      const HandedOn& match) override {
    Work work;
    work.name = settings.string("name");
    if (!is_module_name(work.name))
      return fail(Errc::invalid_settings, "`{}` is no name of a module", printable(work.name));
    auto arguments = settings.value("module_args");
    if (arguments.is_null()) arguments = Object();
    if (!arguments.is_object() && !arguments.is_string())
      return fail(Errc::invalid_settings, "module_args must be a mapping or a string");
    work.options.written = wrapper(work.name, ansible::as_unsafe(arguments), match.limit());
    work.options.project = context.engine.project();
    return work;
  }
  std::optional<Object> choose_artifacts(Object artifacts) override {
    auto* result = artifacts.if_contains(kResult);
    if (result == nullptr || !result->is_object()) return std::nullopt;
    return std::move(result->get_object());
  }
  std::string_view banner() const override { return "module: set-facts"; }
};

}  // namespace
}  // namespace millrace::run_module_action

MILLRACE_PLUGIN(run_module_action, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  auto settings = millrace::AnsibleAction::common_settings();
  settings.insert(
      settings.begin(),
      {Setting("name", SettingType::string, "the module: ping, ns.collection.name").required(),
       Setting("module_args", SettingType::any,
               "its arguments: a mapping, or a text as in `ansible -a`; templates in "
               "them are not evaluated by Ansible")
           .nullable()});
  plugin.action<millrace::run_module_action::RunModuleAction>(
      "run_module", "Runs an Ansible module.", {std::move(settings)});
}
