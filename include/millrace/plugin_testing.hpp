// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs the extensions of a plugin in a test, without an engine. The test is linked with the sources
// of the plugin:
//
//   int main() {
//     testing::Plugin plugin;
//     testing::SourceTest ticker(plugin, "ticker", Json{{"pause", 1}});
//     MILLRACE_CHECK(ticker.run(2).at(1)["i"].integer() == 2);
//   }
//
// Everything happens on the calling thread; waits take no time. What the engine would refuse throws
// millrace::plugin::Error. Settings are not checked against their types, but defaults are filled
// in.

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/plugin.hpp"

/// Ends the test unless it holds.
#define MILLRACE_CHECK(condition)                                                         \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                       \
    }                                                                                     \
  } while (false)

#pragma GCC visibility push(hidden)
namespace millrace::plugin::testing {

/// What a context of this engine is: all that can be asked of it, refused unless a kind of test
/// sets it.
struct FakeContext : millrace_context {
  FakeContext();
  std::string error;  ///< what the plugin gave, or the engine's last
  std::vector<std::string> log;
  std::function<millrace_status(const millrace_text*, std::size_t, millrace_settled, void*)> emit;
  std::function<millrace_status(double)> wait;
  std::function<bool()> stopping;
  std::function<void(Json)> put;
  /// post_event, set_fact…, with {rule_set, …}; the answer is for facts.
  std::function<Json(const std::string& function, Json request)> ask;
  class Loader* loader = nullptr;

  /// Throws Error unless all went well.
  void check(millrace_status status) const {
    if (status != MILLRACE_OK && status != MILLRACE_STOP) throw Error(error, status);
  }
};

struct Pattern {
  std::string name;
  std::string pattern;
};

/// A plugin, loaded.
class Plugin {
 public:
  explicit Plugin(Json configuration = Json::object(),
                  const millrace_plugin_description& description = ::millrace_plugin);
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin() {
    for (const auto& work : deferred) {
      if (work.release != nullptr) work.release(work.data);
    }
    if (description_.unload != nullptr) description_.unload();
  }

  /// As the engine does when its main loop begins.
  void run_deferred() {
    FakeContext context;
    for (const auto& work : deferred) work.run(&context, work.data);
  }

  template <class Table>
  struct Entry {
    Table table;
    Json defaults;
  };
  struct Deferred {
    void (*run)(millrace_context*, void*);
    void (*release)(void*);
    void* data;
  };
  std::map<std::string, Entry<millrace_source>> sources;
  std::map<std::string, Entry<millrace_filter>> filters;
  std::map<std::string, Entry<millrace_action>> actions;
  std::map<std::string, Entry<millrace_service>> services;
  std::vector<Pattern> patterns;
  std::vector<Deferred> deferred;
  Json configuration;

