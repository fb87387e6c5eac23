// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/playbook.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "millrace/event/json.hpp"

namespace millrace::ansible {
namespace {

namespace fs = std::filesystem;

// A world with a program of the name ansible-playbook, which is a script.
class Playbooks : public ::testing::Test {
 protected:
  Playbooks() : world_(std::move(*PrivateFolder::create())) {
    if (const char* path = std::getenv("PATH")) path_ = path;
    ::setenv("PATH", (world_->path() / "bin").c_str(), 1);
    options_.playbook = write("books/site.yml", "the playbook");
    write("books/tasks.yml", "tasks");
    options_.inventory = write("hosts", "the inventory");
    write("group_vars/all.yml", "variables");
    listener_.print = [this](std::string_view lines) {
      printed_ += lines;
      return print_answer_;
    };
    listener_.event = [this](Object event) { events_.push_back(std::move(event)); };
  }
  ~Playbooks() override { ::setenv("PATH", path_.c_str(), 1); }

  std::string write(const fs::path& name, std::string_view text) {
    return world_->write(name, text)->string();
  }
  void ansible_is(std::string_view script) {
    const auto file = world_->write("bin/ansible-playbook", fmt::format("#!/bin/sh\n{}\n", script));
    fs::permissions(*file, fs::perms::owner_all);
  }

  Task<> run_once() {
    auto playbook = co_await Playbook::prepare(options_, loop_, pool_);
    if (!playbook) {
      outcome_ = playbook.error();
      co_return;
    }
    outcome_ = co_await (*playbook)->run(listener_);
    co_await (*playbook)->clean_up();
  }
  const Result<PlaybookOutcome>& run() {
    loop_.run_until_done(run_once());
    return outcome_;
  }

  std::string path_;
  std::unique_ptr<PrivateFolder> world_;
  ManualClock clock_;
  MainLoop loop_{clock_};
  BlockingPool pool_{1};
  PlaybookOptions options_;
  PlaybookListener listener_;
  Result<> print_answer_;
  std::string printed_;
  std::vector<Object> events_;
  Result<PlaybookOutcome> outcome_;
};

TEST_F(Playbooks, RunInAFolderOfTheirOwnWithWhatTheyNeed) {
  ansible_is(R"(echo "$@" | /usr/bin/sed "s#${PWD%/project}#R#g"; /bin/cat ../env/extravars; echo
    /bin/cat site.yml tasks.yml ../inventory/hosts ../inventory/group_vars/all.yml; echo
    /bin/ls callback_plugins)");
  options_.project = options_.playbook.parent_path();
  options_.limit = "-v,web";
  options_.verbosity = 2;
  options_.extra_vars = {{"a", 1}, {"b", "{{ x }}"}};

  ASSERT_TRUE(run());

  EXPECT_EQ(printed_,
            "-e @R/env/extravars -i R/inventory/hosts --limit=-v,web -vv R/project/site.yml\n"
            "{\"a\":1,\"b\":{\"__ansible_unsafe\":\"{{ x }}\"}}\n"
            "the playbooktasksthe inventoryvariables\nmillrace_events.py\n");
  EXPECT_EQ(outcome_->rc, 0);
  EXPECT_EQ(outcome_->status(), "successful");
  EXPECT_FALSE(outcome_->artifacts);
}

TEST_F(Playbooks, AreCopiedAloneWithoutAProject) {
  ansible_is("/bin/ls");
  ASSERT_TRUE(run());
  EXPECT_EQ(printed_, "callback_plugins\nsite.yml\n");
}

TEST_F(Playbooks, TellEventsAndLeaveTheLastArtifactsThatAreMeantToLast) {
  ansible_is(R"(
    fact() { echo '{"event":"runner_on_ok","event_data":{"task_action":"set_fact","cacheable":'$1',"res":{"ansible_facts":{"a":'$2'}}}}' >&3; }
    fact false 1; fact true 2; fact true 3; fact false 4; echo 'no event' >&3; printf '{"event":"x"}' >&3)");
  ASSERT_TRUE(run());
  EXPECT_EQ(outcome_->artifacts, Object({{"a", 3}}));
  EXPECT_EQ(events_.size(), 4u);  // the line that does not end is none
}

TEST_F(Playbooks, LeaveFactsThatAreNotMeantToLastIfThereAreNoOthers) {
  ansible_is(
      R"(echo '{"event":"runner_on_ok","event_data":{"task_action":"set_fact","res":{"ansible_facts":{"a":1}}}}' >&3)");
  ASSERT_TRUE(run());
  EXPECT_EQ(outcome_->artifacts, Object({{"a", 1}}));
}

TEST_F(Playbooks, ThatFailTellWhy) {
  ansible_is("echo 'ERROR! no such thing' >&2; exit 4");
  ASSERT_TRUE(run());
  EXPECT_EQ(outcome_->rc, 4);
  EXPECT_EQ(outcome_->status(), "failed");
  EXPECT_EQ(outcome_->reason, "ERROR! no such thing");
  EXPECT_EQ(printed_, "ERROR! no such thing\n");
}

TEST_F(Playbooks, PrintEventsInsteadIfThatIsWanted) {
  ansible_is(R"(echo hidden; echo '{"event":"x"}' >&3)");
  options_.print = PlaybookOptions::Print::json;
  ASSERT_TRUE(run());
  EXPECT_EQ(printed_, "{\"event\":\"x\"}\n");
}

TEST_F(Playbooks, PrintLinesOfAnyLengthAndTheLastOneWithoutItsEnd) {
  ansible_is("/usr/bin/head -c 300000 /dev/zero | /usr/bin/tr '\\0' x; echo; printf end");
  ASSERT_TRUE(run());
  EXPECT_EQ(printed_, std::string(300000, 'x') + "\nend\n");
}

TEST_F(Playbooks, EndWhenNobodyReadsWhatTheyPrint) {
  ansible_is("echo one; exec /bin/sleep 100");
  print_answer_ = fail(Errc::unavailable, "nobody reads");
  EXPECT_EQ(run().error(), Error(Errc::unavailable, "nobody reads"));
}

TEST_F(Playbooks, EndWithTheirTaskAndNothingIsLeft) {
  ansible_is("/bin/sleep 100 & echo $! $PWD; wait");
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("run", run_once());
  ASSERT_TRUE(loop_.run_until([this] { return printed_.contains('\n'); }));
  const auto space = printed_.find(' ');
  const auto pid = std::stoi(printed_.substr(0, space));
  const fs::path folder = printed_.substr(space + 1, printed_.size() - space - 2);
  EXPECT_TRUE(fs::exists(folder));

  tasks.request_stop();

  ASSERT_TRUE(loop_.run_until([&] { return tasks.size() == 0; }));
  EXPECT_EQ(outcome_.error().code(), Errc::cancelled);
  EXPECT_FALSE(fs::exists(folder));
  ASSERT_TRUE(loop_.run_until([&] {
    const auto state = fs::path("/proc") / std::to_string(pid);
    return !fs::exists(state) || ::kill(pid, 0) != 0;
  }));
}

TEST_F(Playbooks, DoNotWaitForWhatTheyLeaveBehind) {
  ansible_is("/usr/bin/setsid /bin/sleep 5 & echo done");
  ASSERT_TRUE(run());
  EXPECT_EQ(printed_, "done\n");
}

TEST_F(Playbooks, NeedAnsible) {
  EXPECT_EQ(run().error(),
            Error(Errc::unavailable,
                  "there is no ansible-playbook in PATH: install Ansible (`apt install "
                  "ansible-core`)"));
}

}  // namespace
}  // namespace millrace::ansible
