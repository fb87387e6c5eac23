// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "millrace/base/clock.hpp"

namespace millrace::pipeline {

/// Takes the lines that tell what goes into rule sets.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  /// Whether lines are wanted.
  virtual bool on() const = 0;
  /// What the times of lines count from.
  virtual Instant start() const = 0;
  /// Where to append the lines of the next input, all at once. Only while on().
  virtual std::string& begin_input() = 0;

 protected:
  RecordSink() = default;
  RecordSink(const RecordSink&) = default;
  RecordSink& operator=(const RecordSink&) = default;
};

}  // namespace millrace::pipeline
