// SPDX-License-Identifier: Apache-2.0
// How long it takes from an event's acceptance to the start of the action it causes: a source hands
// over one event at a time, each after the one before was settled; the action notes the time.
// Usage: bench_action_latency EVENTS; prints {"median_us": m, "p99_us": p, "events": n}.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "millrace/loop/channel.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/plugin/plugin.hpp"

namespace {

using namespace millrace;

struct Probe {
  Instant accepted;
  std::vector<Duration> latencies;
};

class ProbeSource final : public Source {
 public:
  ProbeSource(Probe& probe, int events) : probe_(probe), events_(events) {}

  Task<Result<>> run(SourceContext& context) override {
    for (int i = 0; i < events_; ++i) {
      EventBatch batch;
      batch.events.push_back(Event::from_text(kText.substr(0, kText.size() - kTextPadding)));
      batch.delivery.settled = [this] {
        settled_ = true;
        wake_.notify_all();
      };
      settled_ = false;
      probe_.accepted = context.clock().now();
      if (auto sent = co_await context.emit(std::move(batch)); !sent) co_return sent;
      while (!settled_) {
        if (auto waited = co_await wake_.wait(); !waited) co_return waited;
      }
    }
    co_return Result<>();
  }

 private:
  static constexpr std::string_view kText =
      R"({"id": 7, "host": "web1", "service": {"name": "svc", "port": 80}, "message": "disk usage at 91% exceeds threshold"})"
      "                                                                ";
  Probe& probe_;
  const int events_;
  bool settled_ = false;
  Waiters wake_;
};

class ProbeAction final : public Action {
 public:
  explicit ProbeAction(Probe& probe) : probe_(probe) {}
  Task<Result<>> run(const Settings&, ActionContext& context) override {
    probe_.latencies.push_back(context.loop.clock().now() - probe_.accepted);
    co_return Result<>();
  }

 private:
  Probe& probe_;
};

constexpr std::string_view kRulebook = R"(
- name: latency
  hosts: all
  sources:
    - probe:
  rules:
    - name: all
      condition: event.id == 7 and event.service.port < 100
      action:
        probe:
)";

}  // namespace

int main(int argc, char** argv) {
  const int events = argc > 1 ? std::atoi(argv[1]) : 20'000;
  Probe probe;
  Registry registry;
  registry.sources.add({"probe",
                        {},
                        "Hands over one event at a time.",
                        {},
                        [&](const Settings&) -> Result<std::unique_ptr<Source>> {
                          return std::unique_ptr<Source>(
                              std::make_unique<ProbeSource>(probe, events));
                        }});
  registry.actions.add(
      {"probe", {}, "Notes the time.", {}, [&](const Settings&) -> Result<std::unique_ptr<Action>> {
         return std::unique_ptr<Action>(std::make_unique<ProbeAction>(probe));
       }});
  Diagnostics diagnostics;
  std::vector<rules::Rulebook> books;
  auto book = rules::load_rulebook(kRulebook, "latency", {}, diagnostics);
  if (!book) return 1;
  books.push_back(std::move(*book));
  const SystemClock clock;
  MainLoop loop(clock);
  BlockingPool pool(1);
  Log log(Log::Options{});
  Output output(STDOUT_FILENO, 80);
  const auto engine = pipeline::Engine::create(std::move(books), registry, loop, pool, log, output,
                                               {}, diagnostics);
  if (!engine) return 1;
  loop.run_until_done(engine->run());

  auto& all = probe.latencies;
  if (all.empty()) return 1;
  std::ranges::sort(all);
  const auto micros = [&](double quantile) {
    const auto at = static_cast<std::size_t>(quantile * static_cast<double>(all.size() - 1));
    return std::chrono::duration<double, std::micro>(all[at]).count();
  };
  std::printf("{\"median_us\": %.2f, \"p99_us\": %.2f, \"events\": %zu}\n", micros(0.5),
              micros(0.99), all.size());
}
