// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter.hpp"
#include "millrace/base/files.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/plugin/python_plugins.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::python {

/// An engine that takes what a source emits.
class TakingContext final : public SourceContext {
 public:
  TakingContext(MainLoop& loop, Log& log) : loop_(loop), log_(log) {}

  using SourceContext::emit;
  Task<Result<>> emit(EventBatch batch) override {
    while (held) {
      if (auto waited = co_await released.wait(); !waited) co_return waited.error();
    }
    if (failure) co_return *failure;
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    for (const auto& event : batch.events) {
      auto value = parse_json(event.text());
      events.push_back(value ? std::move(*value) : Value(value.error().message()));
      positions.push_back(event.position());
    }
    ++batches;
    deliveries.push_back(std::move(batch.delivery));
    co_return Result<>();
  }
  std::size_t room() const override { return held ? 0 : 1024; }
  void refuse(std::uint64_t, const Error& error) override { refused.push_back(error.message()); }
  MainLoop& loop() override { return loop_; }
  BlockingPool& pool() override { return pool_; }
  Log& log() override { return log_; }
  const std::string& log_name() const override { return log_name_; }
  const Origin& origin() const override { return origin_; }
  bool filtered() const override { return false; }
  const JsonLimits& limits() const override { return limits_; }

  bool held = false;
  Waiters released;
  std::optional<Error> failure;
  std::vector<Value> events;
  std::vector<std::uint64_t> positions;
  std::vector<std::string> refused;
  std::vector<Delivery> deliveries;
  std::size_t batches = 0;

 private:
  MainLoop& loop_;
  Log& log_;
  BlockingPool pool_{1};
  const std::string log_name_ = "source.test";
  const Origin origin_{"test", "its.type"};
  const JsonLimits limits_;
};

/// Plugins in files of the test, real Python, time moved by hand.
class PythonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    if (needs_python_ && !find_interpreter({})) GTEST_SKIP() << kHowToGetPython;
    if (needs_python_ && !find_host_folder(options_)) GTEST_SKIP() << "there is no host program";
  }
  ~PythonTest() override {
    if (sources_) sources_->request_stop();
    if (plugins_) {
      loop_.run_until_done(stop_plugins());
    }
    if (sources_) loop_.run_until([this] { return sources_->size() == 0; });
    source_.reset();
    plugins_.reset();
    std::filesystem::remove_all(folder_);
  }

  PythonPlugins& plugins() {
    if (!plugins_) plugins_.emplace(loop_, log_, options_, variables_);
    return *plugins_;
  }
  Task<> stop_plugins() { co_await plugins_->stop(); }

  std::filesystem::path write(std::string_view name, std::string_view text) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(write_file_atomically(path, text));
    return path;
  }
  /// A host program of the test's own: `text` reads from descriptor 3, a
  /// socket, and writes to 4, a pipe.
  void use_host(std::string_view text) {
    write("hosts/millrace_host/__main__.py", text);
    options_.host_folder = folder_ / "hosts";
  }

  /// The answer of the task, waiting for real.
  template <class T>
  T get(Task<T> task) {
    std::optional<T> out;
    loop_.run_until_done(keep(std::move(task), out));
    return std::move(*out);
  }
  template <class T>
  Task<> keep(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
  }

  Result<LoadedPlugin> load(std::string_view text, std::string_view kind) {
    const auto file = write(fmt::format("plugin{}.py", ++files_), text);
    return get(plugins().load(file, "its.name", kind, {}, settings_));
  }
  template <class Made>
  std::unique_ptr<Made> make(const std::vector<Descriptor<Made>>& descriptors,
                             const Object& given = {}) {
    auto checked = Settings::check(descriptors.at(0).schema, given);
    if (!checked) throw std::runtime_error(checked.error().message());
    return descriptors.at(0).create(*checked).value();
  }

  Task<> run_source() { outcome_ = co_await source_->run(context_); }
  /// Loads the file and runs its source.
  void start_source(std::string_view text, const Object& given = {}) {
    auto loaded = load(text, "source");
    if (!loaded) {
      outcome_ = loaded.error();
      return;
    }
    descriptors_ = loaded->sources;
    given_ = given;
    sources_.emplace(loop_.executor(), TaskGroup::OnFailure());
    restart_source();
  }
  void restart_source() {
    outcome_.reset();
    source_ = make(descriptors_, given_);
    sources_->spawn("source", run_source());
    loop_.run_ready();
  }
  bool run_until(const std::function<bool()>& done) { return loop_.run_until(done); }
  /// The source's end, as text.
  std::string finish() {
    if (!loop_.run_until([this] { return outcome_.has_value(); })) return "it goes on";
    return *outcome_ ? "success" : outcome_->error().message();
  }
  bool logged(std::string_view text) const {
    for (const auto& line : log_lines_) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
  std::string log_text() const { return fmt::format("{}", fmt::join(log_lines_, "\n")); }

  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) /
      fmt::format("millrace-python-{}-{}", ::getpid(),
                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
  bool needs_python_ = true;
  ManualClock clock_;
  MainLoop loop_{clock_};
  std::vector<std::string> log_lines_;
  Log log_{[this](LogLevel level, std::string_view component, std::string_view message) {
    log_lines_.push_back(fmt::format("{} {}: {}", to_string(level), component, message));
  }};
  PythonOptions options_;
  HostSettings settings_;
  Object variables_;
  int files_ = 0;
  std::optional<PythonPlugins> plugins_;
  TakingContext context_{loop_, log_};
  std::vector<SourceDescriptor> descriptors_;
  Object given_;
  std::unique_ptr<Source> source_;
  std::optional<TaskGroup> sources_;
  std::optional<Result<>> outcome_;
};

}  // namespace millrace::python
