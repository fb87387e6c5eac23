// SPDX-License-Identifier: Apache-2.0
// A plugin as it should be, with an extension of each kind, for the tests of the loader.
#include <atomic>
#include <chrono>
#include <thread>

#include "millrace/plugin.hpp"

namespace {

using namespace millrace::plugin;

// {"i": 0}, {"i": 1}… in batches; tells by the log which were settled.
class Count {
 public:
  explicit Count(const Settings& settings)
      : limit_(settings.integer("limit")), batch_(settings.integer("batch")) {}

  void run(SourceRun& run) {
    std::int64_t next = 0;
    while (next < limit_) {
      Batch batch;
      for (std::int64_t i = 0; i < batch_ && next < limit_; ++i) batch.add(Json{{"i", next++}});
      if (!run.emit(batch)) return;
      read_ = static_cast<double>(next) / static_cast<double>(limit_);
    }
  }
  double fraction_read() const { return read_; }

 private:
  const std::int64_t limit_;
  const std::int64_t batch_;
  std::atomic<double> read_ = 0;
};

// Says what became of its batches: by an event for those that are settled, and at its end for all.
std::atomic<int> settled_batches = 0;
std::atomic<int> lost_batches = 0;
class Acknowledge {
 public:
  void run(SourceRun& run) {
    const auto tell = [](bool settled) { ++(settled ? settled_batches : lost_batches); };
    run.emit(Json{{"first", true}}, tell);
    run.emit(Json{{"second", true}}, tell);
    while (settled_batches == 0 && run.wait(0.001)) {
    }
    run.info("one is settled");
    run.wait(-1);
  }
};

// Blocks in something that is none of the engine's.
class Stuck {
 public:
  void run(SourceRun& run) {
    run.emit(Json{{"waiting", true}});
    while (!woken_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  void stop() { woken_ = true; }

 private:
  std::atomic<bool> woken_ = false;
};

class Broken {
 public:
  void run(SourceRun& run) {
    run.emit(Json{{"i", 1}});
    throw Error("the peer is away", MILLRACE_UNAVAILABLE);
  }
};

// {"copies": 2} becomes two.
class Multiply {
 public:
  explicit Multiply(const Settings& settings) : key_(settings.string("key")) {
    if (key_.empty()) throw Error("an empty key", MILLRACE_INVALID_SETTINGS);
  }
  std::vector<Json> apply(const Json& event) {
    if (event["explode"].boolean_or(false)) throw std::runtime_error("it has exploded");
    std::vector<Json> out;
    for (std::int64_t i = 0; i < event[key_].integer(); ++i) {
      out.push_back(event);
      out.back()["copy"] = i;
    }
    return out;
  }

 private:
  const std::string key_;
};

// Does what its settings say.
class Ask {
 public:
  void run(ActionCall& call) const {
    const auto& does = call.settings().string("does");
    const auto& set = call.settings().string("ruleset");
    if (does == "post") call.post_event(Json{{"seen", call.event()}}, set);
    if (does == "set") call.set_fact(Json{{"a", 1}}, set);
    if (does == "retract") call.retract_fact(Json{{"a", 1}}, ActionCall::Match::whole, set);
    if (does == "facts") call.print(call.facts(set).text());
    if (does == "end") call.shut_down(Json{{"kind", "now"}, {"message", "enough"}, {"delay", 2}});
    if (does == "print") call.print(call.firing().text());
    if (does == "banner") call.banner("title", "text");
    if (does == "wait") {
      call.info("waiting");
      call.wait(-1);
      throw Error("stopped", MILLRACE_STOP);
    }
    if (does == "fail") throw std::runtime_error("no luck");
    if (does == "post a list") call.post_event(Json::array({1}));
  }
};

class Echo {
 public:
  explicit Echo(const Settings& settings) : prefix_(settings.string("prefix")) {}
  Json call(std::string_view function, const Json& argument) {
    if (function == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (function == "nothing") throw Error("there is no nothing", MILLRACE_UNSUPPORTED);
    ++calls_;
    return Json{{prefix_ + std::string(function), argument}, {"calls", calls_}};
  }

 private:
  const std::string prefix_;
  int calls_ = 0;  // calls of an instance do not overlap
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("good", "1.2", "Everything that a plugin can be.") {
  plugin.source<Count>(
      "count", "Counts.",
      {Setting("limit", MILLRACE_INTEGER, "how many").required(),
       Setting("batch", MILLRACE_INTEGER, "at once").by_default(256).at_least(1).at_most(1000)},
      {"numbers"});
  plugin.source<Acknowledge>("acknowledge", "Wants to know.");
  plugin.source<Stuck>("stuck", "Blocks.");
  plugin.source<Broken>("broken", "Fails.");
  plugin.filter<Multiply>("multiply", "Makes several of one.",
                          {Setting("key", MILLRACE_STRING, "where").by_default("copies")});
  plugin.action<Ask>("ask", "Asks the engine.",
                     {Setting("does", MILLRACE_STRING, "what")
                          .one_of({"post", "set", "retract", "facts", "end", "print", "banner",
                                   "wait", "fail", "post a list"}),
                      Setting("ruleset", MILLRACE_STRING, "where").by_default(""),
                      Setting("password", MILLRACE_STRING, "not used").secret().nullable()});
  plugin.service<Echo>(MILLRACE_MONITOR, "echo", "Answers.",
                       {Setting("prefix", MILLRACE_STRING, "of answers").by_default("")});
  plugin.service<Echo>(MILLRACE_PARAM_PROCESSOR, "echo", "Answers.",
                       {Setting("prefix", MILLRACE_STRING, "of answers").by_default("")});
  plugin.pattern("word", "\\w+", "A word.");
  plugin.set_configuration("good.seen", plugin.configuration("good.given"));
  plugin.set_configuration("good.missing", plugin.configuration("good.nothing.at.all"));
  plugin.call_soon([] { std::thread([] {}).join(); });
  plugin.call_soon([] { throw std::runtime_error("deferred, and failed"); });
}
