// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "millrace/event/json.hpp"
#include "millrace/loop/channel.hpp"
#include "native/hand_over.hpp"
#include "native/test_bench.hpp"

namespace millrace::native {
namespace {

using namespace std::chrono_literals;

// An engine that takes events, unless it is behind.
class FakeEngine final : public SourceContext {
 public:
  FakeEngine(MainLoop& loop, Log& log) : loop_(loop), log_(log) {}

  using SourceContext::emit;
  Task<Result<>> emit(EventBatch batch) override {
    while (held) {
      if (auto waited = co_await released.wait(); !waited) co_return waited.error();
    }
    if (failure) co_return *failure;
    for (const auto& event : batch.events) {
      auto value = parse_json(event.text());
      if (!value) std::abort();
      events.push_back(std::move(*value));
    }
    sizes.push_back(batch.events.size());
    unsettled.push_back(std::move(batch.delivery));
    co_return Result<>();
  }
  void refuse(std::uint64_t, const Error&) override {}
  std::size_t room() const override { return 1; }
  MainLoop& loop() override { return loop_; }
  BlockingPool& pool() override { return pool_; }
  Log& log() override { return log_; }
  const std::string& log_name() const override { return name_; }
  const Origin& origin() const override { return origin_; }
  bool filtered() const override { return false; }
  const JsonLimits& limits() const override { return limits_; }

  bool held = false;
  Waiters released;
  std::optional<Error> failure;
  std::vector<Value> events;
  std::vector<std::size_t> sizes;  // of batches
  std::vector<Delivery> unsettled;

 private:
  MainLoop& loop_;
  Log& log_;
  BlockingPool pool_{1};
  const std::string name_ = "source.test";
  const Origin origin_{"test", "test"};
  const JsonLimits limits_;
};

class NativeSource : public TestBench {
 protected:
  ~NativeSource() override { stop(); }

  void start(std::string_view name, const Object& settings = {}, const char* plugin = "good") {
    auto loaded = load(plugin);
    ASSERT_TRUE(loaded);
    auto made = make(find(loaded->sources, name), settings);
    ASSERT_TRUE(made) << made.error().message();
    source_ = std::move(*made);
    tasks_.spawn("source", run());
  }
  Task<> run() { outcome_ = co_await source_->run(engine_); }
  bool until(const std::function<bool()>& done) { return loop_.run_until(done); }
  Result<> finish() {
    if (!until([this] { return outcome_.has_value(); })) return fail(Errc::timeout, "it goes on");
    return *outcome_;
  }
  void stop() {
    tasks_.request_stop();
    if (!until([this] { return tasks_.size() == 0; })) std::abort();
  }

