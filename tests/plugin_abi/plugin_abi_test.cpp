// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>

#include "layout.hpp"
#include "millrace/event/json.hpp"
#include "millrace/plugin/native_plugin.hpp"
#include "millrace/plugin/registry.hpp"

namespace millrace {
namespace {

class PluginAbi : public ::testing::Test {
 protected:
  LoadedPlugin load(const std::string& name) {
    const auto file = std::filesystem::path(MILLRACE_ABI_PLUGINS) / (name + ".so");
    auto loaded = load_native_plugin(file, {}, {loop_, log_});
    if (!loaded) ADD_FAILURE() << loaded.error().message();
    return loaded ? std::move(*loaded) : LoadedPlugin();
  }

  SystemClock clock_;
  MainLoop loop_{clock_};
  Log log_{[](LogLevel, std::string_view, std::string_view) {}};
};

// Takes what a source emits.
class Taker final : public SourceContext {
 public:
  Taker(MainLoop& loop, Log& log) : loop_(loop), log_(log) {}
  using SourceContext::emit;
  Task<Result<>> emit(EventBatch batch) override {
    for (const auto& event : batch.events) texts.emplace_back(event.text());
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

  std::vector<std::string> texts;

 private:
  MainLoop& loop_;
  Log& log_;
  BlockingPool pool_{1};
  const std::string name_ = "source.test";
  const Origin origin_{"test", "test"};
  const JsonLimits limits_;
};

Task<> run_source(Source& source, SourceContext& context, Result<>& outcome) {
  outcome = co_await source.run(context);
}

TEST_F(PluginAbi, APluginOfVersion10Works) {
  const auto old = load("old");
  ASSERT_EQ(old.sources.size(), 1u);
  EXPECT_EQ(old.sources[0].aliases, std::vector<std::string>{"counted"});

  const auto settings = Settings::check(old.sources[0].schema, {{"limit", 2}});
  ASSERT_TRUE(settings);
  const auto source = old.sources[0].create(*settings);
  ASSERT_TRUE(source);
  Taker taker(loop_, log_);
  Result<> outcome = Error(Errc::timeout, "it goes on");
  loop_.run_until_done(run_source(**source, taker, outcome));
  EXPECT_TRUE(outcome);
  EXPECT_EQ(taker.texts, (std::vector<std::string>{R"({"i":0})", R"({"i":1})"}));
  EXPECT_EQ((*source)->fraction_read(), std::nullopt);  // it came with 1.1

  const auto filter = old.filters.at(0).create(Settings());
  ASSERT_TRUE(filter);
  std::vector<Value> out;
  ASSERT_TRUE((*filter)->apply(Value{{"i", 1}}, out, log_));
  EXPECT_EQ(to_json(out.at(0)), R"({"marked":true,"i":1})");
  EXPECT_EQ(old.actions.size(), 1u);
}

TEST_F(PluginAbi, APluginOfAVersionToComeWorksIfItNeedsNothingNew) {
  const auto future = load("future");
  EXPECT_EQ(future.name, "future");
  const auto filter = future.filters.at(0).create(Settings());
  ASSERT_TRUE(filter);
  std::vector<Value> out;
  ASSERT_TRUE((*filter)->apply(Value{{"i", 1}}, out, log_));
  EXPECT_EQ(out, (std::vector<Value>{{{"i", 1}}}));
}

TEST_F(PluginAbi, NothingThatWasReleasedHasMoved) {
  const auto then = layout_1_0();
  const auto now = layout_now();
  ASSERT_EQ(then.size(), now.size());
  for (std::size_t i = 0; i < then.size(); ++i) EXPECT_EQ(then[i], now[i]) << then[i].name;
}

}  // namespace
}  // namespace millrace
