// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/plugin.h"

namespace millrace::native {

/// One call into a native plugin, which knows it as its `millrace_context`. What the plugin may ask
/// for in this kind of call a derived class implements; everything else is refused.
class PluginCall : public millrace_context {
 public:
  /// `plugin` names the plugin in errors, `log_name` is the component to log as; both outlive the
  /// call.
  PluginCall(std::string_view plugin, Log& log, std::string_view log_name);
  PluginCall(const PluginCall&) = delete;
  PluginCall& operator=(const PluginCall&) = delete;
  virtual ~PluginCall() = default;

  /// Calls a function of the plugin that returns a status. Errors: the plugin's own, with its name
  /// before it; io for an exception; cancelled only when the plugin was asked to stop.
  template <class Function>
  Result<> invoke(Function function) {
    try {
      return outcome(function(static_cast<millrace_context*>(this)));
    } catch (const std::exception& exception) {
      return thrown(exception.what());
    } catch (...) {
      return thrown("of an unknown type");
    }
  }

  // What the plugin asks for: see plugin.h. The first four may be called on any thread.
  void log(millrace_log_level level, std::string_view message);
  virtual millrace_status emit(const millrace_text* events, std::size_t count,
                               millrace_settled settled, void* token);
  virtual millrace_status wait(double seconds);
  virtual bool stopping() const { return false; }
  void set_error(std::string_view message) { error_ = message; }
  std::string_view last_error() const { return last_error_; }
  virtual Result<> put(std::string_view json);
  virtual Result<> add_source(const millrace_source& source);
  virtual Result<> add_filter(const millrace_filter& filter);
  virtual Result<> add_action(const millrace_action& action);
  virtual Result<> add_service(millrace_service_kind kind, const millrace_service& service);
  virtual Result<> add_pattern(const millrace_pattern& pattern);
  virtual Result<std::string> configuration_get(std::string_view path);
  virtual Result<> configuration_set(std::string_view path, std::string_view json);
  struct Deferred {
    void (*run)(millrace_context* context, void* data);
    void (*release)(void* data);
    void* data;
  };
  virtual Result<> call_soon(const Deferred& work);
  virtual Result<> post_event(std::string_view rule_set, std::string_view event);
  virtual Result<> set_fact(std::string_view rule_set, std::string_view fact);
  enum class Partial { no, yes };
  virtual Result<> retract_fact(std::string_view rule_set, std::string_view fact, Partial partial);
  virtual Result<> shut_down(std::string_view request);
  virtual Result<> print(std::string_view text);
  virtual Result<std::string> facts(std::string_view rule_set);
  virtual Result<> banner(std::string_view name, std::string_view text);

  /// The status of an engine function. Its words are kept for a plugin that has none of its own.
  millrace_status note(const Result<>& result);

 protected:
  enum class Effect { inward, publishes };
  /// Told of a function that this kind of call does not have.
  virtual void refused(std::string_view, Effect) {}

 private:
  Error refuse(std::string_view function, Effect effect);
  Result<> outcome(millrace_status status) const;
  Error thrown(std::string_view what) const;

  const std::string_view plugin_;
  Log& log_;
  const std::string_view log_name_;
  std::string error_;
  std::string last_error_;
};

}  // namespace millrace::native
