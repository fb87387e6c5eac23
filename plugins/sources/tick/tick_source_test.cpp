// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_tick_source(millrace::PluginBuilder&);

namespace millrace::tick {
namespace {

using namespace std::chrono_literals;
using testing::SourceHarness;

class TickSource : public SourceHarness {
 public:
  explicit TickSource(Object settings)
      : SourceHarness(millrace_describe_tick_source, "tick", std::move(settings)) {}
};

TEST(TickSource, SendsTheFirstEventAtOnceAndOneASecondFromThenOn) {
  TickSource source(Object{});

  const std::vector<Value> first{{{"i", 1}}};
  EXPECT_EQ(source.events(), first);
  source.advance(2500ms);
  const std::vector<Value> later{{{"i", 1}}, {{"i", 2}}, {{"i", 3}}};
  EXPECT_EQ(source.events(), later);
}

TEST(TickSource, TicksLateRatherThanTwiceWhenTheEngineIsBehind) {
  TickSource source({{"delay", 0.1}});
  source.hold_events();

  source.advance(1s);
  EXPECT_EQ(source.events().size(), 1U);

  source.release_events();
  EXPECT_EQ(source.events().size(), 2U);
  source.advance(100ms);
  EXPECT_EQ(source.events().size(), 3U);
}

TEST(TickSource, RefusesANegativeDelay) {
  const TickSource source({{"delay", -1}});

  EXPECT_NE(source.settings_problem().find("delay"), std::string::npos);
}

TEST(TickSource, ReportsCancellationUnchanged) {
  TickSource source(Object{});

  source.cancel();

  ASSERT_TRUE(source.outcome());
  EXPECT_EQ(source.outcome()->error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::tick
