// SPDX-License-Identifier: Apache-2.0
// What goes through a Python host in a second: events of a source, events through a filter, and
// rendered templates. Usage: bench_python_source [EVENTS]. Prints one line for each.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/files.hpp"
#include "millrace/event/json.hpp"
#include "millrace/plugin/python_plugins.hpp"

namespace millrace {
namespace {

// When something began, and what the engine's own process had used of the processor by then.
struct Begun {
  std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
  std::clock_t used = std::clock();
};

constexpr const char* kSource = R"(
async def main(queue, args):
    for i in range(args["count"]):
        await queue.put({"i": i, "host": "web1", "alert": {"severity": "high", "count": 3}})
)";
constexpr const char* kFilter = R"(
def main(event):
    event["seen"] = True
    return event
)";

void report(std::string_view what, std::size_t count, const Begun& begun) {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun.at;
  const auto used = static_cast<double>(std::clock() - begun.used) / CLOCKS_PER_SEC;
  const auto number = static_cast<double>(count);
  fmt::print("{}: {} in {:.2f} s, {:.0f}/s; the engine's own share {:.2f} us each\n", what, count,
             took.count(), number / took.count(), used / number * 1e6);
}

[[noreturn]] void give_up(const Error& why) {
  fmt::print(stderr, "{}\n", why.message());
  std::exit(1);
}

// An engine that counts.
class Counting final : public SourceContext {
 public:
  Counting(MainLoop& loop, Log& log) : loop_(loop), log_(log) {}
  using SourceContext::emit;
  Task<Result<>> emit(EventBatch batch) override {
    events += batch.events.size();
    ++batches;
    for (const auto& event : batch.events) bytes += event.text().size();
    co_return Result<>();
  }
  std::size_t room() const override { return 1024; }
  void refuse(std::uint64_t, const Error&) override {}
  MainLoop& loop() override { return loop_; }
  BlockingPool& pool() override { return pool_; }
  Log& log() override { return log_; }
  const std::string& log_name() const override { return name_; }
  const Origin& origin() const override { return origin_; }
  bool filtered() const override { return false; }
  const JsonLimits& limits() const override { return limits_; }

  std::size_t events = 0;
  std::size_t batches = 0;
  std::size_t bytes = 0;

 private:
  MainLoop& loop_;
  Log& log_;
  BlockingPool pool_{1};
  const std::string name_ = "source.bench";
  const Origin origin_{"bench", "bench"};
  const JsonLimits limits_;
};

struct Bench {
  MainLoop& loop;
  Log& log;
  PythonPlugins& plugins;
  std::filesystem::path folder;
  std::size_t count = 0;

  Task<LoadedPlugin> load(const std::string& name, const char* text, std::string_view kind) {
    const auto file = folder / (name + ".py");
    if (auto written = write_file_atomically(file, text); !written) give_up(written.error());
    auto loaded = co_await plugins.load(file, name, kind, {}, {});
    if (!loaded) give_up(loaded.error());
    co_return std::move(*loaded);
  }

  Task<> run_source() {
    const auto loaded = co_await load("source", kSource, "source");
    const auto settings = Settings::check(loaded.sources.at(0).schema, {{"count", count}});
    const auto source = loaded.sources.at(0).create(*settings);
    Counting context(loop, log);
    const Begun begun;
    if (auto ran = co_await (*source)->run(context); !ran) give_up(ran.error());
    report("source", context.events, begun);
    fmt::print("  batches {}, bytes an event {}\n", context.batches,
               context.bytes / std::max<std::size_t>(context.events, 1));
  }

  Task<> run_filter() {
    const auto loaded = co_await load("filter", kFilter, "filter");
    const auto filter = loaded.filters.at(0).create(Settings());
    const std::vector<Value> batch(256, Value({{"i", 1}, {"host", "web1"}}));
    const Begun begun;
    std::size_t filtered = 0;
    while (filtered < count / 4) {
      const auto outcomes = co_await (*filter)->apply_all(batch, log);
      if (!outcomes.at(0)) give_up(outcomes[0].error());
      filtered += outcomes.size();
    }
    report("filter", filtered, begun);
  }

  Task<> render(std::uint32_t id, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
      const auto rendered =
          co_await plugins.templates().render(id, {{"event", {{"i", i}, {"host", "web1"}}}});
      if (!rendered) give_up(rendered.error());
    }
  }

  Task<> run_templates(std::size_t at_once) {
    const auto compiled =
        co_await plugins.templates().compile("{{ event.host | upper }}-{{ event.i }}");
    if (!compiled) give_up(compiled.error());
    const auto times = count / 4 / at_once;
    TaskGroup tasks(loop.executor(), {});
    const Begun begun;
    for (std::size_t i = 0; i < at_once; ++i) tasks.spawn("render", render(compiled->id, times));
    co_await tasks.join();
    report(fmt::format("templates, {} at once", at_once), times * at_once, begun);
  }

  Task<> run() {
    co_await run_source();
    co_await run_filter();
    co_await run_templates(1);
    co_await run_templates(64);
    co_await plugins.stop();
  }
};

void measure(std::size_t count) {
  const SystemClock clock;
  MainLoop loop(clock);
  Log log(Log::Options{.least = LogLevel::info});
  PythonPlugins plugins(loop, log, {}, {});
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("millrace-bench-{}", ::getpid());
  std::filesystem::create_directories(folder);
  Bench bench{.loop = loop, .log = log, .plugins = plugins, .folder = folder, .count = count};
  loop.run_until_done(bench.run());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::measure(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 400'000);
}
