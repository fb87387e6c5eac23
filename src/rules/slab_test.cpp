// SPDX-License-Identifier: Apache-2.0
#include "slab.hpp"

#include <gtest/gtest.h>

#include <set>

namespace millrace::rules {
namespace {

TEST(Slab, KeepsThingsWhereTheyAreWhileItGrows) {
  Slab<int> slab;
  std::set<const int*> places;
  for (int i = 0; i < 5000; ++i) {
    const auto id = slab.add();
    ASSERT_EQ(id, static_cast<Slab<int>::Id>(i));
    slab[id] = i;
    places.insert(&slab[id]);
  }
  EXPECT_EQ(places.size(), 5000U);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(slab[static_cast<Slab<int>::Id>(i)], i);
  EXPECT_EQ(slab.size(), 5000U);
}

TEST(Slab, GivesNumbersOutAgainAsNew) {
  Slab<int> slab;
  const auto first = slab.add();
  const auto second = slab.add();
  slab[first] = 1;
  slab[second] = 2;
  slab.remove(first);
  EXPECT_EQ(slab.size(), 1U);
  EXPECT_EQ(slab.add(), first);
  EXPECT_EQ(slab[first], 0);
  EXPECT_EQ(slab[second], 2);
  EXPECT_EQ(slab.end(), 2U);
}

}  // namespace
}  // namespace millrace::rules
