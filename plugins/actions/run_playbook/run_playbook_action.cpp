// SPDX-License-Identifier: Apache-2.0
// Runs an Ansible playbook on the hosts of the events or of the rule set.

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "millrace/plugin/ansible_action.hpp"
#include "millrace/plugin/discovery.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::run_playbook_action {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// Whether `path` lies below `folder` when links are followed.
bool is_within(const fs::path& folder, const fs::path& path) {
  std::error_code error;
  const auto whole = fs::canonical(folder, error);
  const auto part = error ? fs::path() : fs::canonical(path, error);
  return !error && *part.lexically_relative(whole).begin() != "..";
}

class RunPlaybookAction final : public AnsibleAction {
 protected:
  // A file, seen from the engine's folder; one of the project that the engine was given; one of a
  // collection.
  Result<Work> choose(const Settings& settings, const ActionContext& context,
                      const HandedOn&) override {
    const auto name = settings.string("name");
    const fs::path project = context.engine.project();
    std::error_code ignored;
    Work work;
    auto& options = work.options;
    if (!project.empty() && is_file(project / name) && is_within(project, project / name)) {
      options.project = project;
      options.playbook = (project / name).lexically_normal();
    } else if (is_file(name)) {
      options.playbook = fs::absolute(name, ignored).lexically_normal();
    } else if (auto found = find_playbook(name, PluginEnvironment::of_process())) {
      options.playbook = std::move(*found);
    } else {
      return fail(Errc::not_found, "Could not find a playbook for {} from {}", name,
                  fs::current_path(ignored).string());
    }
    if (options.project.empty() && settings.boolean("copy_files"))
      options.project = options.playbook.parent_path();
    work.name = options.playbook.filename().string();
    return work;
  }
  std::optional<Object> choose_artifacts(Object artifacts) override { return artifacts; }
  std::string_view banner() const override { return "playbook: set-facts"; }
};

}  // namespace
}  // namespace millrace::run_playbook_action

MILLRACE_PLUGIN(run_playbook_action, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  auto settings = millrace::AnsibleAction::common_settings();
  settings.insert(
      settings.begin(),
      {Setting("name", SettingType::string, "the playbook: a file, or ns.collection.name")
           .required(),
       Setting("copy_files", SettingType::boolean,
               "hand over the whole folder of the playbook, not its file alone")
           .by_default(true)});
  plugin.action<millrace::run_playbook_action::RunPlaybookAction>(
      "run_playbook", "Runs an Ansible playbook.", {std::move(settings)});
}
