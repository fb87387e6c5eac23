// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plugins for Millrace in C++17, over millrace/plugin.h, which has the rules of threads and
// versions. A plugin is one shared object:
//
//   class Ticker {
//    public:
//     explicit Ticker(const Settings& settings) : pause_(settings.number("pause")) {}
//     void run(SourceRun& run) {
//       for (int i = 1; run.emit(Json{{"i", i}}) && run.wait(pause_); ++i) {}
//     }
//    private:
//     double pause_;
//   };
//
//   MILLRACE_EXPORT_PLUGIN("ticker", "1.0", "Counts.") {
//     plugin.source<Ticker>("ticker", "Counts from 1.",
//                           {Setting("pause", MILLRACE_SECONDS, "between
//                           events").by_default(1.0)});
//   }
//
// What a class throws becomes the error of the call; see Error.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/plugin.h"
#include "millrace/plugin_json.hpp"

// Hidden: each plugin keeps its own, of its own version.
#pragma GCC visibility push(hidden)
namespace millrace::plugin {

/// Declares one setting of an extension.
class Setting {
 public:
  Setting(std::string name, millrace_setting_type type, std::string meaning)
      : name_(std::move(name)), type_(type), meaning_(std::move(meaning)) {}

  Setting required() const { return with(MILLRACE_REQUIRED); }
  Setting secret() const { return with(MILLRACE_SECRET); }
  Setting nullable() const { return with(MILLRACE_NULLABLE); }
  Setting by_default(const Json& value) const {
    auto made = *this;
    made.default_ = value.text();
    return made;
  }
  Setting one_of(std::vector<std::string> choices) const {
    auto made = *this;
    made.choices_ = std::move(choices);
    return made;
  }
  Setting at_least(double least) const {
    auto made = *this;
    made.least_ = least;
    return made;
  }
  Setting at_most(double most) const {
    auto made = *this;
    made.most_ = most;
    return made;
  }

 private:
  friend class Described;
  Setting with(std::uint32_t flag) const {
    auto made = *this;
    made.flags_ |= flag;
    return made;
  }

  std::string name_;
  millrace_setting_type type_;
  std::string meaning_;
  std::uint32_t flags_ = 0;
  std::optional<std::string> default_;
  std::vector<std::string> choices_;
  std::optional<double> least_;
  std::optional<double> most_;
};
using SettingList = std::vector<Setting>;

/// What the user has set: checked by the engine, each of its declared type, or null where nothing
/// was given. Asking for another type throws.
class Settings {
 public:
  explicit Settings(Json values) : values_(std::move(values)) {}

  bool has(std::string_view name) const { return !value(name).is_null(); }
  const std::string& string(std::string_view name) const { return value(name).string(); }
  std::int64_t integer(std::string_view name) const { return value(name).integer(); }
  double number(std::string_view name) const { return value(name).number(); }  ///< also seconds
  bool boolean(std::string_view name) const { return value(name).boolean(); }
  std::vector<std::string> strings(std::string_view name) const {
    std::vector<std::string> all;
    for (const auto& item : value(name).items()) all.push_back(item.string());
    return all;
  }
  const Json& value(std::string_view name) const { return values_[name]; }
  const Json& values() const { return values_; }

