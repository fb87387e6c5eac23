// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/replay.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "millrace/event/json.hpp"
#include "millrace/pipeline/recorder.hpp"
#include "rule_set_recorder.hpp"

namespace millrace::pipeline {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::string_view kRulebook = R"(
- name: all of it
  hosts: all
  match_multiple_rules: true
  default_events_ttl: 20 seconds
  sources:
    - range: {limit: 1}
  rules:
    - name: joined
      condition:
        all:
          - events.a << event.k == 1
          - events.b << event.k == 2 and event.h == events.a.h
        timeout: 10 seconds
      action: {none: }
    - name: joined with a fact
      condition:
        all:
          - events.a << event.k == 6
          - fact.os == "linux"
      action: {none: }
    - name: once within
      condition: event.t > 3
      throttle: {once_within: 5 seconds, group_by_attributes: [event.h]}
      action: {none: }
    - name: once after
      condition: event.t > 5
      throttle: {once_after: 7 seconds, group_by_attributes: [event.h, event.k]}
      action: {none: }
    - name: accumulated
      condition: event.k == 3
      throttle: {accumulate_within: 9 seconds, threshold: 3, group_by_attributes: [event.h]}
      action: {none: }
    - name: missing
      condition: {not_all: [event.k == 4, event.k == 5], timeout: 3 seconds}
      action: {none: }
    - name: absent
      condition: fact.os is not defined
      action: {none: }
    - name: of the feed
      condition: event.meta.source.name == "feed" and event.t == 9
      action: {none: }
)";

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() : log_([](LogLevel, std::string_view, std::string_view) {}) {
    std::string name = (fs::temp_directory_path() / "millrace-replay-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~ReplayTest() override { fs::remove_all(folder_); }

  rules::Rulebook load(std::string_view text) {
    Diagnostics diagnostics;
    auto rulebook = rules::load_rulebook(std::string(text), "test.yml", {}, diagnostics);
    for (const auto& item : diagnostics.items()) ADD_FAILURE() << item.message;
    return rulebook ? std::move(*rulebook) : rules::Rulebook();
  }

  std::string file() const { return (folder_ / "r").string(); }

  fs::path folder_;
  ManualClock clock_;
  MainLoop loop_{clock_};
  BlockingPool pool_{2};
  Log log_;
};

// A rule set under random inputs, recorded as a runner does it.
class RecordedRun {
 public:
  RecordedRun(const rules::RuleSet& rules, ManualClock& clock, Recorder& recorder)
      : clock_(clock), lines_(recorder, rules) {
    Diagnostics diagnostics;
    session_ = rules::Session::create(rules, diagnostics, {.hash_seed = 77});
    reader_ = std::make_unique<EventReader>(session_->paths(), JsonLimits());
  }

  void play(int inputs) {
    advance();
    for (int i = 0; i < inputs; ++i) {
      pass(std::chrono::microseconds(random_() % 400'000));
      const auto choice = random_() % 20;
      if (choice == 0) {
        fact();
      } else if (choice == 1) {
        retract();
      } else {
        event();
      }
      fired_.clear();
    }
    advance();
  }

 private:
  void advance() {
    session_->advance(clock_.now(), fired_);
    lines_.advance(clock_.now(), fired_);
    fired_.clear();
  }

  // Timers come late at times, and at times not before the next event.
  void pass(Duration time) {
    clock_.advance(time);
    if (random_() % 3 == 0) return;
    const auto next = session_->next_timer();
    if (!next || *next > clock_.now()) return;
    session_->advance(clock_.now(), fired_);
    if (!fired_.empty()) lines_.advance(clock_.now(), fired_);
    fired_.clear();
  }

  void event() {
    const auto temperature =
        random_() % 2 == 0 ? fmt::format(R"("t": {}, )", random_() % 10) : std::string();
    const auto json = fmt::format(R"({{"h": "h{}", {}"k": {}, "n": {}}})", random_() % 3,
                                  temperature, random_() % 7, number_++);
    const auto padded = json + std::string(kTextPadding, ' ');
    auto event = Event::from_text(std::string_view(padded).substr(0, json.size()));
    if (random_() % 4 == 0) event = Event(parse_json(json).value());
    const EventReader::Arrival arrival{&origin_, WallTime(1us * number_), {}};
    ASSERT_TRUE(reader_->read(event, arrival));
    session_->insert_event(*reader_, clock_.now(), fired_);
    lines_.event(clock_.now(), event, arrival, reader_->uuid(), fired_);
  }

  void fact() {
    const auto fact = Document::copy_of(Object{{"os", "linux"}, {"n", number_++}});
    session_->insert_fact(fact, clock_.now(), fired_);
    lines_.fact(clock_.now(), fact->value(), fired_);
  }

  void retract() {
    const Object pattern{{"os", "linux"}};
    session_->retract(pattern, rules::Session::Retract::partial, clock_.now(), fired_);
    lines_.retract(clock_.now(), pattern, rules::Session::Retract::partial, fired_);
  }

  ManualClock& clock_;
  RuleSetRecorder lines_;
  std::unique_ptr<rules::Session> session_;
  std::unique_ptr<EventReader> reader_;
  std::vector<rules::Activation> fired_;
  std::mt19937 random_{42};
  const Origin origin_{"feed", "test"};
  int number_ = 0;
};

struct Outcome {
  std::string text;  // all that fired, as JSON
  std::map<std::string, int> firings;
  Comparison comparison;
  std::optional<Error> error;
};

// With a rulebook, as the command does it.
Outcome replayed(const std::string& file, const rules::Rulebook& rulebook) {
  Outcome outcome;
  Diagnostics diagnostics;
  const std::vector<const rules::RuleSet*> rule_sets{&rulebook.rule_sets.front()};
  const auto replay = Replay::create(rule_sets, diagnostics);
  const auto reader = RecordReader::open(file);
  EXPECT_TRUE(replay && reader);
  std::uint64_t number = 0;
  while (true) {
    auto line = (*reader)->next();
    EXPECT_TRUE(line);
    if (!line || !*line) break;
    if ((*line)->kind == RecordLine::Kind::fired) {
      outcome.comparison.expect((*line)->firing);
      continue;
    }
    if (++number > 1) outcome.comparison.end();
    const auto came = replay->play(**line, number);
    if (!came) {
      outcome.error = came.error();
      break;
    }
    outcome.comparison.begin((*reader)->place(), *came);
    for (const auto& [rules, activation] : *came) {
      ++outcome.firings[rules->rules[activation.rule].name];
      outcome.text += to_json(to_object(to_recorded(*rules, activation, Instant())));
      for (const auto& [name, document] : activation.bindings)
        outcome.text += to_json(document->value());
      outcome.text += '\n';
    }
  }
  outcome.comparison.end();
  return outcome;
}

TEST_F(ReplayTest, TheSameFiresEachTime) {
  const auto rulebook = load(kRulebook);
  ASSERT_EQ(rulebook.rule_sets.size(), 1U);
  Recorder recorder({.file = file(), .most_bytes = 40'000, .keep = 100}, {}, {loop_, pool_, log_});
  clock_.advance(3h + 17ns);  // a clock begins anywhere
  ASSERT_TRUE(recorder.open());
  RecordedRun(rulebook.rule_sets.front(), clock_, recorder).play(5'000);
  loop_.run_until_done(recorder.finish());

  const auto first = replayed(file(), rulebook);
  EXPECT_FALSE(first.error);
  EXPECT_FALSE(first.comparison.first()) << first.comparison.first()->place;
  for (const auto& rule : rulebook.rule_sets.front().rules)
    EXPECT_GT(first.firings.contains(rule.name) ? first.firings.at(rule.name) : 0, 5) << rule.name;
  for (int i = 1; i < 20; ++i) ASSERT_EQ(replayed(file(), rulebook).text, first.text) << i;
}

TEST_F(ReplayTest, OtherRulesDifferWhereTheyFireOtherwise) {
  const auto rulebook = load(kRulebook);
  Recorder recorder({.file = file()}, {}, {loop_, pool_, log_});
  ASSERT_TRUE(recorder.open());
  RecordedRun(rulebook.rule_sets.front(), clock_, recorder).play(500);
  loop_.run_until_done(recorder.finish());

  auto text = std::string(kRulebook);
  const std::string_view condition = "event.t == 9";
  text.replace(text.find(condition), condition.size(), "event.t == 8");
  const auto changed = load(text);
  const auto outcome = replayed(file(), changed);
  const auto& first = outcome.comparison.first();
  ASSERT_TRUE(first);
  EXPECT_GT(outcome.comparison.differing(), 20U);
  const auto& firing = first->expected ? first->expected : first->came;
  EXPECT_EQ(firing->rule, "of the feed");
  EXPECT_TRUE(first->place.starts_with(file() + ":"));
}

RecordLine line_of(RecordLine::Kind kind, Duration at, std::string_view text = {}) {
  RecordLine line;
  line.kind = kind;
  line.at = at;
  line.rule_set = "all of it";
  line.text = text;
  return line;
}

TEST_F(ReplayTest, RefusesWhatNoRunCouldHaveRecorded) {
  const auto rulebook = load(kRulebook);
  Diagnostics diagnostics;
  const std::vector<const rules::RuleSet*> rule_sets{&rulebook.rule_sets.front()};
  const auto replay = Replay::create(rule_sets, diagnostics);
  ASSERT_TRUE(replay->play(line_of(RecordLine::Kind::advance, 5ns), 1));
  const auto code = [&](const RecordLine& line) {
    const auto played = replay->play(line, 2);
    return played ? Errc::cancelled : played.error().code();
  };
  const std::string padded = "{\"a\": nonsense}" + std::string(kTextPadding, ' ');
  const auto text = std::string_view(padded).substr(0, padded.size() - kTextPadding);
  EXPECT_EQ(code(line_of(RecordLine::Kind::advance, 4ns)), Errc::corrupt);
  for (const auto kind :
       {RecordLine::Kind::event, RecordLine::Kind::fact, RecordLine::Kind::retract}) {
    EXPECT_EQ(code(line_of(kind, 6ns, text)), Errc::corrupt);
    EXPECT_EQ(code(line_of(kind, 6ns, text.substr(1, 3))), Errc::corrupt);
  }
  auto elsewhere = line_of(RecordLine::Kind::advance, 7ns);
  elsewhere.rule_set = "none";
  EXPECT_EQ(code(elsewhere), Errc::not_found);
}

TEST(Comparison, TellsTheFirstDifferenceAndCountsInputs) {
  rules::RuleSet rules;
  rules.rules.resize(2);
  rules.rules[0].name = "r";
  rules.rules[1].name = "s";
  const auto firing = [&](std::size_t rule) {
    return Replay::Firing{&rules, {.rule = rule, .at = Instant(5ns), .bindings = {}}};
  };
  const RecordedFiring r{"r", 5ns, {}};
  Comparison comparison;
  comparison.begin("f:1", {firing(0)});
  comparison.expect(r);
  comparison.end();
  EXPECT_EQ(comparison.differing(), 0U);
  comparison.begin("f:2", {firing(0), firing(1)});  // more than was recorded
  comparison.expect(r);
  comparison.end();
  comparison.begin("f:3", {});  // less
  comparison.expect(r);
  comparison.expect(r);
  comparison.end();
  EXPECT_EQ(comparison.differing(), 2U);
  ASSERT_TRUE(comparison.first());
  EXPECT_EQ(comparison.first()->place, "f:2");
  EXPECT_FALSE(comparison.first()->expected);
  EXPECT_EQ(comparison.first()->came->rule, "s");
  comparison.begin("f:4", {firing(0)});
  comparison.drop();
  comparison.end();
  EXPECT_EQ(comparison.differing(), 2U);
}

}  // namespace
}  // namespace millrace::pipeline