  FakeEngine engine_{loop_, log_};
  std::unique_ptr<Source> source_;
  std::optional<Result<>> outcome_;
};

TEST_F(NativeSource, EmitsInOrderAndEnds) {
  start("count", {{"limit", 1000}});

  ASSERT_TRUE(finish());
  ASSERT_EQ(engine_.events.size(), 1000u);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(engine_.events[i].at("i"), Value(i));
  EXPECT_EQ(engine_.sizes, (std::vector<std::size_t>{256, 256, 256, 232}));
  EXPECT_EQ(source_->fraction_read(), 1.0);
}

TEST_F(NativeSource, TakesItsSettings) {
  start("count", {{"limit", 7}, {"batch", "3"}});

  ASSERT_TRUE(finish());
  EXPECT_EQ(engine_.sizes, (std::vector<std::size_t>{3, 3, 1}));
}

TEST_F(NativeSource, WaitsWhileTheEngineIsBehind) {
  engine_.held = true;
  start("count", {{"limit", 1'000'000}, {"batch", 1000}});
  ASSERT_TRUE(until([this] { return source_->fraction_read().value_or(0) > 0; }));
  // Nothing tells that it waits: that it does not read on while the loop turns often is as good.
  for (int i = 0; i < 100; ++i) loop_.run_until([] { return false; }, 1ms);
  EXPECT_LT(source_->fraction_read(), 0.05);

  engine_.held = false;
  engine_.released.notify_all();
  ASSERT_TRUE(finish());
  EXPECT_EQ(engine_.events.size(), 1'000'000u);
}

TEST_F(NativeSource, StopsWhileItWaitsForTheEngine) {
  engine_.held = true;
  start("count", {{"limit", 1'000'000}});
  ASSERT_TRUE(until([this] { return source_->fraction_read().value_or(0) > 0; }));

  stop();
  ASSERT_TRUE(outcome_);
  ASSERT_FALSE(*outcome_);
  EXPECT_EQ(outcome_->error().code(), Errc::cancelled);
}

TEST_F(NativeSource, StopsWhileItWaitsForSomethingElse) {
  start("stuck");
  ASSERT_TRUE(until([this] { return !engine_.events.empty(); }));

  stop();
  EXPECT_EQ(outcome_->error().code(), Errc::cancelled);
}

TEST_F(NativeSource, IsNotBegunWhenItIsStoppedAtOnce) {
  start("stuck");
  stop();
  EXPECT_FALSE(outcome_);
}

TEST_F(NativeSource, LearnsWhatBecameOfItsBatches) {
  start("acknowledge");
  ASSERT_TRUE(until([this] { return engine_.unsettled.size() == 2; }));
  engine_.unsettled[0].settled();
  ASSERT_TRUE(until([this] { return logged("info source.test: one is settled"); }));

  stop();
  source_.reset();
  engine_.unsettled.clear();  // the second is lost; the source hears of it, and is destroyed
}

TEST_F(NativeSource, EndsWithTheErrorThatItThrows) {
  start("broken");

  const auto ended = finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error(), Error(Errc::unavailable, "plugin good: the peer is away"));
  EXPECT_EQ(engine_.events.size(), 1u);
}

TEST_F(NativeSource, EndsWithTheErrorOfAFilter) {
  engine_.failure = Error(Errc::io, "the filter is broken");
  start("count", {{"limit", 1'000'000}});

  EXPECT_EQ(finish().error().message(), "the filter is broken");
}

TEST_F(NativeSource, SurvivesAnExceptionOfThePlugin) {
  start("rude", {}, "rude");
  EXPECT_EQ(finish().error().message(), "plugin rude: an exception left it: rude");
}

TEST(HandOver, CopiesTextsWithRoomBehindThem) {
  const std::vector<millrace_text> texts = {{"{}", 2}, {nullptr, 0}, {"[1]", 3}};
  auto copied = copy_texts(texts.data(), texts.size());
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->bytes(), 5u);

  const auto batch = events_of(std::move(*copied));
  ASSERT_EQ(batch.events.size(), 3u);
  EXPECT_EQ(batch.events[0].text(), "{}");
  EXPECT_EQ(batch.events[1].text(), "");
  EXPECT_EQ(batch.events[2].text(), "[1]");
}

TEST(HandOver, IsFilledByBatchesOfNothing) {
  const SystemClock clock;
  MainLoop loop(clock);
  const auto hand_over = std::make_shared<HandOver>(loop);
  std::atomic<int> given = 0;
  std::thread giver([&] {
    while (given < 10'000 && hand_over->give(TextBatch(), nullptr)) ++given;
  });
  ASSERT_TRUE(loop.run_until([&] { return given >= 4096; }));

  hand_over->stop();
  giver.join();

  EXPECT_EQ(given, 4096);
}

TEST(HandOver, RefusesMoreThanItCanHold) {
  const std::vector<millrace_text> many(65'537, millrace_text{"{}", 2});
  EXPECT_EQ(copy_texts(many.data(), many.size()).error().code(), Errc::invalid_event);
  const std::string large(std::size_t{40} << 20, ' ');
  const std::vector<millrace_text> texts(2, millrace_text{large.data(), large.size()});
  EXPECT_EQ(copy_texts(texts.data(), 2).error().code(), Errc::invalid_event);
  EXPECT_TRUE(copy_texts(texts.data(), 1));
}

}  // namespace
}  // namespace millrace::native