 private:
  Json values_;
};

namespace detail {

inline millrace_text text_of(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(millrace_text text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

/// Runs `body`, which returns a status, so that nothing leaves it but that.
template <class Body>
millrace_status guarded(millrace_context* context, Body body) noexcept {
  try {
    return body();
  } catch (const Error& error) {
    context->engine->error(context, text_of(error.what()));
    return error.status();
  } catch (const std::exception& error) {
    context->engine->error(context, text_of(error.what()));
  } catch (...) {
    context->engine->error(context, text_of("an exception of an unknown type"));
  }
  return MILLRACE_FAILED;
}

inline void take_json(void* data, millrace_text text) {
  *static_cast<std::string*>(data) = view(text);  // parsed outside of the engine
}

template <class T>
T* make(const Settings& settings) {
  if constexpr (std::is_constructible_v<T, const Settings&>) {
    return new T(settings);
  } else {
    return new T();
  }
}

}  // namespace detail

/// What every call into a plugin can do. Valid during the call only.
class Call {
 public:
  explicit Call(millrace_context* context) : context_(context) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void debug(std::string_view message) const { log(MILLRACE_DEBUG, message); }
  void info(std::string_view message) const { log(MILLRACE_INFO, message); }
  void warning(std::string_view message) const { log(MILLRACE_WARNING, message); }
  void error(std::string_view message) const { log(MILLRACE_ERROR, message); }

 protected:
  ~Call() = default;
  millrace_context* context() const { return context_; }
  const millrace_engine& engine() const { return *context_->engine; }
  /// Throws unless all is well.
  void check(millrace_status status) const {
    if (status == MILLRACE_OK) return;
    throw Error(std::string(detail::view(engine().last_error(context_))), status);
  }
  void need(bool has, const char* what) const {
    if (!has) throw Error(std::string("the engine is too old for ") + what, MILLRACE_UNSUPPORTED);
  }
  bool wait_in_engine(double seconds) const {
    const auto status = engine().wait(context_, seconds);
    if (status != MILLRACE_STOP) check(status);
    return status == MILLRACE_OK;
  }

 private:
  void log(millrace_log_level level, std::string_view message) const {
    engine().log(context_, level, detail::text_of(message));
  }

  millrace_context* const context_;
};

/// Events that travel together: 256 is a good number.
class Batch {
 public:
  void add(const Json& event) {
    event.append_to(texts_);
    ends_.push_back(texts_.size());
  }
  /// A JSON text.
  void add_text(std::string_view json) {
    texts_ += json;
    ends_.push_back(texts_.size());
  }
  std::size_t size() const { return ends_.size(); }
  void clear() {
    texts_.clear();
    ends_.clear();
  }
  std::vector<millrace_text> texts() const {
    std::vector<millrace_text> all;
    all.reserve(ends_.size());
    std::size_t at = 0;
    for (const auto end : ends_) {
      all.push_back({texts_.data() + at, end - at});
      at = end;
    }
    return all;
  }

 private:
  std::string texts_;
  std::vector<std::size_t> ends_;
};

/// What a source has while it runs. Its functions may be called on any thread.
class SourceRun : public Call {
 public:
  using Call::Call;
  /// Told on the engine's thread: true when all that the batch caused has ended, so that a broker
  /// may be told; false when the engine ends before that. Must not block.
  using Settled = std::function<void(bool)>;

  /// Waits while the engine is behind. False: asked to stop, the events are not taken; return.
  bool emit(const Json& event, Settled settled = {}) {
    const auto json = event.text();
    const auto text = detail::text_of(json);
    return emit(&text, 1, std::move(settled));
  }
  bool emit(const Batch& batch, Settled settled = {}) {
    const auto texts = batch.texts();
    return emit(texts.data(), texts.size(), std::move(settled));
  }
  bool emit(const millrace_text* texts, std::size_t count, Settled settled = {}) {
    std::unique_ptr<Settled> token;
    if (settled) token = std::make_unique<Settled>(std::move(settled));
    const auto status =
        engine().emit(context(), texts, count, token ? &tell : nullptr, token.get());
    if (status == MILLRACE_STOP) return false;
    if (status != MILLRACE_OK) throw Error("the batch is too large", status);
    token.release();  // tell() frees it
    return true;
  }
  /// False: asked to stop. Less than 0: for ever.
  bool wait(double seconds) { return wait_in_engine(seconds); }
  bool stopping() const { return engine().stopping(context()) != 0; }

 private:
  static void tell(void* data, millrace_status outcome) {
    const std::unique_ptr<Settled> settled(static_cast<Settled*>(data));
    try {
      (*settled)(outcome == MILLRACE_OK);
    } catch (...) {  // nobody could be told
    }
  }
};

/// What an action has while it runs.
class ActionCall : public Call {
 public:
  ActionCall(millrace_context* context, Settings settings, Json firing)
      : Call(context), settings_(std::move(settings)), firing_(std::move(firing)) {}

  const Settings& settings() const { return settings_; }
  /// action, rule_set, rule_set_id, rule, rule_id, run_at, hosts, and event or events.
  const Json& firing() const { return firing_; }
  const Json& event() const { return firing_["event"]; }
  const Json& events() const { return firing_["events"]; }

  // An empty rule set is the rule's own. They throw Error: MILLRACE_NOT_FOUND for one that is not
  // there, MILLRACE_INVALID_EVENT for what is no object.
  void post_event(const Json& event, std::string_view rule_set = {}) {
    check(engine().post_event(context(), detail::text_of(rule_set), detail::text_of(event.text())));
  }
  void set_fact(const Json& fact, std::string_view rule_set = {}) {
    check(engine().set_fact(context(), detail::text_of(rule_set), detail::text_of(fact.text())));
  }
  /// Of facts: that have the given entries, or that have no others.
  enum class Match { partial, whole };
  void retract_fact(const Json& fact, Match match = Match::partial,
                    std::string_view rule_set = {}) {
    check(engine().retract_fact(context(), detail::text_of(rule_set), detail::text_of(fact.text()),
                                match == Match::partial ? 1 : 0));
  }
  /// A list: the rule set's working memory. Since 1.1.
  Json facts(std::string_view rule_set = {}) {
    need(MILLRACE_HAS(&engine(), facts), "facts");
    std::string json;
    check(engine().facts(context(), detail::text_of(rule_set), &detail::take_json, &json));
    return Json::parse(json);
  }
  /// {delay, message, kind}, all optional.
  void shut_down(const Json& request = Json::object()) {
    check(engine().shut_down(context(), detail::text_of(request.text())));
  }
  void print(std::string_view text) { check(engine().print(context(), detail::text_of(text))); }
  /// Since 1.1.
  void banner(std::string_view name, std::string_view text) {
    need(MILLRACE_HAS(&engine(), banner), "banner");
    check(engine().banner(context(), detail::text_of(name), detail::text_of(text)));
  }
  /// False: asked to stop.
  bool wait(double seconds) { return wait_in_engine(seconds); }
  bool stopping() const { return engine().stopping(context()) != 0; }

 private:
  const Settings settings_;
  const Json firing_;
};

}  // namespace millrace::plugin
#pragma GCC visibility pop

#include "millrace/plugin_tables.hpp"

/// `MILLRACE_EXPORT_PLUGIN("name", "1.0", "One sentence.") { plugin.source<T>(…); }`, at global
/// scope, once. `plugin` is a millrace::plugin::Loading.
#define MILLRACE_EXPORT_PLUGIN(plugin_name, plugin_version, plugin_summary) \
  static void millrace_load_plugin(::millrace::plugin::Loading& plugin);    \
  const millrace_plugin_description millrace_plugin = {                     \
      sizeof(millrace_plugin_description),                                  \
      MILLRACE_PLUGIN_ABI_MAJOR,                                            \
      MILLRACE_PLUGIN_NEEDS_MINOR,                                          \
      plugin_name,                                                          \
      plugin_version,                                                       \
      plugin_summary,                                                       \
      [](millrace_context* context) {                                       \
        return ::millrace::plugin::detail::guarded(context, [context] {     \
          ::millrace::plugin::Loading plugin(context);                      \
          millrace_load_plugin(plugin);                                     \
          return millrace_status{MILLRACE_OK};                              \
        });                                                                 \
      },                                                                    \
      nullptr};                                                             \
  static void millrace_load_plugin(::millrace::plugin::Loading& plugin)
