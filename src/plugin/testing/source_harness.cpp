// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/testing/source_harness.hpp"

#include <cstdlib>
#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/loop/channel.hpp"

namespace millrace::testing {

class SourceHarness::Context final : public SourceContext {
 public:
  explicit Context(SourceHarness& harness) : harness_(harness) {}

  Task<Result<>> emit(EventBatch batch) override {
    while (held) {
      if (auto waited = co_await released.wait(); !waited) co_return waited.error();
    }
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    harness_.take(std::move(batch));
    co_return Result<>();
  }
  void refuse(std::uint64_t position, const Error& error) override {
    harness_.rejected_.push_back({static_cast<std::size_t>(position), error});
  }
  std::size_t room() const override { return held ? 0 : 1024; }
  MainLoop& loop() override { return harness_.loop_; }
  BlockingPool& pool() override { return harness_.pool_; }
  Log& log() override { return harness_.log_; }
  const std::string& log_name() const override { return name_; }
  const Origin& origin() const override { return origin_; }
  bool filtered() const override { return false; }
  const JsonLimits& limits() const override { return limits_; }

  bool held = false;
  Waiters released;

 private:
  SourceHarness& harness_;
  const std::string name_ = "source.test";
  const Origin origin_{"test", "test"};
  const JsonLimits limits_;
};

SourceHarness::SourceHarness(Describe describe, std::string_view name, Object settings)
    : log_([this](LogLevel level, std::string_view, std::string_view message) {
        log_lines_.push_back(fmt::format("{} {}", to_string(level), message));
      }),
      tasks_(loop_.executor(),
             [](std::string_view, const std::exception_ptr& why) { std::rethrow_exception(why); }),
      context_(std::make_unique<Context>(*this)) {
  PluginBuilder builder(registry_);
  describe(builder);
  const auto* descriptor = registry_.sources.find(name);
  if (descriptor == nullptr) std::abort();
  const auto checked = Settings::check(descriptor->schema, settings);
  if (!checked) {
    settings_problem_ = checked.error().message();
    return;
  }
  auto created = descriptor->create(*checked);
  if (!created) {
    settings_problem_ = created.error().message();
    return;
  }
  source_ = std::move(*created);
  tasks_.spawn("source", run());
  loop_.run_ready();
}

SourceHarness::~SourceHarness() {
  tasks_.request_stop();
  if (!loop_.run_until([this] { return tasks_.size() == 0; }))
    std::abort();  // the source does not stop
}

Task<> SourceHarness::run() { outcome_ = co_await source_->run(*context_); }

void SourceHarness::take(EventBatch batch) {
  ++batches_;
  std::vector<Rejection> rejected;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    Event& event = batch.events[i];
    auto data = event.is_text() ? parse_json(event.text(), context_->limits())
                                : Result<Value>(event.take_data());
    if (data && !event.wrap_key().empty())
      data = Value(Object{{event.wrap_key(), std::move(*data)}});
    if (data && !data->is_object()) data = fail(Errc::invalid_event, "not an object");
    if (!data) {
      rejected.push_back({i, data.error()});
      continue;
    }
    if (!event.meta().empty()) data->get_object()["meta"] = event.meta();
    events_.push_back(std::move(*data));
  }
  rejected_.insert(rejected_.end(), rejected.begin(), rejected.end());
  if (batch.delivery.taken) batch.delivery.taken(rejected);
  unsettled_.push_back(std::move(batch.delivery));
}

bool SourceHarness::run_until(const std::function<bool()>& done) { return loop_.run_until(done); }

Result<> SourceHarness::finish() {
  if (!loop_.run_until([this] { return outcome_.has_value(); }))
    return fail(Errc::timeout, "the source goes on");
  return *outcome_;
}

void SourceHarness::hold_events() { context_->held = true; }

void SourceHarness::release_events() {
  context_->held = false;
  context_->released.notify_all();
  loop_.run_ready();
}

void SourceHarness::settle() {
  for (const auto deliveries = std::exchange(unsettled_, {}); const auto& delivery : deliveries) {
    if (delivery.settled) delivery.settled();
  }
  loop_.run_ready();
}

void SourceHarness::cancel() {
  tasks_.request_stop();
  loop_.run_ready();
}

}  // namespace millrace::testing
