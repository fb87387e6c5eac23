// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "instance.hpp"
#include "millrace/plugin/filter.hpp"

namespace millrace::python {

/// A filter that runs in a host: whole batches go there and back, in calls of as many events as it
/// gets through in some tenths of a second. When the host dies, the call is made once more in the
/// next one; when that dies over it, too, the source ends.
class PythonFilter final : public Filter {
 public:
  PythonFilter(std::shared_ptr<const Extension> extension, Object settings)
      : extension_(extension), instance_(std::move(extension), std::move(settings)) {}

  Task<std::vector<Outcome>> apply_all(std::vector<Value> events, Log& log) override;

 private:
  Task<Result<Value>> ask(const std::string& fields);

  const std::shared_ptr<const Extension> extension_;
  Instance instance_;
  std::size_t events_a_call_ = 64;
};

}  // namespace millrace::python
