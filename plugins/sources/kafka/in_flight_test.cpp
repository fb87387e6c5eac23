// SPDX-License-Identifier: Apache-2.0
#include "in_flight.hpp"

#include <gtest/gtest.h>

namespace millrace::kafka {
namespace {

class InFlightTest : public ::testing::Test {
 protected:
  std::shared_ptr<InFlight::Batch> batch(const AssignmentPtr& of, std::int64_t first,
                                         std::int64_t last) {
    auto made = in_flight_->begin();
    for (auto offset = first; offset <= last; ++offset) made->add(of, offset);
    return made;
  }

  const AssignmentPtr a_ = std::make_shared<Assignment>(Assignment{.topic = "a"});
  const AssignmentPtr b_ = std::make_shared<Assignment>(Assignment{.topic = "b"});
  std::vector<std::pair<std::string, std::int64_t>> told_;
  std::size_t settled_ = 0;
  std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>(
      [this](const Assignment& assignment, std::int64_t next, std::size_t messages) {
        told_.emplace_back(assignment.topic, next);
        settled_ += messages;
      },
      [] {});
};

using Told = std::vector<std::pair<std::string, std::int64_t>>;

TEST_F(InFlightTest, TellsAnOffsetOnlyWhenAllBeforeItAreSettled) {
  const auto first = batch(a_, 10, 12);
  const auto second = batch(a_, 13, 13);
  second->settle();
  EXPECT_EQ(told_, Told());
  EXPECT_EQ(in_flight_->count(), 3U);
  first->settle();
  EXPECT_EQ(told_, (Told{{"a", 14}}));
  EXPECT_EQ(settled_, 4U);
  EXPECT_EQ(in_flight_->count(), 0U);
}

TEST_F(InFlightTest, KeepsPartitionsApart) {
  const auto first = batch(a_, 0, 0);
  auto second = in_flight_->begin();
  second->add(b_, 7);
  second->add(a_, 1);
  second->settle();
  EXPECT_EQ(told_, (Told{{"b", 8}}));
  first->settle();
  EXPECT_EQ(told_, (Told{{"b", 8}, {"a", 2}}));
}

TEST_F(InFlightTest, NeverTellsPastADroppedBatch) {
  auto dropped = batch(a_, 0, 4);
  const auto behind = batch(a_, 5, 9);
  dropped.reset();
  EXPECT_EQ(in_flight_->count(), 5U) << "what was dropped takes no room";
  behind->settle();
  EXPECT_EQ(told_, Told());
}

TEST_F(InFlightTest, SaysNothingOfAPartitionThatWasTakenAway) {
  const auto first = batch(a_, 0, 4);
  a_->is_ours = false;
  first->settle();
  EXPECT_EQ(told_, Told());
}

TEST_F(InFlightTest, MaySettleAfterTheSourceHasEnded) {
  const auto first = batch(a_, 0, 4);
  in_flight_->detach();
  in_flight_.reset();
  first->settle();
  EXPECT_EQ(told_, Told());
}

}  // namespace
}  // namespace millrace::kafka
