// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/action_harness.hpp"
#include "millrace/plugin/testing/temporary_folder.hpp"

void millrace_describe_run_module_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::run_module_action {
namespace {

using testing::ActionHarness;

// A world where ansible-playbook is a script.
class RunModule : public ::testing::Test {
 protected:
  RunModule() {
    if (const char* path = std::getenv("PATH")) path_ = path;
    ::setenv("PATH", (world_.path() + ":/usr/bin:/bin").c_str(), 1);
    ansible_is("cat wrapper.yml");
  }
  ~RunModule() override { ::setenv("PATH", path_.c_str(), 1); }

  void ansible_is(const std::string& script) const {
    const auto file = world_.write("ansible-playbook", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }
  ActionHarness& make(Object settings) {
    action_.emplace(millrace_describe_run_module_action, "run_module", std::move(settings));
    action_->hosts = {"web", "db"};
    return *action_;
  }

  std::string path_;
  testing::TemporaryFolder world_;
  std::optional<ActionHarness> action_;
};

TEST_F(RunModule, WritesAPlayForTheModule) {
  auto& action = make({{"name", "ansible.builtin.debug"}, {"module_args", {{"msg", "{{ x }}"}}}});
  ASSERT_TRUE(action.run());
  EXPECT_EQ(*parse_json(action.take_output()),
            *parse_json(R"([{"name": "wrapper", "hosts": "web,db",
      "gather_facts": false, "tasks": [
        {"name": "Module wrapper", "ansible.builtin.debug": {"msg": {"__ansible_unsafe": "{{ x }}"}},
         "register": "module_result"},
        {"name": "save result", "ansible.builtin.set_fact":
          {"module_result": "{{ module_result }}", "cacheable": true}}]}])"));
}

TEST_F(RunModule, NeverMakesATemplateOfWhatAnEventSays) {
  auto& action = make({{"name", "ping"}});
  action.bind("m", R"({"meta":{"hosts":"{{ x }}"}})");
  ASSERT_TRUE(action.run());
  EXPECT_EQ(parse_json(action.take_output())->as_array()[0].at("hosts"),
            Value({{"__ansible_unsafe", "{{ x }}"}}));
}

TEST_F(RunModule, GivesBackTheResult) {
  ansible_is(
      R"(echo '{"event":"runner_on_ok","event_data":{"task_action":"ansible.builtin.set_fact","cacheable":true,"res":{"ansible_facts":{"module_result":{"changed":false}}}}}' >&3)");
  auto& action = make({{"name", "ping"}, {"post_events", true}});
  ASSERT_TRUE(action.run());
  ASSERT_EQ(action.engine.events_posted.size(), 1u);
  EXPECT_EQ(action.engine.events_posted[0].entry.at("changed"), Value(false));
  EXPECT_EQ(action.engine.events_posted[0].entry.at("meta").at("source").at("name"), "run_module");
}

TEST_F(RunModule, TakesNothingButNamesAndArguments) {
  EXPECT_EQ(make({{"name", "no module"}}).run().error().message(),
            "`no module` is no name of a module");
  EXPECT_EQ(make({{"name", "ping"}, {"module_args", Array{1}}}).run().error().message(),
            "module_args must be a mapping or a string");
}

}  // namespace
}  // namespace millrace::run_module_action
