// SPDX-License-Identifier: Apache-2.0
#include "native/plugin_call.hpp"

#include <algorithm>

#include "native/engine_table.hpp"
#include "native/texts.hpp"

namespace millrace::native {

PluginCall::PluginCall(std::string_view plugin, Log& log, std::string_view log_name)
    : millrace_context{&engine_table()}, plugin_(plugin), log_(log), log_name_(log_name) {}

void PluginCall::log(millrace_log_level level, std::string_view message) {
  const auto known = std::clamp<millrace_log_level>(level, MILLRACE_DEBUG, MILLRACE_CRITICAL);
  const auto as = static_cast<LogLevel>(known);
  if (log_.enabled(as)) log_.write(as, log_name_, message);
}

millrace_status PluginCall::note(const Result<>& result) {
  if (result) return MILLRACE_OK;
  last_error_ = result.error().message();
  return status_of(result.error().code());
}

Result<> PluginCall::outcome(millrace_status status) const {
  if (status == MILLRACE_OK) return {};
  if (status == MILLRACE_STOP && stopping()) return Error(Errc::cancelled, "asked to stop");
  const auto& words = error_.empty() ? last_error_ : error_;
  const auto code = status == MILLRACE_STOP ? Errc::io : code_of(status);
  if (!words.empty()) return fail(code, "plugin {}: {}", plugin_, words);
  return fail(code, "plugin {}: it failed with status {} and does not say why", plugin_, status);
}

Error PluginCall::thrown(std::string_view what) const {
  return fail(Errc::io, "plugin {}: an exception left it: {}", plugin_, what);
}

Error PluginCall::refuse(std::string_view function, Effect effect) {
  refused(function, effect);
  return fail(Errc::conflict, "{} may not be called here", function);
}

millrace_status PluginCall::emit(const millrace_text*, std::size_t, millrace_settled, void*) {
  note(refuse("emit", Effect::publishes));
  return MILLRACE_WRONG_PHASE;
}

millrace_status PluginCall::wait(double) {
  note(refuse("wait", Effect::inward));
  return MILLRACE_WRONG_PHASE;
}

Result<> PluginCall::put(std::string_view) { return refuse("put", Effect::inward); }

Result<> PluginCall::add_source(const millrace_source&) {
  return refuse("add_source", Effect::inward);
}

Result<> PluginCall::add_filter(const millrace_filter&) {
  return refuse("add_filter", Effect::inward);
}

Result<> PluginCall::add_action(const millrace_action&) {
  return refuse("add_action", Effect::inward);
}

Result<> PluginCall::add_service(millrace_service_kind, const millrace_service&) {
  return refuse("add_service", Effect::inward);
}

Result<> PluginCall::add_pattern(const millrace_pattern&) {
  return refuse("add_pattern", Effect::inward);
}

Result<std::string> PluginCall::configuration_get(std::string_view) {
  return refuse("configuration_get", Effect::inward);
}

Result<> PluginCall::configuration_set(std::string_view, std::string_view) {
  return refuse("configuration_set", Effect::inward);
}

Result<> PluginCall::call_soon(const Deferred&) { return refuse("call_soon", Effect::inward); }

Result<> PluginCall::post_event(std::string_view, std::string_view) {
  return refuse("post_event", Effect::publishes);
}

Result<> PluginCall::set_fact(std::string_view, std::string_view) {
  return refuse("set_fact", Effect::publishes);
}

Result<> PluginCall::retract_fact(std::string_view, std::string_view, Partial) {
  return refuse("retract_fact", Effect::publishes);
}

Result<> PluginCall::shut_down(std::string_view) { return refuse("shut_down", Effect::publishes); }

Result<> PluginCall::print(std::string_view) { return refuse("print", Effect::publishes); }

Result<std::string> PluginCall::facts(std::string_view) {
  return refuse("facts", Effect::publishes);
}

Result<> PluginCall::banner(std::string_view, std::string_view) {
  return refuse("banner", Effect::publishes);
}

}  // namespace millrace::native
