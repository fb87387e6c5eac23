// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "event_file.hpp"
#include "millrace/base/clock.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/session.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

// One pass over all events.
struct Pass {
  double seconds = 0;
  std::uint64_t events = 0;
  std::uint64_t refused = 0;
  std::uint64_t matched = 0;
  std::uint64_t firings = 0;
};

struct Measurement {
  std::string rule_set;
  std::size_t rules = 0;
  Pass pass;
};

class Bench {
 public:
  Bench(const EventFile& events, std::size_t repeat) : events_(events), repeat_(repeat) {
    for (const auto& entry : events.entries) bytes_ += entry.text.size();
  }

  std::size_t bytes() const { return bytes_; }

  Pass parse_only() const {
    return quickest([this] {
      EventReader reader({}, JsonLimits());
      return read_all(reader, [](EventReader&, Pass&) {});
    });
  }

  /// Nothing, told on standard error, when the rules cannot be run.
  std::optional<Pass> match(const rules::RuleSet& rule_set) const {
    Diagnostics diagnostics;
    if (!rules::Session::create(rule_set, diagnostics)) {
      print_diagnostics(diagnostics, {});
      return std::nullopt;
    }
    return quickest([&] {
      // Anew each time: working memory must not grow from pass to pass.
      const auto session = rules::Session::create(rule_set, diagnostics);
      EventReader reader(session->paths(), JsonLimits());
      std::vector<rules::Activation> fired;
      auto pass = read_all(reader, [&](EventReader& event, Pass& at) {
        session->insert_event(event, clock_.now(), fired);
        at.firings += fired.size();
        fired.clear();
      });
      pass.matched = session->statistics().matched;
      return pass;
    });
  }

 private:
  template <class Use>
  Pass read_all(EventReader& reader, Use&& use) const {
    Pass pass;
    const EventReader::Arrival arrival{&origin_, clock_.wall(), {}};
    const auto begun = clock_.now();
    for (const auto& entry : events_.entries) {
      Event event = Event::from_text(entry.text);
      if (auto read = reader.read(event, arrival); !read) {
        ++pass.refused;
        continue;
      }
      ++pass.events;
      use(reader, pass);
    }
    pass.seconds = std::chrono::duration<double>(clock_.now() - begun).count();
    return pass;
  }

  Pass quickest(const std::function<Pass()>& run) const {
    Pass best = run();
    for (std::size_t i = 1; i < repeat_; ++i) {
      if (const Pass pass = run(); pass.seconds < best.seconds) best = pass;
    }
    return best;
  }

  const EventFile& events_;
  const std::size_t repeat_;
  std::size_t bytes_ = 0;
  SystemClock clock_;
  const Origin origin_{"bench", "bench"};
};

double rate(double amount, const Pass& pass) {
  return pass.seconds > 0 ? amount / pass.seconds : 0;
}

double events_per_second(const Pass& pass) { return rate(static_cast<double>(pass.events), pass); }

std::string speed_text(const Pass& pass, std::size_t bytes) {
  return fmt::format("{:>14} events/s  {:>10}/s",
                     grouped(static_cast<std::uint64_t>(events_per_second(pass))),
                     human_bytes(rate(static_cast<double>(bytes), pass)));
}

std::string as_text(const Pass& parse, const std::vector<Measurement>& measured,
                    std::size_t bytes) {
  auto out =
      fmt::format("{} events, {}", grouped(parse.events), human_bytes(static_cast<double>(bytes)));
  if (parse.refused > 0) out += fmt::format("; {} lines refused", grouped(parse.refused));
  out += fmt::format("\n{}  parse only\n", speed_text(parse, bytes));
  for (const auto& [name, rules, pass] : measured) {
    const double share = pass.events > 0 ? 100.0 * static_cast<double>(pass.matched) /
                                               static_cast<double>(pass.events)
                                         : 0;
    out += fmt::format(
        "{}  {}: {} rules, {:.1f}% matched, {} firings; {:.2f} of the speed of parsing\n",
        speed_text(pass, bytes), printable(name), rules, share, grouped(pass.firings),
        pass.seconds > 0 ? parse.seconds / pass.seconds : 0);
  }
  return out;
}

Object to_json_value(const Pass& pass, std::size_t bytes) {
  return {{"events", pass.events},
          {"refused", pass.refused},
          {"seconds", pass.seconds},
          {"events_per_second", events_per_second(pass)},
          {"bytes_per_second", rate(static_cast<double>(bytes), pass)}};
}

std::string as_json(const Pass& parse, const std::vector<Measurement>& measured,
                    std::size_t bytes) {
  Array rule_sets;
  for (const auto& [name, rules, pass] : measured) {
    auto entry = to_json_value(pass, bytes);
    entry["name"] = name;
    entry["rules"] = rules;
    entry["matched"] = pass.matched;
    entry["firings"] = pass.firings;
    entry["speed_of_parsing"] = pass.seconds > 0 ? parse.seconds / pass.seconds : 0;
    rule_sets.push_back(std::move(entry));
  }
  return to_pretty_json(Object{{"bytes", bytes},
                               {"parse_only", to_json_value(parse, bytes)},
                               {"rule_sets", std::move(rule_sets)}}) +
         "\n";
}

}  // namespace

int bench(const BenchArguments& arguments) {
  const auto loaded = load_or_tell(arguments.rulebook, arguments.variables);
  if (!loaded) return 1;
  const auto events = read_events(arguments.events);
  if (!events) return print_failure(events.error().message());

  const Bench bench(*events, arguments.repeat);
  const auto parse = bench.parse_only();
  std::vector<Measurement> measured;
  for (const auto& rule_set : loaded->rulebook.rule_sets) {
    const auto pass = bench.match(rule_set);
    if (!pass) return 1;
    const auto enabled = std::ranges::count_if(rule_set.rules, &rules::Rule::enabled);
    measured.push_back({rule_set.name, static_cast<std::size_t>(enabled), *pass});
  }
  return print_result(arguments.form == OutputForm::json ? as_json(parse, measured, bench.bytes())
                                                         : as_text(parse, measured, bench.bytes()));
}

}  // namespace millrace::cli
