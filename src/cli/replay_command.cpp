// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/pipeline/record.hpp"
#include "millrace/pipeline/replay.hpp"
#include "millrace/rules/rulebook.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

using pipeline::Comparison;
using pipeline::RecordLine;

constexpr int kDifferent = 1;
constexpr int kWrongCommandLine = 2;
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

// What of a record is played, and how fast.
struct Span {
  Duration from{};
  Duration to = Duration::max();
  double speed = 0;  // of the time of the record; 0: without waiting
};

Result<Duration> to_duration(std::string_view option, const std::string& text) {
  const auto parsed = rules::parse_span(text, rules::Units::with_milliseconds);
  if (!parsed)
    return fail(Errc::invalid_settings, "{}: `{}` is no span; write \"5 minutes\"", option, text);
  return std::chrono::duration_cast<Duration>(parsed->length);
}

Result<double> to_speed(const std::string& text) {
  if (text == "max") return 0.0;
  if (text == "real") return 1.0;
  double speed = 0;
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, speed);
  if (error != std::errc() || end != last || !(speed > 0) || speed > 1e9)
    return fail(Errc::invalid_settings, "--speed: `{}` is none of max, real, and a factor", text);
  return speed;
}

Result<Span> to_span(const ReplayArguments& arguments) {
  Span span;
  const auto speed = to_speed(arguments.speed);
  if (!speed) return speed.error();
  span.speed = *speed;
  if (!arguments.from.empty()) {
    const auto from = to_duration("--from", arguments.from);
    if (!from) return from.error();
    span.from = *from;
  }
  if (arguments.to.empty()) return span;
  const auto to = to_duration("--to", arguments.to);
  if (!to) return to.error();
  span.to = *to;
  return span;
}

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", grouped(count), what, count == 1 ? "" : "s");
}

std::int64_t in_milliseconds(Duration time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).count();
}

Object written(const pipeline::Replay::Firing& firing) {
  Object match;
  for (const auto& [binding, document] : firing.activation.bindings)
    match[binding] = without_meta(document->value());
  return {{"rule_set", firing.rules->name},
          {"rule", firing.rules->rules[firing.activation.rule].name},
          {"match", std::move(match)},
          {"at", in_milliseconds(firing.activation.at.time_since_epoch())}};
}

// Plays a record from one end of the span to the other.
class Player {
 public:
  Player(pipeline::RecordReader& reader, pipeline::Replay& replay, const Span& span, MainLoop& loop)
      : reader_(reader),
        replay_(replay),
        span_(span),
        loop_(loop),
        compares_(span.from == Duration::zero() && reader.complete()) {}

  Task<> run() {
    while (!damage_ && !output_lost_) {
      auto line = reader_.next();
      if (!line) damage_ = line.error().message();
      if (!line || !*line) break;
      if ((*line)->kind == RecordLine::Kind::fired) {
        if (is_playing_) comparison_.expect((*line)->firing);
        continue;
      }
      finish_input();
      if ((*line)->at > span_.to) break;
      if (!wants(**line)) continue;
      if (!has_begun_) begin((*line)->at);
      if (span_.speed > 0) co_await wait_until((*line)->at);
      play(**line);
    }
    if (damage_) comparison_.drop();
    finish_input();
    flush();
  }

  bool compares() const { return compares_; }
  bool output_lost() const { return output_lost_; }  // told already
  std::uint64_t inputs() const { return inputs_; }
  std::uint64_t firings() const { return firings_; }
  const Comparison& comparison() const { return comparison_; }
  const std::optional<std::string>& damage() const { return damage_; }
  // Inputs of rule sets that the rulebook does not have.
  const std::map<std::string, std::uint64_t>& left_out() const { return left_out_; }

 private:
  bool wants(const RecordLine& line) {
    if (line.at < span_.from) return false;
    const bool known = replay_.find(line.rule_set) != nullptr;
    if (!known) ++left_out_[line.rule_set];
    return known;
  }

  // A record from its start says itself when its rule sets began.
  void begin(Duration first) {
    has_begun_ = true;
    begun_ = loop_.clock().now();
    if (span_.from > Duration::zero()) {
      begins_at_ = span_.from;
    } else if (!reader_.complete()) {
      begins_at_ = first;
    }
    if (!compares_) print(replay_.begin(begins_at_));
  }

  Task<> wait_until(Duration at) {
    flush();
    const auto nanoseconds = static_cast<double>((at - begins_at_).count()) / span_.speed;
    // Days, at most: a clock's arithmetic ends in 292 years.
    const Duration after(static_cast<Duration::rep>(std::min(nanoseconds, kLongestWait)));
    const auto left = begun_ + after - loop_.clock().now();
    if (left > Duration::zero())
      static_cast<void>((co_await loop_.sleep_for(left)).has_value());  // nobody stops it
  }

  void play(const RecordLine& line) {
    const auto came = replay_.play(line, inputs_ + 1);
    if (!came) {
      damage_ = fmt::format("{}: {}", reader_.place(), came.error().message());
      return;
    }
    ++inputs_;
    print(*came);
    is_playing_ = compares_;
    if (compares_) comparison_.begin(reader_.place(), *came);
  }

  void finish_input() {
    if (std::exchange(is_playing_, false)) comparison_.end();
  }

  void print(const std::vector<pipeline::Replay::Firing>& firings) {
    firings_ += firings.size();
    for (const auto& firing : firings) out_ += to_json(written(firing)) + "\n";
    if (out_.size() >= kBufferBytes) flush();
  }

