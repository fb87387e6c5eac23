// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/python_plugins.hpp"

#include <chrono>
#include <utility>

#include "failure.hpp"
#include "host_process.hpp"
#include "millrace/event/json.hpp"
#include "plugin_description.hpp"
#include "python_templates.hpp"

namespace millrace {
namespace {

using python::Frame;
using python::FrameType;
using python::HostProcess;

// Waits for the answer to one LOAD.
class Loading final : public python::ChannelListener {
 public:
  explicit Loading(HostProcess& host) : host_(host) {}
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;
  ~Loading() override { host_.close(channel_); }

  Task<Result<Object>> load(std::string_view payload) {
    channel_ = host_.open(*this);
    host_.send(FrameType::load, channel_, payload);
    const auto limit = host_.settings().call_timeout;
    const auto timer = host_.loop().call_later(limit, [this, limit] {
      host_.kill(fail(Errc::timeout, "it did not load within {:g} s",
                      std::chrono::duration<double>(limit).count()));
    });
    Result<> waited;
    while (waited && !answer_) waited = co_await answered_.wait();
    host_.loop().cancel(timer);
    if (!waited) co_return waited.error();
    co_return std::move(*answer_);
  }

  Result<> on_frame(const Frame& frame, const std::shared_ptr<const void>&) override {
    auto told = python::read_object(frame);
    if (!told) return told.error();
    if (frame.type == FrameType::loaded) {
      answer_ = std::move(*told);
    } else if (frame.type == FrameType::failed) {
      answer_ = python::plugin_error(Errc::invalid_settings, *told);
    } else {
      return fail(Errc::corrupt, "a frame of type {} in answer to LOAD",
                  static_cast<int>(frame.type));
    }
    answered_.notify_all();
    return {};
  }
  void on_host_end(const Error& why) override {
    if (!answer_) answer_ = why;
    answered_.notify_all();
  }

 private:
  HostProcess& host_;
  std::uint32_t channel_ = python::kHostChannel;
  std::optional<Result<Object>> answer_;
  Waiters answered_;
};

}  // namespace

PythonPlugins::PythonPlugins(MainLoop& loop, Log& log, PythonOptions options, Object variables)
    : loop_(loop), log_(log), options_(std::move(options)), variables_(std::move(variables)) {}

PythonPlugins::~PythonPlugins() = default;

std::string PythonPlugins::key_of(const std::filesystem::path& file, const HostSettings& settings) {
  return settings.group.empty() ? "file:" + file.string() : "group:" + settings.group;
}

HostProcess& PythonPlugins::host_for(const std::filesystem::path& file, const std::string& name,
                                     const HostSettings& settings) {
  const bool alone = settings.group.empty();
  auto& host = hosts_[key_of(file, settings)];
  if (host) {
    if (host->settings() != settings) {
      log_.warning(host->log_name(), "plugin {}: {} has the settings of the plugin that came first",
                   name, host->title());
    }
    return *host;
  }
  const auto& called = alone ? name : settings.group;
  host = std::make_unique<HostProcess>(
      loop_, log_,
      HostProcess::Options{
          .title = fmt::format("the host of {} {}", alone ? "plugin" : "group", called),
          .log_name = "plugin." + called,
          .python = options_,
          .settings = settings,
          .variables = {}});
  if (live_) host->go_live();
  return *host;
}

Task<Result<LoadedPlugin>> PythonPlugins::load(std::filesystem::path file, std::string name,
                                               std::string_view kind, Object configuration,
                                               HostSettings settings) {
  if (stopped_) co_return fail(Errc::unavailable, "the hosts of plugins have been stopped");
  const std::string kind_text(kind);  // the caller's text may go while the host is waited for
  auto& host = host_for(file, name, settings);
  const auto key = key_of(file, settings);
  ++loading_[key];
  auto plugin = co_await load_in(host, file, name, kind_text, std::move(configuration));
  const bool is_last = --loading_[key] == 0;
  if (is_last) loading_.erase(key);
  if (is_last && !plugin && !host.is_used() && !stopped_) {
    co_await host.stop();
    if (!stopped_) hosts_.erase(key);
  }
  co_return plugin;
}

Task<Result<LoadedPlugin>> PythonPlugins::load_in(HostProcess& host,
                                                  const std::filesystem::path& file,
                                                  const std::string& name, std::string_view kind,
                                                  Object configuration) {
  if (auto ready = co_await host.ready(); !ready)
    co_return std::move(ready.error()).with_context(name);
  const auto payload = to_json(Object{{"file", file.string()},
                                      {"name", name},
                                      {"kind", kind},
                                      {"configuration", std::move(configuration)}});
  Loading loading(host);
  auto loaded = co_await loading.load(payload);
  if (!loaded) co_return loaded.error();
  auto plugin = python::describe_plugin(host, file, name, kind, *loaded);
  if (plugin) host.load_always(payload);
  co_return plugin;
}

void PythonPlugins::go_live() {
  live_ = true;
  for (const auto& [key, host] : hosts_) host->go_live();
}

TemplateHost& PythonPlugins::templates() {
  if (!templates_) {
    templates_ = std::make_unique<python::PythonTemplates>(loop_, log_, options_, variables_);
    if (stopped_) templates_->refuse();
  }
  return *templates_;
}

// All at once: each may take its grace.
Task<> PythonPlugins::stop() {
  stopped_ = true;
  TaskGroup stopping(loop_.executor(), {});
  for (const auto& [key, host] : hosts_) stopping.spawn("stop", host->stop());
  if (templates_) stopping.spawn("stop", templates_->stop());
  co_await stopping.join();
}

}  // namespace millrace
