// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>

#include "millrace/event/json.hpp"
#include "millrace/rules/testing/oracle.hpp"

namespace millrace::rules {
namespace {

std::unique_ptr<Condition> condition(const std::string& text, const Object* variables = nullptr) {
  Diagnostics diagnostics;
  ConditionScope scope;
  scope.variables = variables;
  auto parsed = parse_condition(text, {.file = "test", .line = 1, .column = 1}, scope, diagnostics);
  if (!parsed) return nullptr;
  return std::make_unique<Condition>(std::move(*parsed));
}

// Conditions in a network, with a reader for them.
class Rig {
 public:
  explicit Rig(const std::vector<std::string>& texts, const Object* variables = nullptr) {
    for (const auto& text : texts) {
      owned_.push_back(condition(text, variables));
      EXPECT_TRUE(owned_.back()) << text;
      pointers_.push_back(owned_.back().get());
    }
    network = std::make_unique<Network>(pointers_);
    reader = std::make_unique<EventReader>(network->paths(), JsonLimits());
  }

  std::vector<PatternId> matches_value(const Value& event) {
    reader->read(event);
    return collect();
  }
  // As text, the way events come from sources.
  std::vector<PatternId> matches_text(const std::string& json) {
    auto padded = json + std::string(kTextPadding, ' ');
    auto event = Event::from_text(std::string_view(padded).substr(0, json.size()));
    const auto read = reader->read(event, {});
    EXPECT_TRUE(read) << json;
    return collect();
  }
  const Expression& expression(std::size_t i) const { return owned_[i]->expression; }

  std::unique_ptr<Network> network;
  std::unique_ptr<EventReader> reader;

 private:
  std::vector<PatternId> collect() {
    std::vector<PatternId> found;
    network->match(*reader, [&](PatternId id) {
      found.push_back(id);
      return true;
    });
    return found;
  }

  std::vector<std::unique_ptr<Condition>> owned_;
  std::vector<const Condition*> pointers_;
};

std::size_t pairs_wanted() {
  const char* wanted = std::getenv("MILLRACE_ORACLE_PAIRS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 100'000;
}

TEST(Network, AgreesWithTheOracleOnRandomRulesAndEvents) {
  constexpr std::size_t kEventsOfARuleSet = 20;
  const char* seed_text = std::getenv("MILLRACE_ORACLE_SEED");
  const std::uint64_t seed =
      seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : 20261121;
  testing::RandomRules random(seed);
  std::mt19937_64 sizes(seed);
  std::size_t matched = 0;
  for (std::size_t pairs = 0; pairs < pairs_wanted(); pairs += kEventsOfARuleSet) {
    std::vector<std::string> texts;
    for (auto rules = 1 + sizes() % 12; rules > 0; --rules) texts.push_back(random.condition());
    Rig rig(texts);
    for (std::size_t i = 0; i < kEventsOfARuleSet; ++i) {
      const Value event = random.event();
      std::vector<PatternId> expected;
      for (PatternId rule = 0; rule < texts.size(); ++rule) {
        if (testing::oracle_matches(rig.expression(rule), event)) expected.push_back(rule);
      }
      matched += expected.size();
      ASSERT_EQ(rig.matches_value(event), expected) << to_json(event) << "\nrules:\n"
                                                    << fmt::format("{}", fmt::join(texts, "\n"));
      ASSERT_EQ(rig.matches_text(to_json(event)), expected)
          << to_json(event) << "\nrules:\n"
          << fmt::format("{}", fmt::join(texts, "\n"));
    }
  }
  EXPECT_GT(matched, pairs_wanted() / 10)
      << "the random rules hardly ever match: they test nothing";
}

TEST(Network, AgreesWithWhatTheOriginalWasMeasuredToDo) {
  const char* folder = std::getenv("MILLRACE_SHARED");
  const std::string shared = folder != nullptr ? folder : MILLRACE_SOURCE_DIR "/../shared";
  std::ifstream file(shared + "/specs/cases/conditions.jsonl");
  if (!file) GTEST_SKIP() << "no measured cases at " << shared;
  std::size_t checked = 0;
  for (std::string line; std::getline(file, line);) {
    const auto row = parse_json(line);
    ASSERT_TRUE(row);
    const auto text = std::string(view(row->at("condition").as_string()));
    Rig rig({text}, &row->at("vars").as_object());
    for (const auto& sample : row->at("cases").as_array()) {
      const Value& event = sample.at(0);
      const bool expected = sample.at(1).is_bool() &&
                            sample.at(1).get_bool();  // a text: the original throws, no match
      EXPECT_EQ(!rig.matches_value(event).empty(), expected) << text << " on " << to_json(event);
      EXPECT_EQ(!rig.matches_text(to_json(event)).empty(), expected)
          << text << " on " << to_json(event);
      ++checked;
    }
  }
  EXPECT_GT(checked, 500U);
}

TEST(Network, ReadsEachPathOnceHoweverManyRulesUseIt) {
  const Rig rig(
      {"event.a == 1", "event.a > 3", "event.b.c == 2 and event.a == 1", "event.b.c is defined"});
  EXPECT_EQ(rig.network->paths().size(), 2U);
}

TEST(Network, ComparesWideIntegersExactly) {
  Rig rig({"event.i == 9007199254740993", "event.i > 9007199254740992",
           "event.i == 18446744073709551615"});
  EXPECT_EQ(rig.matches_text(R"({"i": 9007199254740992})"), (std::vector<PatternId>{}));
  EXPECT_EQ(rig.matches_text(R"({"i": 9007199254740993})"), (std::vector<PatternId>{0, 1}));
  EXPECT_EQ(rig.matches_text(R"({"i": 18446744073709551615})"), (std::vector<PatternId>{1, 2}));
}

TEST(Network, CountsOnlyTheLastOfDuplicateKeys) {
  Rig rig({"event.a == 1", "event.a == 2", "event.b.c == 1"});
  EXPECT_EQ(rig.matches_text(R"({"a": 1, "a": 2})"), (std::vector<PatternId>{1}));
  EXPECT_EQ(rig.matches_text(R"({"b": {"c": 1}, "b": {}})"), (std::vector<PatternId>{}));
}

TEST(Network, TellsOfAComparisonThatCannotBeMadeOnceForEachTest) {
  Rig rig({"event.i == 1", "event.i > 5"});
  EXPECT_TRUE(rig.matches_text(R"({"i": "x"})").empty());
  const auto notices = rig.network->take_notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].text, "Cannot compare values of different types: str and int");
  EXPECT_TRUE(rig.matches_text(R"({"i": "y"})").empty());
  EXPECT_TRUE(rig.network->take_notices().empty());
}

TEST(Network, GivesUpARegexThatBacktracksForEver) {
  Rig rig({R"(event.s is search("(a+)+$"))", R"(not event.s is search("(a+)+$"))"});
  EXPECT_TRUE(rig.matches_text(R"({"s": ")" + std::string(60, 'a') + R"(b"})").empty());
  const auto notices = rig.network->take_notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].text.find("backtracks too much"), std::string::npos);
}

}  // namespace
}  // namespace millrace::rules