 private:
  const millrace_plugin_description& description_;
};

namespace detail {

using plugin::detail::text_of;
using plugin::detail::view;

inline FakeContext& of(millrace_context* context) { return static_cast<FakeContext&>(*context); }

inline millrace_status fail(millrace_context* context, millrace_status status, std::string words) {
  of(context).error = std::move(words);
  return status;
}

inline millrace_status ask(millrace_context* context, const char* function, Json request,
                           Json* answer = nullptr) {
  if (!of(context).ask) {
    return fail(context, MILLRACE_WRONG_PHASE, std::string(function) + " may not be called here");
  }
  try {
    const Json given = of(context).ask(function, std::move(request));
    if (answer != nullptr) *answer = given;
    return MILLRACE_OK;
  } catch (const Error& error) {
    return fail(context, error.status(), error.what());
  }
}

inline Json entry(millrace_text rule_set, millrace_text json) {
  return Json{{"rule_set", view(rule_set)}, {"entry", Json::parse(view(json))}};
}

inline Json defaults_of(const millrace_extension& about) {
  Json defaults = Json::object();
  for (const auto* at = about.settings; at != nullptr && *at != nullptr; ++at) {
    const auto* json = (*at)->default_json;
    defaults[(*at)->name] = json == nullptr ? Json() : Json::parse(json);
  }
  return defaults;
}

// Parses a path like a.b.
inline Json* find(Json& root, std::string_view path) {
  Json* at = &root;
  while (!path.empty()) {
    const auto dot = path.find('.');
    at = &(*at)[path.substr(0, dot)];
    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

}  // namespace detail

/// What is behind the context while a plugin is loaded.
class Loader {
 public:
  explicit Loader(Plugin& plugin) : plugin_(plugin) {}
  template <class Table, class Entries>
  static millrace_status add(millrace_context* context, const Table* table, Entries entries) {
    auto* loader = detail::of(context).loader;
    if (loader == nullptr) return detail::fail(context, MILLRACE_WRONG_PHASE, "not while loading");
    const Json defaults = detail::defaults_of(*table->about);
    (loader->plugin_.*entries)[table->about->name] = {*table, defaults};
    return MILLRACE_OK;
  }
  Plugin& plugin() { return plugin_; }

 private:
  Plugin& plugin_;
};

/// The engine's functions, on FakeContext.
inline const millrace_engine& fake_engine() {
  static const millrace_engine kEngine = [] {
    using detail::ask;
    using detail::entry;
    using detail::of;
    using detail::view;
    millrace_engine made{};
    made.struct_size = sizeof made;
    made.abi_major = MILLRACE_PLUGIN_ABI_MAJOR;
    made.abi_minor = MILLRACE_PLUGIN_ABI_MINOR;
    made.log = [](millrace_context* context, millrace_log_level, millrace_text message) {
      of(context).log.emplace_back(view(message));
    };
    made.error = [](millrace_context* context, millrace_text message) {
      of(context).error = view(message);
    };
    made.last_error = [](millrace_context* context) { return detail::text_of(of(context).error); };
    made.put = [](millrace_context* context, millrace_text json) -> millrace_status {
      if (!of(context).put) return MILLRACE_WRONG_PHASE;
      of(context).put(Json::parse(view(json)));
      return MILLRACE_OK;
    };
    made.add_source = [](millrace_context* context, const millrace_source* table) {
      return Loader::add(context, table, &Plugin::sources);
    };
    made.add_filter = [](millrace_context* context, const millrace_filter* table) {
      return Loader::add(context, table, &Plugin::filters);
    };
    made.add_action = [](millrace_context* context, const millrace_action* table) {
      return Loader::add(context, table, &Plugin::actions);
    };
    made.add_service = [](millrace_context* context, millrace_service_kind,
                          const millrace_service* table) {
      return Loader::add(context, table, &Plugin::services);
    };
    made.add_pattern = [](millrace_context* context, const millrace_pattern* pattern) {
      of(context).loader->plugin().patterns.push_back({pattern->name, pattern->pattern});
      return millrace_status{MILLRACE_OK};
    };
    made.configuration_get = [](millrace_context* context, millrace_text path, millrace_take take,
                                void* data) -> millrace_status {
      auto copy = of(context).loader->plugin().configuration;
      const auto* found = detail::find(copy, view(path));
      if (found->is_null()) return detail::fail(context, MILLRACE_NOT_FOUND, "not configured");
      take(data, detail::text_of(found->text()));
      return MILLRACE_OK;
    };
    made.configuration_set = [](millrace_context* context, millrace_text path,
                                millrace_text json) -> millrace_status {
      *detail::find(of(context).loader->plugin().configuration, view(path)) =
          Json::parse(view(json));
      return MILLRACE_OK;
    };
    made.call_soon = [](millrace_context* context, void (*run)(millrace_context*, void*),
                        void (*release)(void*), void* data) -> millrace_status {
      of(context).loader->plugin().deferred.push_back({run, release, data});
      return MILLRACE_OK;
    };
    made.emit = [](millrace_context* context, const millrace_text* events, std::size_t count,
                   millrace_settled settled, void* token) -> millrace_status {
      if (!of(context).emit) return detail::fail(context, MILLRACE_WRONG_PHASE, "no source runs");
      return of(context).emit(events, count, settled, token);
    };
    made.wait = [](millrace_context* context, double seconds) -> millrace_status {
      return of(context).wait ? of(context).wait(seconds) : millrace_status{MILLRACE_OK};
    };
    made.stopping = [](millrace_context* context) -> std::int32_t {
      return of(context).stopping && of(context).stopping() ? 1 : 0;
    };
    made.post_event = [](millrace_context* context, millrace_text rule_set, millrace_text event) {
      return ask(context, "post_event", entry(rule_set, event));
    };
    made.set_fact = [](millrace_context* context, millrace_text rule_set, millrace_text fact) {
      return ask(context, "set_fact", entry(rule_set, fact));
    };
    made.retract_fact = [](millrace_context* context, millrace_text rule_set, millrace_text fact,
                           std::int32_t partial) {
      auto request = entry(rule_set, fact);
      request["partial"] = partial != 0;
      return ask(context, "retract_fact", request);
    };
    made.shut_down = [](millrace_context* context, millrace_text request) {
      return ask(context, "shut_down", Json::parse(view(request)));
    };
    made.print = [](millrace_context* context, millrace_text text) {
      return ask(context, "print", view(text));
    };
    made.facts = [](millrace_context* context, millrace_text rule_set, millrace_take take,
                    void* data) {
      Json answer;
      const auto status = ask(context, "facts", Json{{"rule_set", view(rule_set)}}, &answer);
      if (status == MILLRACE_OK) take(data, detail::text_of(answer.text()));
      return status;
    };
    made.banner = [](millrace_context* context, millrace_text name, millrace_text text) {
      return ask(context, "banner", Json{{"name", view(name)}, {"text", view(text)}});
    };
    return made;
  }();
  return kEngine;
}

inline FakeContext::FakeContext() : millrace_context{&fake_engine()} {}

inline Plugin::Plugin(Json given, const millrace_plugin_description& description)
    : configuration(std::move(given)), description_(description) {
  Loader loader(*this);
  FakeContext context;
  context.loader = &loader;
  context.check(description.load(&context));
}

/// An extension under test, made with the given settings over its defaults.
template <class Table>
class Extension {
 public:
  Extension(const Extension&) = delete;
  Extension& operator=(const Extension&) = delete;

  FakeContext context;

 protected:
  explicit Extension(const Plugin::Entry<Table>& entry) : entry_(entry) {}
  ~Extension() {
    if (entry_.table.destroy != nullptr) entry_.table.destroy(instance_);
  }
  const Table& table() const { return entry_.table; }
  void* instance() const { return instance_; }
  std::string settings(const Json& given) const {
    Json all = entry_.defaults;
    for (const auto& member : given.members()) all[member.name] = member.value;
    return all.text();
  }
  void create(const Json& given) {
    const auto json = settings(given);
    context.check(
        table().create(table().user, &context, plugin::detail::text_of(json), &instance_));
  }
  void create() {
    if (table().create == nullptr) return;
    context.check(table().create(table().user, &context, &instance_));
  }

 private:
  const Plugin::Entry<Table>& entry_;
  void* instance_ = nullptr;
};

class SourceTest : public Extension<millrace_source> {
 public:
  SourceTest(const Plugin& plugin, const std::string& name, const Json& settings = Json::object())
      : Extension(plugin.sources.at(name)) {
    create(settings);
  }

  /// Runs it until it ends by itself, or has emitted so many events: then it is asked to stop.
  std::vector<Json> run(std::size_t most = std::numeric_limits<std::size_t>::max()) {
    std::vector<Json> events;
    context.stopping = [&] { return events.size() >= most; };
    context.emit = [&](const millrace_text* texts, std::size_t count, millrace_settled settled,
                       void* token) -> millrace_status {
      settle();
      if (events.size() >= most) return MILLRACE_STOP;
      for (std::size_t i = 0; i < count; ++i)
        events.push_back(Json::parse(plugin::detail::view(texts[i])));
      if (settled != nullptr) unsettled_.emplace_back(settled, token);
      return MILLRACE_OK;
    };
    context.wait = [&](double seconds) -> millrace_status {
      settle();
      if (seconds > 0) waited += seconds;
      return seconds < 0 || events.size() >= most ? MILLRACE_STOP : MILLRACE_OK;
    };
    const auto status = table().run(instance(), &context);
    settle();
    context.check(status);
    return events;
  }

  double waited = 0;  ///< seconds

 private:
  void settle() {
    for (; !unsettled_.empty(); unsettled_.pop_front())
      unsettled_.front().first(unsettled_.front().second, MILLRACE_OK);
  }
  std::deque<std::pair<millrace_settled, void*>> unsettled_;
};

class FilterTest : public Extension<millrace_filter> {
 public:
  FilterTest(const Plugin& plugin, const std::string& name, const Json& settings = Json::object())
      : Extension(plugin.filters.at(name)) {
    create(settings);
  }

  /// What becomes of the event.
  std::vector<Json> apply(const Json& event) {
    std::vector<Json> out;
    context.put = [&](Json json) { out.push_back(std::move(json)); };
    const auto json = event.text();
    context.check(table().apply(instance(), &context, plugin::detail::text_of(json)));
    return out;
  }
};

class ActionTest : public Extension<millrace_action> {
 public:
  ActionTest(const Plugin& plugin, const std::string& name) : Extension(plugin.actions.at(name)) {
    create();
  }

  /// What it asked of the engine, in order: {post_event: {rule_set, entry}}, {print: text}…
  std::vector<Json> run(const Json& given, const Json& event) {
    std::vector<Json> asked;
    context.ask = [&](const std::string& function, Json request) {
      asked.push_back(Json{{function, std::move(request)}});
      return function == "facts" ? facts : Json();
    };
    const auto json = settings(given);
    const auto firing = Json{
        {"action", "test"},
        {"rule_set", "rules"},
        {"rule", "rule"},
        {"hosts", Json::array()},
        {"event", event}}.text();
    context.check(table().run(instance(), &context, plugin::detail::text_of(json),
                              plugin::detail::text_of(firing)));
    return asked;
  }

  Json facts = Json::array();  ///< what the engine answers
};

class ServiceTest : public Extension<millrace_service> {
 public:
  ServiceTest(const Plugin& plugin, const std::string& name, const Json& settings = Json::object())
      : Extension(plugin.services.at(name)) {
    create(settings);
  }

  Json call(std::string_view function, const Json& argument) {
    Json answer;
    context.put = [&](Json json) { answer = std::move(json); };
    const auto json = argument.text();
    context.check(table().call(instance(), &context, plugin::detail::text_of(function),
                               plugin::detail::text_of(json)));
    return answer;
  }
};

}  // namespace millrace::plugin::testing
#pragma GCC visibility pop
