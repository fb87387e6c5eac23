// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/files.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::testing {

/// Notes what actions do to the engine. It knows the rule sets `rules` and `others`.
class FakeEngine final : public EngineServices {
 public:
  struct Added {
    std::string rule_set;
    Object entry;
  };
  struct Retracted {
    std::string rule_set;
    Object fact;
    Retract how;
  };

  Result<> set_fact(std::string_view rule_set, Object fact) override;
  Result<> post_event(std::string_view rule_set, Object event) override;
  Result<> retract_fact(std::string_view rule_set, const Object& fact, Retract how) override;
  std::vector<DocumentPtr> facts(std::string_view rule_set) const override;
  void shut_down(ShutdownRequest request) override;
  void output_closed() override {}
  Duration default_shutdown_delay() const override { return shutdown_delay; }
  JobController* job_controller() const override { return controller; }
  const Object& variables() const override { return startup_variables; }
  const std::string& inventory() const override { return inventory_path; }
  const std::string& project() const override { return project_folder; }
  bool print_events() const override { return prints_events; }

  std::vector<Added> facts_set;
  std::vector<Added> events_posted;
  std::vector<Retracted> retracted;
  std::vector<ShutdownRequest> shutdowns;

  std::vector<DocumentPtr> memory;  ///< what facts() answers for `rules`
  Object startup_variables;
  std::string inventory_path;
  std::string project_folder;
  bool prints_events = false;
  JobController* controller = nullptr;
  Duration shutdown_delay = std::chrono::seconds(60);
};

/// Keeps what it is told.
class FakeAudit final : public AuditSink {
 public:
  void send(Object message) override { messages.push_back(std::move(message)); }
  std::vector<Object> messages;
};

/// Runs one action of the rule `rule` in the rule set `rules`. Time is moved by hand; what the
/// system does is waited for.
class ActionHarness {
 public:
  using Describe = void (*)(PluginBuilder&);

  ActionHarness(Describe describe, std::string_view name, Object settings = {});
  ActionHarness(const ActionHarness&) = delete;
  ActionHarness& operator=(const ActionHarness&) = delete;
  ~ActionHarness();  ///< cancels the action and waits for it

  /// Adds an event to the match: `m` alone is a match of one event.
  void bind(std::string name, std::string_view json);

  /// Runs the action to its end; again and again if the test likes. Wrong settings are its error.
  Result<> run();
  void start();
  Result<> finish();
  void advance(Duration by) { loop_.advance(by); }
  /// Lets time run for real until `done`; false after ten seconds.
  bool run_until(const std::function<bool()>& done) { return loop_.run_until(done); }
  void cancel();

  /// All that was printed since the last call.
  std::string take_output();
  /// The frame that a banner must have now, 80 columns wide.
  std::string banner(std::string_view name, std::string_view content) const;
  /// From now on nobody reads what is printed.
  void close_output();

  /// "LEVEL component: text" lines.
  const std::vector<std::string>& log_lines() const { return log_lines_; }
  const Clock& clock() const { return clock_; }
  /// What the action said of itself.
  const Object& outcome() const { return context_->outcome; }

  FakeEngine engine;
  FakeAudit audit;
  std::vector<std::string> hosts;

 private:
  Task<> run_action();

  ManualClock clock_;
  MainLoop loop_{clock_};
  BlockingPool pool_{1};
  Log log_;
  TaskGroup tasks_;
  Registry registry_;
  std::optional<Settings> settings_;
  std::unique_ptr<Action> action_;
  std::optional<Error> problem_;
  std::vector<std::pair<std::string, DocumentPtr>> bindings_;
  FileDescriptor printed_;
  FileDescriptor printing_;
  Output output_;
  std::vector<std::string> log_lines_;
  std::optional<ActionContext> context_;
  std::optional<Result<>> outcome_;
};

}  // namespace millrace::testing
