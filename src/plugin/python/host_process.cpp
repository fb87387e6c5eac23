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
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "host_running.hpp"
#include "interpreter.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/line_log.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/process.hpp"

namespace millrace::python {
namespace {

using namespace std::chrono_literals;

// Of the child's descriptors.
constexpr int kSocketNumber = 3;
constexpr int kPipeNumber = 4;
constexpr int kSocketBuffer = 1 << 20;
// More than the system keeps of what a process has sent: if there is more, somebody else sends.
constexpr std::size_t kMostLeftBehind = std::size_t{8} << 20;
constexpr std::size_t kLittle = std::size_t{16} << 10;  // bytes of a read
constexpr auto kPause = 100us;
constexpr auto kHandshakeTime = 10s;
constexpr auto kTerminateGrace = 2s;
constexpr auto kLongLife = 60s;
constexpr auto kFirstDelay = 100ms;
constexpr Duration kLongestDelay = 5s;

Result<Ends> make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno(errno, "cannot make a socket pair");
  for (const int end : ends) {  // the system may grant less
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
  }
  return Ends{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// What the host writes to and the engine reads from; neither waits.
Result<Ends> make_frame_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return fail_errno(errno, "cannot make a pipe");
  ::fcntl(ends[1], F_SETPIPE_SZ, kSocketBuffer);  // the system may grant less
  return Ends{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

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
  auto frames = make_frame_pipe();
  auto output = make_pipe();
  auto errors = make_pipe();
  if (!socket) return socket.error();
  if (!frames) return frames.error();
  if (!output) return output.error();
  if (!errors) return errors.error();
  auto host_socket = HostSocket::make(loop_, std::move(socket->here), std::move(frames->here));
  if (!host_socket) return host_socket.error();
  auto process =
      ChildProcess::start(loop_, {.arguments = {*interpreter, (*folder / "millrace_host").string()},
                                  .descriptors = {{STDOUT_FILENO, output->write.get()},
                                                  {STDERR_FILENO, errors->write.get()},
                                                  {kSocketNumber, socket->there.get()},
                                                  {kPipeNumber, frames->there.get()}}});
  if (!process) return process.error();
  return std::make_unique<Running>(loop_, std::move(*process), std::move(*host_socket),
                                   std::move(output->read), std::move(errors->read));
}

std::string HostProcess::configuration() const {
  const auto& settings = options_.settings;
  const auto level = log_.enabled(LogLevel::debug)  ? "debug"
                     : log_.enabled(LogLevel::info) ? "info"
                                                    : "warning";
  const auto limit = [](const std::optional<std::uint64_t>& most) {
    return most ? Value(*most) : Value();
  };
  return to_json(Object{
      {"protocol", kProtocol},
      {"limits",
       {{"memory", limit(settings.memory)},
        {"files", limit(settings.files)},
        {"processes", limit(settings.processes)}}},
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

void HostProcess::refuse() {
  stopping_ = true;
  changed_.notify_all();
}

Task<> HostProcess::stop() {
  refuse();
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
  running.socket->cancel();
  running.pause.cancel();
  running.output.cancel(ignored);
  running.errors.cancel(ignored);
  running.outgoing_grew.notify_all();
}

Task<> HostProcess::read_frames() {
  auto& running = *running_;
  std::size_t left_behind = 0;
  while (left_behind <= kMostLeftBehind) {
    const bool exited = running.process->exit_status().has_value();
    const auto got = running.socket->receive(running.reader.prepare());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN && !exited) {
      co_await running.socket->wait_readable();
      continue;
    }
    if (got <= 0) break;
    running.reader.commit(static_cast<std::size_t>(got));
    running.has_read_events = false;
    if (!route_all()) co_return;
    if (exited) left_behind += static_cast<std::size_t>(got);
    co_await pause_reading(static_cast<std::size_t>(got));
  }
  on_end_of_frames();
}

// A source that puts one event after the other would wake the engine for each: while they come, it
// looks again a little later instead, by real time: this paces reading, nothing is due. An answer
// may be waited for: it is not held up.
Task<> HostProcess::pause_reading(std::size_t got) {
  auto& running = *running_;
  if (!running.has_read_events || got >= kLittle || running.process->exit_status()) {
    co_await loop_.yield();
    co_return;
  }
  boost::system::error_code ignored;
  running.pause.expires_after(kPause);
  co_await running.pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
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
    if (!co_await write_all_of(gathered)) co_return;  // the reader learns why
  }
}

Task<bool> HostProcess::write_all_of(std::string_view bytes) {
  auto& running = *running_;
  while (!bytes.empty() && !running.process->exit_status()) {
    const auto sent = running.socket->send(bytes);
    if (sent >= 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) co_return false;
    co_await running.socket->wait_writable();
  }
  co_return bytes.empty();
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

}  // namespace millrace::python
