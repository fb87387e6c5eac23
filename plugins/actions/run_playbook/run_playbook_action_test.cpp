// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/action_harness.hpp"
#include "millrace/plugin/testing/temporary_folder.hpp"

void millrace_describe_run_playbook_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::run_playbook_action {
namespace {

using namespace std::chrono_literals;
using testing::ActionHarness;

// A world where ansible-playbook is a script.
class RunPlaybook : public ::testing::Test {
 protected:
  RunPlaybook() {
    if (const char* path = std::getenv("PATH")) path_ = path;
    ::setenv("PATH", (world_.path() + ":/usr/bin:/bin").c_str(), 1);
    world_.write("site.yml", "[]");
    world_.write("hosts", "");
    ansible_is("cat ../env/extravars; echo; echo \"$5\"");
  }
  ~RunPlaybook() override { ::setenv("PATH", path_.c_str(), 1); }

  void ansible_is(const std::string& script) const {
    const auto file = world_.write("ansible-playbook", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }
  ActionHarness& make(Object settings = {}) {
    settings.emplace("name", world_.path("site.yml"));
    action_.emplace(millrace_describe_run_playbook_action, "run_playbook", std::move(settings));
    action_->engine.inventory_path = world_.path("hosts");
    action_->hosts = {"all"};
    return *action_;
  }
  static constexpr auto* kArtifacts =
      R"(echo '{"event":"runner_on_ok","created":"now","event_data":{"task_action":"set_fact",
         "cacheable":true,"res":{"ansible_facts":{"a":1}}}}' | tr -d '\n' >&3; echo >&3)";

  std::string path_;
  testing::TemporaryFolder world_;
  std::optional<ActionHarness> action_;
};

TEST_F(RunPlaybook, HandsOnTheEventAndTheHostsOfTheRuleSet) {
  auto& action = make({{"extra_vars", {{"x", "y"}}}});
  action.bind("m", R"({"i":1})");
  action.hosts = {"web", "db"};
  ASSERT_TRUE(action.run());
  EXPECT_EQ(action.take_output(),
            "{\"x\":\"y\",\"ansible_eda\":{\"ruleset\":\"rules\",\"rule\":\"rule\",\"event\":{"
            "\"i\":1}}}\n"
            "--limit=web,db\n");
}

TEST_F(RunPlaybook, TakesTheHostsOfTheEvents) {
  auto& action = make();
  action.bind("first", R"({"meta":{"hosts":"a,b"}})");
  action.bind("m_1", R"({"meta":{"hosts":["c","d"]}})");
  ASSERT_TRUE(action.run());
  EXPECT_TRUE(action.take_output().ends_with("--limit=a,b,c,d\n"));
}

TEST_F(RunPlaybook, RefusesHostsThatWouldMakeAnsibleReadAFile) {
  for (const auto* hosts : {R"("@/etc/passwd")", R"(["a", "b, @/etc/passwd"])", "7", "[null]"}) {
    auto& action = make();
    action.bind("m", fmt::format(R"({{"meta":{{"hosts":{}}}}})", hosts));
    EXPECT_EQ(action.run().error().code(), Errc::invalid_event) << hosts;
  }
}

TEST_F(RunPlaybook, HandsOnAPartOfTheEvent) {
  auto& action = make({{"var_root", "a.b"}});
  action.bind("m", R"({"a":{"b":{"c":1}},"meta":{}})");
  ASSERT_TRUE(action.run());
  EXPECT_NE(action.take_output().find(R"("event":{"c":1})"), std::string::npos);
  EXPECT_EQ(action.audit.messages.at(0).at("matching_events"), Value({{"m", {{"c", 1}}}}));
}

TEST_F(RunPlaybook, TellsTheAuditOfTheJobAndOfEachEvent) {
  ansible_is(kArtifacts);
  auto& action = make();
  action.bind("m", R"({"i":1})");
  ASSERT_TRUE(action.run());
  ASSERT_EQ(action.audit.messages.size(), 2u);
  const auto& job = action.audit.messages[0];
  EXPECT_EQ(job.at("type"), "Job");
  EXPECT_EQ(job.at("action"), "run_playbook");
  EXPECT_EQ(job.at("hosts"), "all");
  EXPECT_EQ(job.at("name"), "site.yml");
  EXPECT_EQ(job.at("matching_events"), Value({{"m", {{"i", 1}}}}));
  const auto& event = action.audit.messages[1];
  EXPECT_EQ(event.at("type"), "AnsibleEvent");
  EXPECT_EQ(event.at("run_at"), "now");
  EXPECT_EQ(event.at("event").at("job_id"), job.at("job_id"));
  EXPECT_EQ(Value(action.outcome()), Value({{"playbook_name", "site.yml"},
                                            {"job_id", job.at("job_id")},
                                            {"rc", 0},
                                            {"status", "successful"}}));
}

TEST_F(RunPlaybook, GivesBackWhatThePlaybookLeaves) {
  ansible_is(kArtifacts);
  auto& action = make({{"set_facts", true}, {"post_events", true}, {"ruleset", "others"}});
  action.engine.prints_events = true;
  ASSERT_TRUE(action.run());
  ASSERT_EQ(action.engine.facts_set.size(), 1u);
  ASSERT_EQ(action.engine.events_posted.size(), 1u);
  const auto& fact = action.engine.facts_set[0];
  EXPECT_EQ(fact.rule_set, "others");
  EXPECT_EQ(fact.entry.at("a"), Value(1));
  EXPECT_EQ(fact.entry.at("meta").at("source"),
            Value({{"name", "run_playbook"}, {"type", "internal"}}));
  EXPECT_NE(fact.entry.at("meta").at("uuid"),
            action.engine.events_posted[0].entry.at("meta").at("uuid"));
  EXPECT_NE(action.take_output().find("[playbook: set-facts]"), std::string::npos);
}

TEST_F(RunPlaybook, GivesBackNothingThatWasNotAskedForOrIsNotThere) {
  ansible_is(kArtifacts);
  auto& silent = make();
  ASSERT_TRUE(silent.run());
  EXPECT_TRUE(silent.engine.facts_set.empty());
  ansible_is("true");
  auto& empty = make({{"set_facts", true}});
  ASSERT_TRUE(empty.run());
  EXPECT_TRUE(empty.engine.facts_set.empty());
}

TEST_F(RunPlaybook, RunsAgainAfterTheDelay) {
  ansible_is(
      fmt::format("echo x; mkdir {0}/one || mkdir {0}/two || exit 0; exit 3", world_.path()));
  auto& action = make({{"retries", 3}, {"delay", 5}});
  std::string printed;
  const auto printed_lines = [&](std::size_t count) {
    printed += action.take_output();
    return static_cast<std::size_t>(std::ranges::count(printed, 'x')) >= count;
  };
  action.start();
  for (std::size_t run = 1; run < 3; ++run) {
    ASSERT_TRUE(action.run_until([&] { return printed_lines(run); }));
    ASSERT_TRUE(action.run_until([&] {
      action.advance(5s);
      return action.log_lines().size() >= run;
    }));
  }
  ASSERT_TRUE(action.finish());
  EXPECT_EQ(action.log_lines(),
            (std::vector<std::string>{
                "warning action.run_playbook: Previous run_playbook failed. Retry 1 of 3",
                "warning action.run_playbook: Previous run_playbook failed. Retry 2 of 3"}));
}

TEST_F(RunPlaybook, FailsWithThePlaybook) {
  ansible_is("echo 'ERROR! why'; exit 2");
  auto& action = make({{"set_facts", true}});
  EXPECT_EQ(action.run().error(), Error(Errc::io, "site.yml failed with rc 2: ERROR! why"));
  EXPECT_EQ(action.outcome().at("rc"), Value(2));
  EXPECT_EQ(action.outcome().at("status"), "failed");
}

TEST_F(RunPlaybook, SaysWhatIsMissing) {
  auto& action = make({{"name", "missing.yml"}});
  EXPECT_EQ(action.run().error(),
            Error(Errc::not_found, fmt::format("Could not find a playbook for missing.yml from {}",
                                               std::filesystem::current_path().string())));
}

TEST_F(RunPlaybook, LooksInTheProjectFirstAndNowhereOutsideOfIt) {
  std::filesystem::create_directories(world_.path("project/books"));
  world_.write("project/books/site.yml", "[]");
  ansible_is("ls; pwd >&2; ls books");
  auto& action = make({{"name", "books/site.yml"}});
  action.engine.project_folder = world_.path("project");
  ASSERT_TRUE(action.run());
  EXPECT_TRUE(action.take_output().starts_with("books\n"));
  auto& outside = make({{"name", "../site.yml"}});
  outside.engine.project_folder = world_.path("project");
  EXPECT_EQ(outside.run().error().code(), Errc::not_found);
}

TEST_F(RunPlaybook, EndsWithItsTask) {
  ansible_is("echo started; exec sleep 100");
  auto& action = make();
  std::string printed;
  action.start();
  ASSERT_TRUE(action.run_until([&] {
    printed += action.take_output();
    return !printed.empty();
  }));
  action.cancel();
  EXPECT_EQ(action.finish().error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::run_playbook_action
