// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/session.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "millrace/event/event.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Rig {
 public:
  explicit Rig(const std::string& rules, const std::string& ttl = "2 hours",
               SessionOptions options = {}) {
    Diagnostics diagnostics;
    book_ = load_rulebook(
        fmt::format("- name: test\n  hosts: all\n  default_events_ttl: {}\n  sources: []\n"
                    "  rules:\n{}",
                    ttl, rules),
        "test.yml", {}, diagnostics);
    EXPECT_TRUE(book_) << (diagnostics.empty() ? "" : diagnostics.items()[0].message);
    session = Session::create(book_->rule_sets.front(), diagnostics, options);
    reader_ = std::make_unique<EventReader>(session->paths(), JsonLimits());
  }

  // Number of firings.
  std::size_t insert(std::string text) {
    const auto size = text.size();
    text.append(kTextPadding, ' ');
    auto event = Event::from_text(std::string_view(text).substr(0, size));
    EXPECT_TRUE(reader_->read(event, {}));
    fired.clear();
    session->insert_event(*reader_, now, fired);
    return fired.size();
  }
  std::size_t advance(Duration by) {
    now += by;
    fired.clear();
    session->advance(now, fired);
    return fired.size();
  }

  std::unique_ptr<Session> session;
  std::vector<Activation> fired;
  Instant now{};

 private:
  std::optional<Rulebook> book_;
  std::unique_ptr<EventReader> reader_;
};

constexpr auto* kEveryKind = R"(
    - {name: pair, condition: {all: [event.kind == "a", event.kind == "b" and event.key == events.m_0.key]}, action: {none: }}
    - {name: near, condition: {all: [event.kind == "c", event.kind == "d" and event.key > events.m_0.key], timeout: 5 seconds}, action: {none: }}
    - {name: missed, condition: {not_all: [event.kind == "e", event.kind == "f"], timeout: 10 seconds}, action: {none: }}
    - {name: once, condition: event.kind == "g", throttle: {once_within: 30 seconds, group_by_attributes: [event.key]}, action: {none: }}
    - {name: after, condition: event.kind == "h", throttle: {once_after: 20 seconds, group_by_attributes: [event.key]}, action: {none: }}
    - {name: count, condition: event.kind == "i", throttle: {accumulate_within: 10 seconds, threshold: 5, group_by_attributes: [event.key]}, action: {none: }}
)";

TEST(Session, HoldsNothingWhenAllWindowsAndLivesHaveEnded) {
  Rig rig(kEveryKind, "1 minute");
  std::size_t firings = 0;
  std::size_t most = 0;
  std::uint64_t random = 1;
  for (int i = 0; i < 36'000; ++i) {  // an hour, ten events a second
    random = random * 6364136223846793005 + 1442695040888963407;
    firings +=
        rig.insert(fmt::format(R"({{"kind": "{:c}", "key": {}}})",
                               'a' + static_cast<char>(random >> 33 & 15), random >> 40 & 63));
    firings += rig.advance(milliseconds(100));
    most = std::max(most, rig.session->partial_matches());
  }
  EXPECT_GT(firings, 5000U);
  EXPECT_GT(most, 50U);
  EXPECT_LT(most, 1000U) << "no more than what a minute brings";
  rig.advance(minutes(2));
  EXPECT_EQ(rig.session->partial_matches(), 0U);
  EXPECT_EQ(rig.session->state_bytes(), 0U);
  EXPECT_EQ(rig.session->working_memory_size(), 0U);
  EXPECT_EQ(rig.session->next_timer(), std::nullopt);
}

