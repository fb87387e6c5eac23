// SPDX-License-Identifier: Apache-2.0
// What a host says, and who it is for.
#include <chrono>
#include <utility>

#include "failure.hpp"
#include "host_process.hpp"
#include "host_running.hpp"
#include "millrace/event/json.hpp"

namespace millrace::python {
namespace {

using namespace std::chrono_literals;

constexpr auto kPingPeriod = 10s;
constexpr auto kBlockedAfter = 10s;
constexpr JsonLimits kFrameLimits{.depth = 512, .bytes = kLongestPayload};

LogLevel level_of(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  if (name == "critical") return LogLevel::critical;
  return LogLevel::info;
}

}  // namespace

Result<Object> read_object(const Frame& frame) {
  auto value = parse_json(frame.payload, kFrameLimits);
  if (value && value->is_object()) return std::move(value->get_object());
  return fail(Errc::corrupt, "a frame of type {} is not a JSON object{}",
              static_cast<int>(frame.type), value ? "" : ": " + value.error().message());
}

std::uint32_t HostProcess::open(ChannelListener& listener) {
  channels_.emplace(++last_channel_, &listener);
  return last_channel_;
}

void HostProcess::close(std::uint32_t channel) { channels_.erase(channel); }

void HostProcess::send(FrameType type, std::uint32_t channel, std::string_view payload) {
  if (!running_ || state_ == State::ending) return;
  if (state_ == State::starting && type != FrameType::stop) return;
  if (channel != kHostChannel && !channels_.contains(channel)) return;
  append_frame(running_->outgoing, type, channel, payload);
  running_->outgoing_grew.notify_all();
}

Result<> HostProcess::route(const Frame& frame) {
  if (frame.type == FrameType::log) return write_log(frame);
  if (frame.channel == kHostChannel) return route_to_host(frame);
  if (frame.channel > last_channel_)
    return fail(Errc::corrupt, "it wrote to the channel {}, which nobody opened", frame.channel);
  if (frame.type == FrameType::events) running_->has_read_events = true;
  const auto found = channels_.find(frame.channel);
  if (found == channels_.end()) return {};  // closed meanwhile
  return found->second->on_frame(frame, running_->reader.memory());
}

Result<> HostProcess::route_to_host(const Frame& frame) {
  switch (frame.type) {
    case FrameType::hello:
      return on_hello(frame);
    case FrameType::pong:
      on_pong();
      return {};
    case FrameType::failed: {
      const auto failure = read_object(frame);
      if (!failure) return failure.error();
      return fail(Errc::unavailable, "{} could not be set up: {}", options_.title,
                  plugin_error(Errc::unavailable, *failure).message());
    }
    case FrameType::compiled:
    case FrameType::rendered:
      if (templates_ != nullptr) return templates_->on_frame(frame, running_->reader.memory());
      [[fallthrough]];
    default:
      return fail(Errc::corrupt, "a frame of type {} is unknown", static_cast<int>(frame.type));
  }
}

Result<> HostProcess::on_hello(const Frame& frame) {
  const auto hello = read_object(frame);
  if (!hello) return hello.error();
  const auto* protocol = hello->if_contains("protocol");
  if (state_ != State::starting) return fail(Errc::corrupt, "a second HELLO");
  if (protocol == nullptr || *protocol != Value(kProtocol)) {
    return fail(Errc::unavailable, "{} is of another version of Millrace: its protocol is {}",
                options_.title, protocol == nullptr ? "unknown" : to_json(*protocol));
  }
  loop_.cancel(*std::exchange(running_->end_timer, std::nullopt));
  running_->live_since = loop_.clock().now();
  state_ = State::live;
  log_.debug(options_.log_name, "{} runs: Python {}, process {}", options_.title,
             text_of(*hello, "python"), running_->process->pid());
  for (const auto& payload : loads_) {
    load_watches_.push_back(std::make_unique<LoadWatch>(*this));
    const auto channel = open(*load_watches_.back());
    send(FrameType::load, channel, payload);
  }
  if (live_phase_) send(FrameType::live, kHostChannel);
  running_->ping_timer = loop_.call_later(kPingPeriod, [this] { ping(); });
  changed_.notify_all();
  return {};
}

Result<> HostProcess::write_log(const Frame& frame) {
  const auto entry = read_object(frame);
  if (!entry) return entry.error();
  const auto logger = text_of(*entry, "logger");
  const auto message = text_of(*entry, "message");
  const bool named = !logger.empty() && logger != "root" && logger != "<run_path>";
  log_.write(level_of(text_of(*entry, "level")), options_.log_name,
             named ? fmt::format("{}: {}", logger, message) : std::string(message));
  return {};
}

void HostProcess::ping() {
  auto& running = *running_;
  const auto now = loop_.clock().now();
  if (!running.pinged_at) {
    running.pinged_at = now;
    send(FrameType::ping, kHostChannel);
  } else if (!running.told_blocked && now - *running.pinged_at >= Duration(kBlockedAfter)) {
    running.told_blocked = true;
    log_.warning(
        options_.log_name, "{} has not answered for {} seconds: the plugin blocks its event loop",
        options_.title,
        std::chrono::duration_cast<std::chrono::seconds>(now - *running.pinged_at).count());
  }
  running.ping_timer = loop_.call_later(kPingPeriod, [this] { ping(); });
}

void HostProcess::on_pong() {
  running_->pinged_at.reset();
  if (std::exchange(running_->told_blocked, false))
    log_.info(options_.log_name, "{} answers again", options_.title);
}

}  // namespace millrace::python
