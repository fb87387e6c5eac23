// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/plugin/plugin.hpp"

namespace millrace::testing {

/// Runs one source against a fake engine. Time is moved by hand; what other threads or the system
/// do is waited for with run_until(). Events are refused when they are not JSON objects within the
/// limits, as a rule set would.
class SourceHarness {
 public:
  using Describe = void (*)(PluginBuilder&);

  /// Starts the source, unless its settings are wrong.
  SourceHarness(Describe describe, std::string_view name, Object settings);
  SourceHarness(const SourceHarness&) = delete;
  SourceHarness& operator=(const SourceHarness&) = delete;
  ~SourceHarness();  ///< cancels the source and waits for it

  void advance(Duration by) { loop_.advance(by); }
  /// Lets time run for real until `done`; false after ten seconds.
  bool run_until(const std::function<bool()>& done);
  /// Until the source has ended; its result.
  Result<> finish();

  /// The engine is behind: emit() waits after the event in flight, room() is 0.
  void hold_events();
  void release_events();
  /// Calls `settled` of every batch taken so far.
  void settle();
  void cancel();

  /// Taken events, wrapped and with the source's own meta, without what the engine adds.
  const std::vector<Value>& events() const { return events_; }
  std::size_t batches() const { return batches_; }
  const std::vector<Rejection>& rejected() const { return rejected_; }
  const std::optional<Result<>>& outcome() const { return outcome_; }
  const std::string& settings_problem() const { return settings_problem_; }
  /// "LEVEL text" lines.
  const std::vector<std::string>& log_lines() const { return log_lines_; }
  Source* source() { return source_.get(); }

 private:
  class Context;
  Task<> run();
  void take(EventBatch batch);

  ManualClock clock_;
  MainLoop loop_{clock_};
  BlockingPool pool_{1};
  Log log_;
  TaskGroup tasks_;
  Registry registry_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Context> context_;
  std::string settings_problem_;
  std::vector<std::string> log_lines_;
  std::vector<Value> events_;
  std::vector<Rejection> rejected_;
  std::vector<Delivery> unsettled_;
  std::size_t batches_ = 0;
  std::optional<Result<>> outcome_;
};

}  // namespace millrace::testing
