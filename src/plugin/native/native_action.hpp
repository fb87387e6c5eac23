// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "millrace/base/uuid.hpp"
#include "millrace/plugin/registry.hpp"
#include "native/extension.hpp"

namespace millrace::native {

/// An action of a native plugin. Its `run` is on a worker thread; what it asks of the engine is
/// done on the loop thread while it waits.
class NativeAction final : public Action {
 public:
  using Made = Instance<millrace_action>;

  explicit NativeAction(std::shared_ptr<Made> made) : made_(std::move(made)) {}

  Task<Result<>> run(const Settings& settings, ActionContext& context) override;

 private:
  const std::shared_ptr<Made> made_;
  UuidGenerator uuids_;
};

/// The descriptor of an action. Errors: invalid_settings.
Result<ActionDescriptor> describe(std::shared_ptr<NativeLibrary> library,
                                  const millrace_action& table);

}  // namespace millrace::native
