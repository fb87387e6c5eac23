// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "instance.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::python {

/// A source that runs in a host. Its events come as text, and stay where they were read to. It may
/// send as many as it has credit for, fewer of large ones; credit comes back as the engine takes
/// them, with their bytes, of which the host bounds by itself what is on its way.
class PythonSource final : public Source, private ChannelListener {
 public:
  PythonSource(std::shared_ptr<const Extension> extension, Object settings);
  ~PythonSource() override;

  /// Errors besides the usual: the plugin's, in the original's words; unavailable when its host
  /// dies. What it had sent before is emitted first.
  Task<Result<>> run(SourceContext& context) override;

 private:
  Result<> on_frame(const Frame& frame, const std::shared_ptr<const void>& memory) override;
  void on_host_end(const Error& why) override;
  Result<> on_events(const Frame& frame, const std::shared_ptr<const void>& memory);
  Result<> on_failure(const Frame& frame);
  Result<> on_refusal(const Frame& frame);
  void end(Result<> how);

  void start(SourceContext& context);
  Task<Result<>> forward(SourceContext& context);
  void tell_when_settled(EventBatch& batch) const;
  struct Read {
    EventBatch batch;
    std::size_t bytes = 0;  ///< as the host counts them
  };
  /// `taken`: the number of the last event that the engine has taken.
  void give_credit(std::uint64_t taken, std::size_t event_bytes);
  Task<> cancel();

  const std::shared_ptr<const Extension> extension_;
  const Object settings_;
  const bool feedback_;
  SourceContext* context_ = nullptr;
  std::uint32_t channel_ = kHostChannel;
  std::deque<Read> waiting_;  ///< not emitted yet
  std::uint64_t next_event_ = 1;
  std::uint64_t allowed_ = 0;      ///< the number of the last event that it has credit for
  std::uint64_t bytes_taken_ = 0;  ///< that the host has not been told of
  std::optional<Result<>> ended_;
  Waiters changed_;
};

}  // namespace millrace::python
