// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/event/value.hpp"

namespace millrace {

/// Who is told what the engine does, as it happens: a server that keeps the history of runs.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  /// Takes the message, in order, without waiting; `type` is one of its entries.
  virtual void send(Object message) = 0;

 protected:
  AuditSink() = default;
  AuditSink(const AuditSink&) = default;
  AuditSink& operator=(const AuditSink&) = default;
};

}  // namespace millrace
