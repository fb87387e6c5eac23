// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_range_source(millrace::PluginBuilder&);

namespace millrace::range {
namespace {

using namespace std::chrono_literals;
using testing::SourceHarness;

class RangeSource : public SourceHarness {
 public:
  explicit RangeSource(Object settings)
      : SourceHarness(millrace_describe_range_source, "range", std::move(settings)) {}
};

TEST(RangeSource, CountsFromZeroAndEnds) {
  RangeSource source({{"limit", 3}});

  ASSERT_TRUE(source.finish());
  const std::vector<Value> expected{{{"i", 0}}, {{"i", 1}}, {{"i", 2}}};
  EXPECT_EQ(source.events(), expected);
  EXPECT_EQ(source.batches(), 1U);
}

TEST(RangeSource, BatchesWhatNoDelaySeparates) {
  RangeSource source({{"limit", 1000}});

  ASSERT_TRUE(source.finish());
  ASSERT_EQ(source.events().size(), 1000U);
  EXPECT_EQ(source.events().back(), (Value{{"i", 999}}));
  EXPECT_EQ(source.batches(), 4U);
  EXPECT_TRUE(source.rejected().empty());
}

TEST(RangeSource, PausesAfterEachEventAlsoTheLast) {
  RangeSource source({{"limit", 2}, {"delay", 0.5}});

  EXPECT_EQ(source.events().size(), 1U);
  source.advance(500ms);
  EXPECT_EQ(source.events().size(), 2U);
  EXPECT_FALSE(source.outcome());
  source.advance(500ms);
  EXPECT_TRUE(source.outcome());
}

TEST(RangeSource, TakesALimitThatATemplateMadeAText) {
  RangeSource text({{"limit", "2"}});
  ASSERT_TRUE(text.finish());
  EXPECT_EQ(text.events().size(), 2U);

  RangeSource fraction({{"limit", 2.7}});
  ASSERT_TRUE(fraction.finish());
  EXPECT_EQ(fraction.events().size(), 2U);

  RangeSource negative({{"limit", -1}});
  ASSERT_TRUE(negative.finish());
  EXPECT_TRUE(negative.events().empty());
}

TEST(RangeSource, NeedsALimit) {
  const RangeSource source(Object{});

  EXPECT_NE(source.settings_problem().find("limit"), std::string::npos);
}

TEST(RangeSource, WaitsWhileTheEngineIsBehindAndStopsWhenAsked) {
  RangeSource source({{"limit", 1'000'000}, {"delay", 1}});
  source.hold_events();

  source.advance(10s);
  EXPECT_EQ(source.events().size(), 1U);

  source.cancel();
  ASSERT_FALSE(source.finish());
  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::range
