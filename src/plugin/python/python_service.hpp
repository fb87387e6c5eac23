// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "instance.hpp"
#include "millrace/plugin/service.hpp"

namespace millrace::python {

/// A service that runs in a host.
class PythonService final : public Service {
 public:
  PythonService(std::shared_ptr<const Extension> extension, Object settings)
      : instance_(std::move(extension), std::move(settings)) {}

  Task<Result<Value>> call(std::string_view function, const Value& argument) override;

 private:
  Instance instance_;
};

}  // namespace millrace::python
