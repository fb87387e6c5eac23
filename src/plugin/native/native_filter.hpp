// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "millrace/plugin/registry.hpp"
#include "native/extension.hpp"

namespace millrace::native {

/// A filter of a native plugin, called on the loop thread.
class NativeFilter final : public Filter {
 public:
  using Made = Instance<millrace_filter>;

  explicit NativeFilter(std::shared_ptr<Made> made) : made_(std::move(made)) {}

  Result<> apply(Value event, std::vector<Value>& out, Log& log) override;

 private:
  const std::shared_ptr<Made> made_;
};

/// The descriptor of a filter. Errors: invalid_settings.
Result<FilterDescriptor> describe(std::shared_ptr<NativeLibrary> library,
                                  const millrace_filter& table);

}  // namespace millrace::native
