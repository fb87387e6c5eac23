// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the classes of a plugin become the tables of millrace/plugin.h. Included by
// millrace/plugin.hpp.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/plugin.hpp"

/// The least minor version of the engine that the plugin can do with. What an older engine lacks
/// throws where it is used.
#ifndef MILLRACE_PLUGIN_NEEDS_MINOR
#define MILLRACE_PLUGIN_NEEDS_MINOR 0
#endif

#pragma GCC visibility push(hidden)
namespace millrace::plugin {

/// A millrace_extension with all that it points to.
class Described {
 public:
  Described(std::string name, std::string summary, SettingList settings,
            std::vector<std::string> aliases)
      : name_(std::move(name)),
        summary_(std::move(summary)),
        settings_(std::move(settings)),
        aliases_(std::move(aliases)),
        alias_pointers_(pointers(aliases_)),
        choices_(settings_.size()),
        described_(settings_.size()) {
    for (std::size_t i = 0; i < settings_.size(); ++i) {
      describe(settings_[i], choices_[i], described_[i]);
      setting_pointers_.push_back(&described_[i]);
    }
    setting_pointers_.push_back(nullptr);
    extension_.struct_size = sizeof extension_;
    extension_.name = name_.c_str();
    extension_.summary = summary_.c_str();
    extension_.aliases = alias_pointers_.data();
    extension_.settings = setting_pointers_.data();
  }
  Described(const Described&) = delete;
  Described& operator=(const Described&) = delete;

  const millrace_extension* get() const { return &extension_; }

 private:
  static std::vector<const char*> pointers(const std::vector<std::string>& texts) {
    std::vector<const char*> all;
    for (const auto& text : texts) all.push_back(text.c_str());
    all.push_back(nullptr);
    return all;
  }
  static void describe(const Setting& setting, std::vector<const char*>& choices,
                       millrace_setting& out) {
    choices = pointers(setting.choices_);
    out.struct_size = sizeof out;
    out.name = setting.name_.c_str();
    out.type = setting.type_;
    out.flags = setting.flags_;
    out.meaning = setting.meaning_.c_str();
    out.default_json = setting.default_ ? setting.default_->c_str() : nullptr;
    out.choices = setting.choices_.empty() ? nullptr : choices.data();
    out.least = setting.least_ ? &*setting.least_ : nullptr;
    out.most = setting.most_ ? &*setting.most_ : nullptr;
  }

  const std::string name_;
  const std::string summary_;
  const SettingList settings_;
  const std::vector<std::string> aliases_;
  const std::vector<const char*> alias_pointers_;
  std::vector<std::vector<const char*>> choices_;
  std::vector<millrace_setting> described_;
  std::vector<const millrace_setting*> setting_pointers_;
  millrace_extension extension_{};
};

namespace detail {

template <class T>
struct Common {
  static millrace_status create(void*, millrace_context* context, millrace_text settings,
                                void** instance) noexcept {
    return guarded(context, [&] {
      *instance = make<T>(Settings(Json::parse(view(settings))));
      return millrace_status{MILLRACE_OK};
    });
  }
  static void destroy(void* instance) noexcept { delete static_cast<T*>(instance); }
  static T& of(void* instance) { return *static_cast<T*>(instance); }
};

template <class T, class = void>
struct HasStop : std::false_type {};
template <class T>
struct HasStop<T, std::void_t<decltype(std::declval<T&>().stop())>> : std::true_type {};
template <class T, class = void>
struct HasFractionRead : std::false_type {};
template <class T>
struct HasFractionRead<T, std::void_t<decltype(std::declval<const T&>().fraction_read())>>
    : std::true_type {};

template <class T>
struct SourceTable : Common<T> {
  static millrace_status run(void* instance, millrace_context* context) noexcept {
    return guarded(context, [&] {
      SourceRun run(context);
      Common<T>::of(instance).run(run);
      return millrace_status{run.stopping() ? MILLRACE_STOP : MILLRACE_OK};
    });
  }
  static millrace_source table(const millrace_extension* about) {
    millrace_source made{};
    made.struct_size = sizeof made;
    made.about = about;
    made.create = &Common<T>::create;
    made.run = &run;
    made.destroy = &Common<T>::destroy;
    if constexpr (HasStop<T>::value) {
      made.stop = [](void* instance) { Common<T>::of(instance).stop(); };
    }
    if constexpr (HasFractionRead<T>::value) {
      made.fraction_read = [](void* instance) -> double {
        return std::as_const(Common<T>::of(instance)).fraction_read();
      };
    }
    return made;
  }
};

template <class T>
struct FilterTable : Common<T> {
  static void put(millrace_context* context, const Json& event) {
    const auto status = context->engine->put(context, text_of(event.text()));
    if (status == MILLRACE_OK) return;
    throw Error(std::string(view(context->engine->last_error(context))), status);
  }
  static void put(millrace_context* context, const std::optional<Json>& event) {
    if (event) put(context, *event);
  }
  static void put(millrace_context* context, const std::vector<Json>& events) {
    for (const auto& event : events) put(context, event);
  }
  static millrace_status apply(void* instance, millrace_context* context,
                               millrace_text event) noexcept {
    return guarded(context, [&] {
      put(context, Common<T>::of(instance).apply(Json::parse(view(event))));
      return millrace_status{MILLRACE_OK};
    });
  }
  static millrace_filter table(const millrace_extension* about) {
    millrace_filter made{};
    made.struct_size = sizeof made;
    made.about = about;
    made.create = &Common<T>::create;
    made.apply = &apply;
    made.destroy = &Common<T>::destroy;
    return made;
  }
};

template <class T>
struct ActionTable : Common<T> {
  static millrace_status create(void*, millrace_context* context, void** instance) noexcept {
    return guarded(context, [&] {
      *instance = new T();
      return millrace_status{MILLRACE_OK};
    });
  }
  static millrace_status run(void* instance, millrace_context* context, millrace_text settings,
                             millrace_text firing) noexcept {
    return guarded(context, [&] {
      ActionCall call(context, Settings(Json::parse(view(settings))), Json::parse(view(firing)));
      std::as_const(Common<T>::of(instance)).run(call);
      return millrace_status{MILLRACE_OK};
    });
  }
  static millrace_action table(const millrace_extension* about) {
    millrace_action made{};
    made.struct_size = sizeof made;
    made.about = about;
    made.create = &create;
    made.run = &run;
    made.destroy = &Common<T>::destroy;
    return made;
  }
};

template <class T>
struct ServiceTable : Common<T> {
  static millrace_status call(void* instance, millrace_context* context, millrace_text function,
                              millrace_text argument) noexcept {
    return guarded(context, [&] {
      const Json answer = Common<T>::of(instance).call(view(function), Json::parse(view(argument)));
      return context->engine->put(context, text_of(answer.text()));
    });
  }
  static millrace_service table(const millrace_extension* about) {
    millrace_service made{};
    made.struct_size = sizeof made;
    made.about = about;
    made.create = &Common<T>::create;
    made.call = &call;
    made.destroy = &Common<T>::destroy;
    return made;
  }
};

}  // namespace detail

/// What a plugin has while it is loaded: registers extensions, reads and changes the
/// configuration.
///
/// An instance is made by the constructor from `const Settings&`, or by the default one. What
/// each class needs beside that:
///   source   void run(SourceRun&), on a thread of its own. Optional: void stop(), called on
///   another
///            thread, ends a wait elsewhere than in emit and wait; double fraction_read() const.
///   filter   apply(Json event), which gives a Json, std::optional<Json> or std::vector<Json>.
///   Runs
///            on the engine's thread: must not block.
///   action   a default constructor; void run(ActionCall&) const, on several threads at once in
///            parallel rule sets.
///   the rest Json call(std::string_view function, const Json& argument), on a worker thread, one
///            call at a time; see millrace_service_kind for functions and arguments.
class Loading : public Call {
 public:
  using Call::Call;
  using Names = std::vector<std::string>;

