// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/blocking_pool.hpp"

namespace millrace {

/// What a source remembers from one run to the next: how far it has read, what it has seen. One
/// small value, as JSON in a file of its own; without a file it is remembered for as long as the
/// engine runs.
class SourceMemory {
 public:
  SourceMemory() = default;
  explicit SourceMemory(std::filesystem::path file) : file_(std::move(file)) {}

  /// What was remembered last; nothing at the first run. Errors: io, permission_denied;
  /// corrupt when the file is damaged: the message names it.
  Result<std::optional<Value>> recall() const;

  /// Remembers this instead: a crash leaves the old value or the new. To be called one at a time.
  /// Errors: io, permission_denied; then the old value stands.
  Task<Result<>> remember(Value value, BlockingPool& pool);

 private:
  std::filesystem::path file_;  // empty: only value_
  std::optional<Value> value_;
};

}  // namespace millrace
