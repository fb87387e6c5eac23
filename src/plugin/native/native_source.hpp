// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <thread>

#include "millrace/plugin/registry.hpp"
#include "native/extension.hpp"
#include "native/hand_over.hpp"

namespace millrace::native {

/// A source of a native plugin. Its `run` has a thread of its own; what it emits comes to the loop
/// thread through a HandOver.
class NativeSource final : public Source {
 public:
  using Made = Instance<millrace_source>;

  explicit NativeSource(std::shared_ptr<Made> made) : made_(std::move(made)) {}
  ~NativeSource() override;

  Task<Result<>> run(SourceContext& context) override;
  std::optional<double> fraction_read() const override;

 private:
  class Run;
  Task<Result<>> serve(SourceContext& context);
  Task<> wait_for_the_thread(SourceContext& context);
  Result<> start(SourceContext& context);
  void ask_to_stop();

  const std::shared_ptr<Made> made_;
  std::shared_ptr<HandOver> hand_over_;
  std::thread thread_;
};

/// The descriptor of a source. Errors: invalid_settings.
Result<SourceDescriptor> describe(std::shared_ptr<NativeLibrary> library,
                                  const millrace_source& table);

}  // namespace millrace::native
