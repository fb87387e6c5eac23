// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "instance.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/plugin/action.hpp"

namespace millrace::python {

/// An action that runs in a host; what it asks of the engine is done while it runs.
class PythonAction final : public Action {
 public:
  PythonAction(std::shared_ptr<const Extension> extension, Object settings)
      : instance_(std::move(extension), std::move(settings)) {}

  Task<Result<>> run(const Settings& settings, ActionContext& context) override;

 private:
  Instance instance_;
  UuidGenerator uuids_;
};

}  // namespace millrace::python
