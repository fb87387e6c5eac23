// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/filter_harness.hpp"

void millrace_describe_noop_filter(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::noop_filter {
namespace {

using testing::FilterHarness;

TEST(NoopFilter, PassesAnyEventOn) {
  FilterHarness filter(millrace_describe_noop_filter, "noop", {});

  EXPECT_EQ(filter.apply(R"({"b":{"-":[1,null]},"a":2})"), R"({"b":{"-":[1,null]},"a":2})");
  EXPECT_EQ(filter.apply("[]"), "[]");
}

TEST(NoopFilter, TakesNoSettings) {
  const FilterHarness filter(millrace_describe_noop_filter, "ansible.eda.noop", {{"keep", 1}});

  EXPECT_EQ(filter.settings_problem(), "keep is not a known setting");
}

}  // namespace
}  // namespace millrace::noop_filter
