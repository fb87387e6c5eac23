// SPDX-License-Identifier: Apache-2.0
#include "hot_reload.hpp"

#include <fmt/ranges.h>

#include <utility>

#include "millrace/daemon/rulebooks.hpp"

namespace millrace::daemon {
namespace {

constexpr std::string_view kComponent = "daemon";

}  // namespace

HotReload::HotReload(std::vector<std::string> rulebooks, Environment environment,
                     std::unique_ptr<FileWatch> watch)
    : rulebooks_(std::move(rulebooks)),
      environment_(std::move(environment)),
      watch_(std::move(watch)) {}

Result<std::unique_ptr<HotReload>> HotReload::create(std::vector<std::string> rulebooks,
                                                     Environment environment) {
  auto watch = FileWatch::create(rulebooks, {environment.loop, environment.pool});
  if (!watch) return watch.error();
  environment.log.write(
      LogLevel::critical, kComponent,
      "HOT-RELOAD: Hot-reload was requested, will monitor for rulebook file changes");
  return std::unique_ptr<HotReload>(
      new HotReload(std::move(rulebooks), std::move(environment), std::move(*watch)));
}

Task<> HotReload::run() {
  for (;;) {
    const auto changed = co_await watch_->changed();
    if (!changed && changed.error().code() == Errc::cancelled) co_return;
    if (!changed) {
      environment_.log.error(kComponent, "HOT-RELOAD: the rulebooks are no longer watched: {}",
                             changed.error().message());
      co_return;
    }
    environment_.log.write(LogLevel::critical, kComponent,
                           "HOT-RELOAD! rules file changed, now restarting");
    co_await reload();
  }
}

// The rulebooks are read on another thread: their templates may have to wait for a host.
Task<> HotReload::reload() {
  auto& log = environment_.log;
  auto loaded = co_await environment_.pool.run(
      [files = rulebooks_, variables = &environment_.variables, python = environment_.python] {
        return load_rulebooks(files, *variables, python);
      });
  auto diagnostics = std::move(loaded.diagnostics);
  if (!diagnostics.has_errors()) environment_.plugins.name_loaded(loaded.rulebooks, diagnostics);
  std::optional<pipeline::Engine::Replacement> done;
  if (!diagnostics.has_errors())
    done = co_await environment_.engine.replace(std::move(loaded.rulebooks), diagnostics);
  if (co_await stop_requested()) co_return;
  tell(diagnostics);
  if (diagnostics.has_errors()) {
    log.error(kComponent, "HOT-RELOAD: the rulebooks hold errors: nothing was changed");
  } else if (done) {
    log.info(kComponent, "HOT-RELOAD: kept [{}], stopped [{}], started [{}]",
             fmt::join(done->kept, ", "), fmt::join(done->stopped, ", "),
             fmt::join(done->started, ", "));
  }
}

void HotReload::tell(const Diagnostics& diagnostics) {
  for (const auto& item : diagnostics.items()) {
    const auto level = item.severity == Severity::error ? LogLevel::error : LogLevel::warning;
    environment_.log.write(
        level, kComponent,
        fmt::format("{}:{}:{}: {}{}{}", item.where.file, item.where.line, item.where.column,
                    item.message, item.hint.empty() ? "" : "; ", item.hint));
  }
}

}  // namespace millrace::daemon
