// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "millrace/event/value.hpp"

namespace millrace {

/// Who is told what the engine does, as it happens: a server that keeps the history of runs. Loop
/// thread only.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  /// Takes the message, in order, without waiting; `type` is one of its entries.
  virtual void send(Object message) = 0;
  /// Too much waits to be sent: the engine reads no event until there is room again.
  virtual bool full() const { return false; }
  /// `callback` is called whenever full() is no longer true; one, of the engine.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): who overrides it keeps it
  virtual void on_room(std::function<void()> /*callback*/) {}

 protected:
  AuditSink() = default;
  AuditSink(const AuditSink&) = default;
  AuditSink& operator=(const AuditSink&) = default;
};

}  // namespace millrace