  template <class T>
  void source(std::string name, std::string summary, SettingList settings = {},
              Names aliases = {}) {
    const Described about(std::move(name), std::move(summary), std::move(settings),
                          std::move(aliases));
    const auto table = detail::SourceTable<T>::table(about.get());
    check(engine().add_source(context(), &table));
  }
  template <class T>
  void filter(std::string name, std::string summary, SettingList settings = {},
              Names aliases = {}) {
    const Described about(std::move(name), std::move(summary), std::move(settings),
                          std::move(aliases));
    const auto table = detail::FilterTable<T>::table(about.get());
    check(engine().add_filter(context(), &table));
  }
  template <class T>
  void action(std::string name, std::string summary, SettingList settings = {},
              Names aliases = {}) {
    const Described about(std::move(name), std::move(summary), std::move(settings),
                          std::move(aliases));
    const auto table = detail::ActionTable<T>::table(about.get());
    check(engine().add_action(context(), &table));
  }
  /// MILLRACE_MONITOR, MILLRACE_TRIGGER, MILLRACE_HOOK_CLASS, MILLRACE_WORKER,
  /// MILLRACE_CONFIG_PLUGIN or MILLRACE_PARAM_PROCESSOR.
  template <class T>
  void service(millrace_service_kind kind, std::string name, std::string summary,
               SettingList settings = {}, Names aliases = {}) {
    const Described about(std::move(name), std::move(summary), std::move(settings),
                          std::move(aliases));
    const auto table = detail::ServiceTable<T>::table(about.get());
    check(engine().add_service(context(), kind, &table));
  }
  void pattern(const std::string& name, const std::string& expression, const std::string& summary) {
    const millrace_pattern made = {sizeof made, name.c_str(), expression.c_str(), summary.c_str()};
    check(engine().add_pattern(context(), &made));
  }

  /// Of the configuration, by a path like `logging.level`; null if it is not set.
  Json configuration(std::string_view path) {
    std::string json;
    const auto status =
        engine().configuration_get(context(), detail::text_of(path), &detail::take_json, &json);
    if (status == MILLRACE_NOT_FOUND) return {};
    check(status);
    return Json::parse(json);
  }
  void set_configuration(std::string_view path, const Json& value) {
    check(engine().configuration_set(context(), detail::text_of(path),
                                     detail::text_of(value.text())));
  }

  /// Calls it on the engine's thread when the main loop has begun. Threads may be started there.
  void call_soon(std::function<void()> work) {
    using Work = std::function<void()>;
    auto kept = std::make_unique<Work>(std::move(work));
    check(engine().call_soon(
        context(),
        [](millrace_context* context, void* data) {
          // Its words are logged by the engine, as those of any exception.
          (*static_cast<Work*>(data))();
          (void)context;
        },
        [](void* data) { delete static_cast<Work*>(data); }, kept.get()));
    kept.release();
  }
};

}  // namespace millrace::plugin
#pragma GCC visibility pop