  void flush() {
    if (!output_lost_ && print_result(std::exchange(out_, {})) != 0) output_lost_ = true;
  }

  static constexpr double kLongestWait = 1e18;

  pipeline::RecordReader& reader_;
  pipeline::Replay& replay_;
  const Span span_;
  MainLoop& loop_;
  const bool compares_;
  Comparison comparison_;
  bool has_begun_ = false;
  Instant begun_;            // by the loop's clock
  Duration begins_at_{};     // by the record's
  bool is_playing_ = false;  // an input whose firings are compared
  std::uint64_t inputs_ = 0;
  std::uint64_t firings_ = 0;
  std::map<std::string, std::uint64_t> left_out_;
  std::optional<std::string> damage_;
  std::string out_;
  bool output_lost_ = false;
};

Value to_json_value(const std::optional<pipeline::RecordedFiring>& firing) {
  return firing ? Value(to_object(*firing)) : Value();
}

std::string warnings(const Player& player) {
  std::string text;
  for (const auto& [rule_set, inputs] : player.left_out()) {
    text += fmt::format("millrace: warning: rule set `{}` is not in the rulebook: {} left out\n",
                        printable(rule_set), counted(inputs, "input"));
  }
  if (player.damage()) {
    text += fmt::format("millrace: warning: the record is damaged, what follows is left out: {}\n",
                        printable(*player.damage()));
  }
  return text;
}

std::string as_text(const Comparison::Difference& difference) {
  const auto told = [](const std::optional<pipeline::RecordedFiring>& firing) {
    return firing ? to_json(to_object(*firing)) : std::string("nothing");
  };
  return fmt::format("{}: something else fires\n  expected: {}\n  came:     {}\n", difference.place,
                     told(difference.expected), told(difference.came));
}

std::string verdict(const Player& player, const Span& span) {
  if (!player.compares()) {
    return fmt::format("; not compared: {}", span.from > Duration::zero()
                                                 ? "--from leaves out what came before"
                                                 : "the record lacks the run's start");
  }
  if (const auto differing = player.comparison().differing(); differing > 0)
    return fmt::format("; {} not as recorded", counted(differing, "input"));
  return player.damage() ? ": so far the same as recorded" : ": the same as recorded";
}

std::string as_text(const Player& player, const Span& span) {
  auto text = warnings(player);
  if (const auto& first = player.comparison().first()) text += as_text(*first);
  return text + fmt::format("{} replayed, {}{}\n", counted(player.inputs(), "input"),
                            counted(player.firings(), "firing"), verdict(player, span));
}

std::string as_json(const Player& player) {
  Object left_out;
  for (const auto& [rule_set, inputs] : player.left_out()) left_out[rule_set] = inputs;
  Object result{{"inputs", player.inputs()},       {"firings", player.firings()},
                {"compared", player.compares()},   {"differing", player.comparison().differing()},
                {"left_out", std::move(left_out)}, {"damage", nullptr},
                {"first_difference", nullptr}};
  if (player.damage()) result["damage"] = *player.damage();
  if (const auto& first = player.comparison().first()) {
    result["first_difference"] = Object{{"place", first->place},
                                        {"expected", to_json_value(first->expected)},
                                        {"came", to_json_value(first->came)}};
  }
  return to_json(Object{{"result", std::move(result)}}) + "\n";
}

int close(const Player& player, const ReplayArguments& arguments, const Span& span) {
  if (player.output_lost()) return 1;
  if (player.inputs() == 0 && !player.left_out().empty())
    return print_failure("no rule set of the record is in the rulebook");
  if (arguments.form == OutputForm::json) {
    if (const int failed = print_result(as_json(player))) return failed;
  } else {
    print_note(as_text(player, span));
  }
  return player.comparison().differing() > 0 ? kDifferent : 0;
}

std::optional<std::vector<LoadedRulebook>> load_all(const ReplayArguments& arguments) {
  std::vector<LoadedRulebook> all;
  for (const auto& file : arguments.rulebooks) {
    auto loaded = load_or_tell(file, arguments.variables);
    if (!loaded) return std::nullopt;
    all.push_back(std::move(*loaded));
  }
  return all;
}

std::unique_ptr<pipeline::Replay> create_or_tell(const std::vector<LoadedRulebook>& loaded) {
  std::vector<const rules::RuleSet*> rule_sets;
  for (const auto& [variables, rulebook] : loaded) {
    for (const auto& rule_set : rulebook.rule_sets) rule_sets.push_back(&rule_set);
  }
  Diagnostics diagnostics;
  auto replay = pipeline::Replay::create(rule_sets, diagnostics);
  print_diagnostics(diagnostics, {});
  return replay;
}

}  // namespace

int replay(const ReplayArguments& arguments) {
  const auto span = to_span(arguments);
  if (!span) {
    print_failure(fmt::format("replay: {}", span.error().message()));
    return kWrongCommandLine;
  }
  const auto loaded = load_all(arguments);
  if (!loaded) return 1;
  const auto replay = create_or_tell(*loaded);
  if (!replay) return 1;
  const auto reader = pipeline::RecordReader::open(arguments.record);
  if (!reader) return print_failure(reader.error().message());

  const SystemClock clock;
  MainLoop loop(clock);
  TaskGroup tasks(loop.executor(), {});
  Player player(**reader, *replay, *span, loop);
  tasks.spawn("replay", player.run(), [&loop] { loop.stop(); });
  loop.run();
  return close(player, arguments, *span);
}

}  // namespace millrace::cli
