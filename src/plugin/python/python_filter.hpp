// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "instance.hpp"
#include "millrace/plugin/filter.hpp"

namespace millrace::python {

/// A filter that runs in a host: whole batches go there and back.
class PythonFilter final : public Filter {
 public:
  PythonFilter(std::shared_ptr<const Extension> extension, Object settings)
      : instance_(std::move(extension), std::move(settings)) {}

  Task<std::vector<Outcome>> apply_all(std::vector<Value> events, Log& log) override;

 private:
  Instance instance_;
};

}  // namespace millrace::python
