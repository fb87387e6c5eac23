// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/event.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/plugin/source_memory.hpp"
#include "millrace/plugin/source_status.hpp"

namespace millrace {

/// What the engine offers a source while it runs.
class SourceContext {
 public:
  virtual ~SourceContext() = default;

  /// Hands events over. Waits while the engine is behind, so a slow action slows the source instead
  /// of filling memory. Success: the events have a place in the engine; their fate is told by the
  /// batch's Delivery. A refused event (not JSON, too large, refused by a filter…) is logged and
  /// counted by the engine. Errors: cancelled. Any other error is a filter that cannot go on:
  /// return it, it ends the source.
  virtual Task<Result<>> emit(EventBatch batch) = 0;
  /// One event, a value.
  Task<Result<>> emit(Value data);
  /// One event, and waits until the rule set has taken it. Errors: those of emit(); invalid_event
  /// when it was refused. Once the engine has the event, a request to stop does not end the wait:
  /// the engine knows what becomes of it, and tells so, at the latest when it has ended. Success
  /// is therefore an event that is acted upon, cancelled one that is not.
  Task<Result<>> accept(Event event, std::shared_ptr<const void> memory = {});
  /// The same for several events that come as one: what was refused of them. The batch's delivery
  /// is not the caller's to set.
  Task<Result<std::vector<Rejection>>> accept(EventBatch batch);

  /// How many events the engine would take at once; 0 while emit() would wait. For sources that
  /// rather refuse than wait.
  virtual std::size_t room() const = 0;

  /// Tells of an event that the source itself had to give up, before it was one (a line beyond the
  /// limit…): it is logged and counted among the refused. `position` as for Event::at().
  virtual void refuse(std::uint64_t position, const Error& error) = 0;

  virtual MainLoop& loop() = 0;
  virtual BlockingPool& pool() = 0;
  virtual Log& log() = 0;
  /// "source.<name>": the component to log as.
  virtual const std::string& log_name() const = 0;
  /// The name that the rulebook gives the source, and its kind: what `meta.source` will say.
  virtual const Origin& origin() const = 0;
  /// Whether filters follow: then an event need not be an object yet.
  virtual bool filtered() const = 0;
  virtual const JsonLimits& limits() const = 0;
  const Clock& clock() { return loop().clock(); }
  Task<Result<>> sleep_for(Duration delay) { return loop().sleep_for(delay); }

  /// Kept up to date by the source, read by whoever asks how it does.
  SourceStatus& status() { return status_; }
  const SourceStatus& status() const { return status_; }
  SourceMemory& memory() { return memory_; }

 protected:
  explicit SourceContext(SourceMemory memory = {}) : memory_(std::move(memory)) {}
  SourceContext(const SourceContext&) = default;
  SourceContext& operator=(const SourceContext&) = default;

 private:
  SourceStatus status_;
  SourceMemory memory_;
};

/// Brings events into the engine from one place in the outside world.
///
/// The engine creates one instance for each entry under `sources:`, calls run() exactly once, and
/// destroys the instance after the returned task has ended.
///
/// Threading:    every member is called on the loop thread. Never block it: use the pool.
/// Cancellation: to end a source the engine completes its pending operation with Errc::cancelled.
/// Return that error
///               unchanged within a second; the engine does not report it.
/// End:          an exhausted source returns success; the first source that ends, ends the run (the
/// rule sets drain). Failure:      any other error is logged and ends the run with exit code 1.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  /// Produces events through `context`, which outlives the task.
  virtual Task<Result<>> run(SourceContext& context) = 0;

  /// How much of all that the source will bring it has read, from 0 to 1, where that is known: a
  /// file has an end, a stream has none. Asked for a few times a second, to be shown.
  virtual std::optional<double> fraction_read() const { return std::nullopt; }
};

}  // namespace millrace
