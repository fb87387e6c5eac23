// SPDX-License-Identifier: Apache-2.0
// The life of a host: it is spawned, configured and has answered (live); it has died, or was
// killed (ending), and what it sent before is still read; then all that it served is told, and it
// is idle until somebody needs it again.
#include "host_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "failure.hpp"
#include "interpreter.hpp"
#include "line_log.hpp"
#include "millrace/base/files.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/process.hpp"

namespace millrace::python {
namespace {

using namespace std::chrono_literals;
using Socket = asio::local::stream_protocol::socket;
using Stream = asio::posix::stream_descriptor;

constexpr int kProtocol = 1;
constexpr int kSocketNumber = 3;  // of the child's descriptors
constexpr int kSocketBuffer = 1 << 20;
// More than the system keeps of what a process has sent: if there is more, somebody else sends.
constexpr std::size_t kMostLeftBehind = std::size_t{8} << 20;
constexpr auto kHandshakeTime = 10s;
constexpr auto kPingPeriod = 10s;
constexpr auto kBlockedAfter = 30s;
constexpr auto kTerminateGrace = 2s;
constexpr auto kLongLife = 60s;
constexpr auto kFirstDelay = 100ms;
constexpr Duration kLongestDelay = 5s;
constexpr JsonLimits kFrameLimits{.depth = 512, .bytes = kLongestPayload};

struct Ends {
  FileDescriptor here;
  FileDescriptor there;
};

Result<Ends> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  return Ends{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Result<Ends> make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno(errno, "cannot make a socket pair");
  for (const int end : ends) {  // the system may grant less
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
  }
  return Ends{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

LogLevel level_of(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  if (name == "critical") return LogLevel::critical;
  return LogLevel::info;
}

}  // namespace

// One process, from its start until all that it said was read.
struct HostProcess::Running {
  Running(MainLoop& loop, std::unique_ptr<ChildProcess> started, Ends& socket_ends, Ends& out,
          Ends& err)
      : process(std::move(started)),
        socket(loop.executor(), asio::local::stream_protocol(), socket_ends.here.release()),
        output(loop.executor(), out.here.release()),
        errors(loop.executor(), err.here.release()),
        parts(loop.executor(), [this](std::string_view, const std::exception_ptr&) {
          process->kill(SIGKILL);  // its frames are no longer read
        }) {
    socket.non_blocking(true);
    output.non_blocking(true);
    errors.non_blocking(true);
  }

  const std::unique_ptr<ChildProcess> process;
  Socket socket;
  Stream output;
  Stream errors;
  FrameReader reader;
  std::string outgoing;
  Waiters outgoing_grew;
  std::string last_error_line;
  std::optional<Error> killed;  ///< why, when the engine did it
  std::optional<Instant> live_since;
  std::optional<Instant> pinged_at;
  bool told_blocked = false;
  std::optional<MainLoop::TimerId> ping_timer;
  std::optional<MainLoop::TimerId> end_timer;
  TaskGroup parts;
};

// Hears how the loading went that is repeated in a new process.
class HostProcess::LoadWatch final : public ChannelListener {
 public:
  LoadWatch(HostProcess& host) : host_(host) {}
  Result<> on_frame(const Frame& frame, const std::shared_ptr<const void>&) override {
    host_.close(frame.channel);
    if (frame.type != FrameType::failed) return {};
    const auto failure = read_object(frame);
    if (!failure) return failure.error();
    host_.log_.error(host_.log_name(), "it does not load any more: {}",
                     plugin_error(Errc::io, *failure).message());
    return {};
  }
  void on_host_end(const Error&) override {}

 private:
  HostProcess& host_;
};

Result<Object> read_object(const Frame& frame) {
  auto value = parse_json(frame.payload, kFrameLimits);
  if (value && value->is_object()) return std::move(value->get_object());
  return fail(Errc::corrupt, "a frame of type {} is not a JSON object{}",
              static_cast<int>(frame.type), value ? "" : ": " + value.error().message());
}

HostProcess::HostProcess(MainLoop& loop, Log& log, Options options)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      tasks_(loop.executor(),
             [](std::string_view, const std::exception_ptr& why) { std::rethrow_exception(why); }) {
}

HostProcess::~HostProcess() = default;

// ------------------------------------------------------------------------------- start and end

Task<Result<>> HostProcess::ready() {
  while (true) {
    if (stopping_) co_return fail(Errc::unavailable, "{} has been stopped", options_.title);
    if (state_ == State::live) co_return Result<>();
    if (state_ == State::idle) {
      state_ = State::starting;
      ++generation_;
      start_error_.reset();
      tasks_.spawn(options_.title, live_and_die());
    }
    const auto mine = generation_;
    const bool starts = state_ == State::starting;
    if (auto waited = co_await changed_.wait(); !waited) co_return waited.error();
    if (starts && mine == generation_ && start_error_) co_return *start_error_;
  }
}

Duration HostProcess::delay_before_start() const {
  if (early_deaths_ <= 1) return {};
  const Duration delay = kFirstDelay * (1 << std::min(early_deaths_ - 2, 10));
  return std::min(delay, kLongestDelay) - (loop_.clock().now() - died_at_);
}

Task<> HostProcess::live_and_die() {
  if (const auto delay = delay_before_start(); delay > Duration::zero()) {
    if (auto slept = co_await loop_.sleep_for(delay); !slept) {
      conclude(fail(Errc::unavailable, "{} has been stopped", options_.title));
      co_return;
    }
  }
  auto spawned = spawn();
  if (!spawned) {
    conclude(spawned.error());
    co_return;
  }
  running_ = std::move(*spawned);
  auto& parts = running_->parts;
  parts.spawn("exit", watch_exit());
  parts.spawn("frames", read_frames());
  parts.spawn("writer", write_frames());
  parts.spawn("output", read_lines(running_->output, LogLevel::info, nullptr));
  parts.spawn("errors",
              read_lines(running_->errors, LogLevel::warning, &running_->last_error_line));
  append_frame(running_->outgoing, FrameType::configure, kHostChannel, configuration());
  running_->end_timer = loop_.call_later(kHandshakeTime, [this] {
    kill(fail(Errc::unavailable, "{} did not answer within 10 seconds", options_.title));
  });
  co_await parts.join();

  died_at_ = loop_.clock().now();
  const bool lived_long =
      running_->live_since && died_at_ - *running_->live_since >= Duration(kLongLife);
  early_deaths_ = lived_long ? 1 : early_deaths_ + 1;
  conclude(reason());
}

// How it ended, in words.
Error HostProcess::reason() const {
  if (running_->killed) return *running_->killed;
  auto text = fmt::format("{} {}", options_.title, running_->process->exit_status()->text());
  if (!running_->live_since) {
    text += " before it had answered";
    if (!running_->last_error_line.empty()) text += ": " + running_->last_error_line;
    text += fmt::format(" ({})", kHowToGetPython);
  }
  return Error(Errc::unavailable, std::move(text));
}

void HostProcess::conclude(const Error& why) {
  start_error_ = why;
  if (running_) {
    for (const auto& timer : {running_->ping_timer, running_->end_timer}) {
      if (timer) loop_.cancel(*timer);
    }
    if (running_->live_since && !stopping_) {
      // Those it serves tell of it; with nobody to tell, this line must.
      log_.write(channels_.empty() ? LogLevel::warning : LogLevel::info, options_.log_name,
                 why.message());
    }
  }
  running_.reset();
  state_ = State::idle;
  for (const auto channels = std::exchange(channels_, {});
       const auto& [number, listener] : channels)
    listener->on_host_end(why);
  if (templates_ != nullptr) templates_->on_host_end(why);
  load_watches_.clear();
  changed_.notify_all();
}

Result<std::unique_ptr<HostProcess::Running>> HostProcess::spawn() {
  const auto interpreter = find_interpreter(options_.python);
  if (!interpreter) return interpreter.error();
  const auto folder = find_host_folder(options_.python);
  if (!folder) return folder.error();
  auto socket = make_socket_pair();
  auto output = make_pipe();
  auto errors = make_pipe();
  if (!socket) return socket.error();
  if (!output) return output.error();
  if (!errors) return errors.error();
  auto process =
      ChildProcess::start(loop_, {.arguments = {*interpreter, (*folder / "millrace_host").string()},
                                  .descriptors = {{STDOUT_FILENO, output->there.get()},
                                                  {STDERR_FILENO, errors->there.get()},
                                                  {kSocketNumber, socket->there.get()}}});
  if (!process) return process.error();
  return std::make_unique<Running>(loop_, std::move(*process), *socket, *output, *errors);
}

std::string HostProcess::configuration() const {
  const auto& settings = options_.settings;
  const auto level = log_.enabled(LogLevel::debug)  ? "debug"
                     : log_.enabled(LogLevel::info) ? "info"
                                                    : "warning";
  Value memory;
  if (settings.memory) memory = *settings.memory;
  return to_json(Object{
      {"protocol", kProtocol},
      {"limits", {{"memory", memory}, {"files", nullptr}, {"processes", nullptr}}},
      {"user", settings.user.empty() ? Value() : Value(settings.user)},
      {"seccomp", settings.seccomp},
      {"log_level", level},
      {"variables", options_.variables},
  });
}

void HostProcess::go_live() {
  if (std::exchange(live_phase_, true)) return;
  send(FrameType::live, kHostChannel);
}

void HostProcess::kill(Error why) {
  if (!running_ || running_->killed) return;
  running_->killed = std::move(why);
  state_ = State::ending;
  running_->process->kill(SIGKILL);
}

Task<> HostProcess::stop() {
  stopping_ = true;
  changed_.notify_all();
  std::optional<MainLoop::TimerId> kill_timer;
  std::optional<MainLoop::TimerId> terminate_timer;
  if (running_) {
    send(FrameType::stop, kHostChannel);
    const auto signal = [this](int number) {
      if (running_) running_->process->kill(number);
    };
    terminate_timer = loop_.call_later(options_.settings.stop_grace, [signal] { signal(SIGTERM); });
    kill_timer = loop_.call_later(options_.settings.stop_grace + kTerminateGrace,
                                  [signal] { signal(SIGKILL); });
  }
  tasks_.request_stop();
  co_await tasks_.join();
  if (terminate_timer) loop_.cancel(*terminate_timer);
  if (kill_timer) loop_.cancel(*kill_timer);
}

// ---------------------------------------------------------------------------------- its parts

// What it sent before its end lies in the socket and the pipes; the readers take it and end, also
// when somebody else holds the other ends.
Task<> HostProcess::watch_exit() {
  auto& running = *running_;
  auto exited = co_await running.process->wait();
  if (!exited) co_return;  // never: nobody stops this group
  state_ = State::ending;
  boost::system::error_code ignored;
  running.socket.cancel(ignored);
  running.output.cancel(ignored);
  running.errors.cancel(ignored);
  running.outgoing_grew.notify_all();
}

Task<> HostProcess::read_frames() {
  auto& running = *running_;
  std::size_t left_behind = 0;
  while (left_behind <= kMostLeftBehind) {
    const auto room = running.reader.prepare();
    boost::system::error_code error;
    std::size_t got = 0;
    const asio::mutable_buffer buffer(room.data(), room.size());
    if (running.process->exit_status()) {
      got = running.socket.read_some(buffer, error);
      left_behind += got;
    } else {
      got = co_await running.socket.async_read_some(
          buffer, asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) continue;  // it has exited
    }
    if (error) break;
    running.reader.commit(got);
    if (!route_all()) co_return;
  }
  on_end_of_frames();
}

void HostProcess::on_end_of_frames() {
  auto& running = *running_;
  if (running.process->exit_status()) return;
  if (state_ == State::live) state_ = State::ending;
  // It is about to end, or it never will by itself.
  if (running.end_timer) loop_.cancel(*running.end_timer);
  running.end_timer = loop_.call_later(options_.settings.stop_grace, [this] {
    kill(fail(Errc::unavailable, "{} has closed its connection and did not end", options_.title));
  });
}

bool HostProcess::route_all() {
  while (true) {
    auto frame = running_->reader.next();
    if (frame && !*frame) return true;
    Result<> routed;
    if (frame) {
      routed = route(**frame);
    } else {
      routed = frame.error();
    }
    if (routed) continue;
    auto why = routed.error().code() == Errc::corrupt
                   ? fail(Errc::unavailable, "{} broke the protocol: {}", options_.title,
                          routed.error().message())
                   : routed.error();
    kill(std::move(why));
    return false;
  }
}

Task<> HostProcess::write_frames() {
  auto& running = *running_;
  while (!running.process->exit_status()) {
    if (running.outgoing.empty()) {
      co_await running.outgoing_grew.wait_to_the_end();
      continue;
    }
    const auto gathered = std::exchange(running.outgoing, {});
    boost::system::error_code error;
    co_await asio::async_write(running.socket, asio::buffer(gathered),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;  // the reader learns why
  }
}

Task<> HostProcess::read_lines(asio::posix::stream_descriptor& from, LogLevel level,
                               std::string* last) {
  auto& running = *running_;
  LineLog lines(log_, level, options_.log_name);
  std::vector<char> buffer(std::size_t{16} << 10);
  std::size_t left_behind = 0;
  while (left_behind <= kMostLeftBehind) {
    boost::system::error_code error;
    std::size_t got = 0;
    if (running.process->exit_status()) {
      got = from.read_some(asio::buffer(buffer), error);
      left_behind += got;
    } else {
      got = co_await from.async_read_some(asio::buffer(buffer),
                                          asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) continue;
    }
    if (error) break;
    lines.add({buffer.data(), got});
  }
  lines.finish();
  if (last != nullptr) *last = lines.last();
}

// ------------------------------------------------------------------------------------- frames

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
