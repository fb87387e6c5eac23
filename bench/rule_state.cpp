// SPDX-License-Identifier: Apache-2.0
// What rules that remember cost.
//   bench_rule_state join LIVE KEYS EVENTS   events that meet their partners while LIVE others wait
//   bench_rule_state once_within KEYS EVENTS  events throttled by one of KEYS groups
//   bench_rule_state hour EVENTS              an hour, EVENTS a second, of joins, windows and
//   throttles
// Prints {"nanoseconds": per event, "fired": n, …}.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/event/event_reader.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace {

using namespace millrace;

constexpr auto* kJoin = R"(
- name: bench
  hosts: all
  sources: []
  rules:
    - name: pair
      condition:
        all:
          - event.kind == "request"
          - event.kind == "answer" and event.id == events.m_0.id
      action: {none: }
)";

constexpr auto* kOnceWithin = R"(
- name: bench
  hosts: all
  sources: []
  rules:
    - name: once
      condition: event.level == "error"
      throttle: {once_within: 1 hour, group_by_attributes: [event.host]}
      action: {none: }
)";

constexpr auto* kHour = R"(
- name: bench
  hosts: all
  default_events_ttl: 1 minute
  sources: []
  rules:
    - {name: pair, condition: {all: [event.kind == 0, event.kind == 1 and event.key == events.m_0.key]}, action: {none: }}
    - {name: near, condition: {all: [event.kind == 2, event.kind == 3 and event.key == events.m_0.key], timeout: 5 seconds}, action: {none: }}
    - {name: missed, condition: {not_all: [event.kind == 4, event.kind == 5], timeout: 10 seconds}, action: {none: }}
    - {name: once, condition: event.kind == 6, throttle: {once_within: 30 seconds, group_by_attributes: [event.key]}, action: {none: }}
    - {name: after, condition: event.kind == 7, throttle: {once_after: 20 seconds, group_by_attributes: [event.key]}, action: {none: }}
    - {name: count, condition: event.kind == 8, throttle: {accumulate_within: 10 seconds, threshold: 5, group_by_attributes: [event.key]}, action: {none: }}
)";

class Bench {
 public:
  explicit Bench(const char* rulebook) {
    Diagnostics diagnostics;
    book_ = rules::load_rulebook(rulebook, "bench", {}, diagnostics);
    session_ = rules::Session::create(book_->rule_sets.front(), diagnostics);
    reader_ = std::make_unique<EventReader>(session_->paths(), JsonLimits());
  }

  // Of texts with room behind them.
  void insert(std::string_view text) {
    auto event = Event::from_text(text);
    if (!reader_->read(event, {})) std::abort();
    session_->insert_event(*reader_, now_, fired_);
    firings_ += fired_.size();
    fired_.clear();
    advance(std::chrono::microseconds(1));
  }
  void advance(Duration by) {
    now_ += by;
    session_->advance(now_, fired_);
    firings_ += fired_.size();
    fired_.clear();
  }

  std::size_t partial_matches() const { return session_->partial_matches(); }
  std::size_t firings() const { return firings_; }

 private:
  std::optional<rules::Rulebook> book_;
  std::unique_ptr<rules::Session> session_;
  std::unique_ptr<EventReader> reader_;
  std::vector<rules::Activation> fired_;
  std::size_t firings_ = 0;
  Instant now_{};
};

// A text that is written anew for each event, with the room that reading wants behind it.
class Text {
 public:
  template <class... Args>
  std::string_view make(fmt::format_string<Args...> format, Args&&... args) {
    text_.clear();
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    const auto size = text_.size();
    text_.append(kTextPadding, ' ');
    return std::string_view(text_).substr(0, size);
  }

 private:
  std::string text_;
};

double seconds_of(const std::function<void()>& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

std::size_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

void request(Bench& bench, Text& text, std::size_t key, std::size_t number) {
  bench.insert(text.make(
      R"({{"kind":"request","id":"call-{:08}","number":{},"path":"/orders/list","client":"web{}"}})",
      key, number, number % 500));
}

int join(std::size_t live, std::size_t keys, std::size_t events) {
  Bench bench(kJoin);
  Text text;
  for (std::size_t i = 0; i < live; ++i) request(bench, text, i % keys, i);
  const auto of_a_key = live / keys;
  std::mt19937_64 random(11);
  std::size_t seen = 0;
  const double seconds = seconds_of([&] {
    while (seen < events) {
      // An answer meets the requests of its key, which are used up; others take their place.
      const auto key = random() % keys;
      bench.insert(text.make(R"({{"kind":"answer","id":"call-{:08}","status":200}})", key));
      for (std::size_t i = 0; i < of_a_key; ++i) request(bench, text, key, seen + i);
      seen += 1 + of_a_key;
    }
  });
  std::printf("{\"nanoseconds\": %.2f, \"fired\": %zu, \"expected\": %zu}\n",
              seconds / static_cast<double>(seen) * 1e9, bench.firings(),
              seen / (1 + of_a_key) * of_a_key);
  return 0;
}

int once_within(std::size_t keys, std::size_t events) {
  Bench bench(kOnceWithin);
  Text text;
  const auto insert = [&](std::size_t key) {
    bench.insert(
        text.make(R"({{"level":"error","host":"host-{:08}","text":"disk full","unit":7}})", key));
  };
  insert(0);
  const auto before = resident_bytes();
  for (std::size_t key = 1; key < keys; ++key) insert(key);
  const auto grown = static_cast<double>(resident_bytes() - before);
  constexpr double kKeyBytes = 13;  // "host-00000000"
  std::mt19937_64 random(11);
  const double seconds = seconds_of([&] {
    for (std::size_t i = 0; i < events; ++i) insert(random() % keys);
  });
  std::printf(
      "{\"nanoseconds\": %.2f, \"fired\": %zu, \"expected\": %zu, \"bytes_per_key\": %.1f}\n",
      seconds / static_cast<double>(events) * 1e9, bench.firings(), keys,
      grown / static_cast<double>(keys) - kKeyBytes);
  return 0;
}

int hour(std::size_t events_a_second) {
  Bench bench(kHour);
  Text text;
  std::mt19937_64 random(11);
  const auto minute = [&] {
    for (std::size_t i = 0; i < 60 * events_a_second; ++i) {
      bench.insert(text.make(R"({{"kind":{},"key":"host-{}"}})", random() % 20, random() % 10'000));
      bench.advance(std::chrono::nanoseconds(1'000'000'000 / events_a_second));
    }
  };
  double seconds = seconds_of([&] {
    for (int i = 0; i < 30; ++i) minute();
  });
  const auto before = resident_bytes();
  seconds += seconds_of([&] {
    for (int i = 30; i < 60; ++i) minute();
  });
  const auto grown = static_cast<double>(resident_bytes()) / static_cast<double>(before);
  bench.advance(std::chrono::minutes(2));
  std::printf(
      "{\"seconds\": %.2f, \"fired\": %zu, \"memory_grown\": %.4f, \"partial_matches\": %zu}\n",
      seconds, bench.firings(), grown, bench.partial_matches());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "join" && argc == 5) return join(number(2), number(3), number(4));
  if (what == "once_within" && argc == 4) return once_within(number(2), number(3));
  if (what == "hour" && argc == 3) return hour(number(2));
  std::fputs(
      "usage: bench_rule_state join LIVE KEYS EVENTS | once_within KEYS EVENTS | hour EVENTS\n",
      stderr);
  return 2;
}
