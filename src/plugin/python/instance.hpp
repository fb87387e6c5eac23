// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host_process.hpp"

namespace millrace::python {

/// An extension of a plugin: what START says of it. Shared by the descriptor and its instances; it
/// never changes.
struct Extension {
  HostProcess& host;
  std::string file;
  std::string kind;
  std::optional<std::string> extension;  ///< nothing: the `main` of an `ansible.eda` file
  std::string name;
};

/// The payload of START, without what is for sources only.
Object start_message(const Extension& extension, const Object& settings);

/// Answers what the plugin asks for during a call.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual Result<Value> answer(std::string_view method, const Object& arguments) = 0;

 protected:
  RequestHandler() = default;
  RequestHandler(const RequestHandler&) = default;
  RequestHandler& operator=(const RequestHandler&) = default;
};

/// An instance of a filter, an action or a service in its host. It begins at its first call, and
/// again at the next one when its host has died. Calls may overlap.
class Instance final : public ChannelListener {
 public:
  Instance(std::shared_ptr<const Extension> extension, Object settings)
      : extension_(std::move(extension)), settings_(std::move(settings)) {}
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() override;

  /// `fields` is the call's payload without its id: `"events":[]`. `requests`, if given, answers
  /// what is asked for until the call ends. A call that does not end in time, or is cancelled, is
  /// stopped; a host that does not obey is killed. Errors: cancelled; timeout; unavailable when
  /// the host cannot be started or dies; invalid_event when the call is too large for a frame; the
  /// plugin's.
  Task<Result<Value>> call(std::string_view fields, RequestHandler* requests = nullptr);

  Result<> on_frame(const Frame& frame, const std::shared_ptr<const void>& memory) override;
  void on_host_end(const Error& why) override;

 private:
  enum class State { closed, opening, open };
  struct Call {
    RequestHandler* requests = nullptr;
    Waiters changed;
    std::optional<Result<Value>> result;
    bool timed_out = false;
  };

  Task<Result<>> open();
  Task<Result<>> wait_until_open();
  void close();
  void abandon(std::uint64_t id);
  void forget_abandoned();
  Result<> on_result(const Frame& frame);
  Result<> on_request(const Frame& frame);
  Call* call_of(const Object& message, std::string_view key);
  std::string name() const;

  const std::shared_ptr<const Extension> extension_;
  const Object settings_;
  State state_ = State::closed;
  std::optional<Error> opening_failed_;
  Waiters state_changed_;
  std::uint32_t channel_ = kHostChannel;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Call*> calls_;
  std::map<std::uint64_t, MainLoop::TimerId> abandoned_;  ///< until the host answers or is killed
};

}  // namespace millrace::python
