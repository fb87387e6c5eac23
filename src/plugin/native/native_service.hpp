// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "millrace/loop/channel.hpp"
#include "millrace/plugin/registry.hpp"
#include "native/extension.hpp"

namespace millrace::native {

/// A service of a native plugin: one call at a time, each on a worker thread.
class NativeService final : public Service {
 public:
  using Made = Instance<millrace_service>;

  explicit NativeService(std::shared_ptr<Made> made) : made_(std::move(made)) {}

  Task<Result<Value>> call(std::string_view function, const Value& argument) override;

 private:
  const std::shared_ptr<Made> made_;
  bool busy_ = false;
  Waiters free_;
};

/// Nothing for a kind that this version does not know.
std::optional<ServiceKind> service_kind(millrace_service_kind kind);

/// The descriptor of a service. Errors: invalid_settings.
Result<ServiceDescriptor> describe(std::shared_ptr<NativeLibrary> library,
                                   const millrace_service& table);

}  // namespace millrace::native