TEST(Session, FiresTheSameInWhateverStepsTimeComes) {
  const auto play = [](Duration step) {
    Rig rig(kEveryKind, "1 minute");
    std::string told;
    const auto tell = [&] {
      for (const auto& activation : rig.fired) {
        told += fmt::format("{} {}", activation.rule, activation.at.time_since_epoch().count());
        for (const auto& [name, event] : activation.bindings)
          told += fmt::format(" {}={}", name, to_json(event->value()));
        told += '\n';
      }
    };
    for (int i = 0; i < 2000; ++i) {
      rig.insert(fmt::format(R"({{"kind": "{:c}", "key": {}}})", 'a' + i * 7 % 9, i % 5));
      tell();
      const Instant end = rig.now + milliseconds(137);
      while (rig.now < end) {
        rig.advance(std::min(step, end - rig.now));
        tell();
      }
    }
    rig.advance(hours(1));
    tell();
    return told;
  };
  const auto expected = play(milliseconds(137));
  EXPECT_GT(expected.size(), 10'000U);
  EXPECT_EQ(play(milliseconds(1)), expected);
  EXPECT_EQ(play(milliseconds(50)), expected);
}

TEST(Session, SaysWhenItWantsToBeAdvanced) {
  Rig rig(kEveryKind);
  EXPECT_EQ(rig.session->next_timer(), std::nullopt);
  rig.insert(R"({"kind": "e"})");
  const auto end = rig.now + seconds(10);
  while (rig.fired.empty()) {
    const auto next = rig.session->next_timer();
    ASSERT_TRUE(next);
    ASSERT_LE(*next, end);
    rig.now = std::max(rig.now, *next);
    rig.advance(Duration::zero());
  }
  EXPECT_EQ(rig.now, end);
}

TEST(Session, DropsWhatCannotWaitBeyondItsLimits) {
  SessionOptions options;
  options.most_partial_matches = 10;
  Rig rig(kEveryKind, "2 hours", options);
  for (int i = 0; i < 12; ++i) rig.insert(fmt::format(R"({{"kind": "a", "key": {}}})", i));
  EXPECT_EQ(rig.session->statistics().dropped, 2U);
  const auto notices = rig.session->take_notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].text.find("Rule `pair` holds most, 10"), std::string::npos);
  EXPECT_EQ(rig.insert(R"({"kind": "b", "key": 3})"), 1U) << "those that wait still find partners";
  EXPECT_EQ(rig.insert(R"({"kind": "b", "key": 11})"), 0U);
  EXPECT_EQ(rig.insert(R"({"kind": "g", "key": 1})"), 1U);
  EXPECT_EQ(rig.insert(R"({"kind": "g", "key": 1})"), 1U) << "there is no room for its window";
}

TEST(Session, TellsTheGroupsOfAThrottleWithTheirValues) {
  Rig rig(kEveryKind);
  const std::vector<std::string> keys = {"null",
                                         "true",
                                         "7",
                                         "-7",
                                         "1.5",
                                         "18446744073709551615",
                                         "\"\"",
                                         "\"short\"",
                                         "\"" + std::string(127, 'x') + "\"",
                                         "\"" + std::string(128, 'y') + "\"",
                                         R"([1,[2,"a"]])",
                                         R"({"a":1,"b":{"c":[]}})"};
  const auto once = 3U;
  for (const auto& key : keys) {
    EXPECT_EQ(rig.insert(fmt::format(R"({{"kind": "g", "key": {}}})", key)), 1U);
    EXPECT_EQ(rig.insert(fmt::format(R"({{"kind": "g", "key": {}}})", key)), 0U);
  }
  const auto holding = rig.session->holding(once);
  EXPECT_EQ(holding.group_count, keys.size());
  ASSERT_EQ(holding.groups.size(), 10U);
  for (std::size_t i = 0; i < holding.groups.size(); ++i)
    EXPECT_EQ(to_json(holding.groups[i].values), "[" + keys[i] + "]");
  EXPECT_EQ(rig.insert(R"({"kind": "g", "key": {"b": {"c": []}, "a": 1}})"), 0U)
      << "the order of keys does not matter";
}

TEST(Session, DoesNotDependOnTheSeedOfItsHashes) {
  SessionOptions options;
  options.hash_seed = 12345;
  Rig one(kEveryKind);
  Rig other(kEveryKind, "2 hours", options);
  for (int i = 0; i < 500; ++i) {
    const auto text = fmt::format(R"({{"kind": "{:c}", "key": {}}})", 'a' + i % 9, i * 5 % 7);
    ASSERT_EQ(one.insert(text), other.insert(text));
    for (std::size_t k = 0; k < one.fired.size(); ++k)
      ASSERT_EQ(one.fired[k].rule, other.fired[k].rule);
  }
}

}  // namespace
}  // namespace millrace::rules
