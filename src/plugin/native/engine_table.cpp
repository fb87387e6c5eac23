// SPDX-License-Identifier: Apache-2.0
#include "native/engine_table.hpp"

#include <exception>

#include "native/plugin_call.hpp"
#include "native/texts.hpp"

namespace millrace::native {
namespace {

PluginCall& call_of(millrace_context* context) { return static_cast<PluginCall&>(*context); }

// Exceptions of the engine must not run into the plugin, nor those of its `take` back out of it.
template <class Ask>
millrace_status ask(millrace_context* context, Ask question) noexcept {
  auto& call = call_of(context);
  try {
    return call.note(question(call));
  } catch (const std::exception& exception) {
    return call.note(fail(Errc::io, "{}", exception.what()));
  } catch (...) {
    return call.note(fail(Errc::io, "an exception of an unknown type"));
  }
}

template <class Ask>
millrace_status ask_for_text(millrace_context* context, millrace_take take, void* data,
                             Ask question) noexcept {
  return ask(context, [&](PluginCall& call) -> Result<> {
    const Result<std::string> answer = question(call);
    if (!answer) return answer.error();
    if (take != nullptr) take(data, text_of(*answer));
    return {};
  });
}

void log(millrace_context* context, millrace_log_level level, millrace_text message) noexcept {
  call_of(context).log(level, view(message));
}

void error(millrace_context* context, millrace_text message) noexcept {
  call_of(context).set_error(view(message));
}

millrace_text last_error(millrace_context* context) noexcept {
  return text_of(call_of(context).last_error());
}

millrace_status put(millrace_context* context, millrace_text json) noexcept {
  return ask(context, [&](PluginCall& call) { return call.put(view(json)); });
}

// What is registered must at least have its size.
template <class Struct, class Add>
millrace_status add(millrace_context* context, const Struct* given, Add function) noexcept {
  return ask(context, [&](PluginCall& call) -> Result<> {
    if (given == nullptr || given->struct_size < sizeof(given->struct_size))
      return fail(Errc::invalid_settings, "what is registered has no struct_size");
    return function(call, taken(*given));
  });
}

millrace_status add_source(millrace_context* context, const millrace_source* source) noexcept {
  return add(context, source,
             [](PluginCall& call, const auto& known) { return call.add_source(known); });
}

millrace_status add_filter(millrace_context* context, const millrace_filter* filter) noexcept {
  return add(context, filter,
             [](PluginCall& call, const auto& known) { return call.add_filter(known); });
}

millrace_status add_action(millrace_context* context, const millrace_action* action) noexcept {
  return add(context, action,
             [](PluginCall& call, const auto& known) { return call.add_action(known); });
}

millrace_status add_service(millrace_context* context, millrace_service_kind kind,
                            const millrace_service* service) noexcept {
  return add(context, service,
             [&](PluginCall& call, const auto& known) { return call.add_service(kind, known); });
}

millrace_status add_pattern(millrace_context* context, const millrace_pattern* pattern) noexcept {
  return add(context, pattern,
             [](PluginCall& call, const auto& known) { return call.add_pattern(known); });
}

millrace_status configuration_get(millrace_context* context, millrace_text path, millrace_take take,
                                  void* data) noexcept {
  return ask_for_text(context, take, data,
                      [&](PluginCall& call) { return call.configuration_get(view(path)); });
}

millrace_status configuration_set(millrace_context* context, millrace_text path,
                                  millrace_text json) noexcept {
  return ask(context,
             [&](PluginCall& call) { return call.configuration_set(view(path), view(json)); });
}

millrace_status call_soon(millrace_context* context,
                          void (*run)(millrace_context* context, void* data),
                          void (*release)(void* data), void* data) noexcept {
  return ask(context, [&](PluginCall& call) { return call.call_soon({run, release, data}); });
}

// What these two fail with is no words to keep: any thread calls them.
millrace_status emit(millrace_context* context, const millrace_text* events, std::size_t count,
                     millrace_settled settled, void* token) noexcept {
  try {
    return call_of(context).emit(events, count, settled, token);
  } catch (...) {
    return MILLRACE_FAILED;
  }
}

millrace_status wait(millrace_context* context, double seconds) noexcept {
  try {
    return call_of(context).wait(seconds);
  } catch (...) {
    return MILLRACE_FAILED;
  }
}

std::int32_t stopping(millrace_context* context) noexcept {
  return call_of(context).stopping() ? 1 : 0;
}

millrace_status post_event(millrace_context* context, millrace_text rule_set,
                           millrace_text event) noexcept {
  return ask(context,
             [&](PluginCall& call) { return call.post_event(view(rule_set), view(event)); });
}

millrace_status set_fact(millrace_context* context, millrace_text rule_set,
                         millrace_text fact) noexcept {
  return ask(context, [&](PluginCall& call) { return call.set_fact(view(rule_set), view(fact)); });
}

millrace_status retract_fact(millrace_context* context, millrace_text rule_set, millrace_text fact,
                             std::int32_t partial) noexcept {
  const auto how = partial != 0 ? PluginCall::Partial::yes : PluginCall::Partial::no;
  return ask(context,
             [&](PluginCall& call) { return call.retract_fact(view(rule_set), view(fact), how); });
}

millrace_status shut_down(millrace_context* context, millrace_text request) noexcept {
  return ask(context, [&](PluginCall& call) { return call.shut_down(view(request)); });
}

millrace_status print(millrace_context* context, millrace_text text) noexcept {
  return ask(context, [&](PluginCall& call) { return call.print(view(text)); });
}

millrace_status facts(millrace_context* context, millrace_text rule_set, millrace_take take,
                      void* data) noexcept {
  return ask_for_text(context, take, data,
                      [&](PluginCall& call) { return call.facts(view(rule_set)); });
}

millrace_status banner(millrace_context* context, millrace_text name, millrace_text text) noexcept {
  return ask(context, [&](PluginCall& call) { return call.banner(view(name), view(text)); });
}

}  // namespace

const millrace_engine& engine_table() {
  static constexpr millrace_engine kEngine = {.struct_size = sizeof(millrace_engine),
                                              .abi_major = MILLRACE_PLUGIN_ABI_MAJOR,
                                              .abi_minor = MILLRACE_PLUGIN_ABI_MINOR,
                                              .log = log,
                                              .error = error,
                                              .last_error = last_error,
                                              .put = put,
                                              .add_source = add_source,
                                              .add_filter = add_filter,
                                              .add_action = add_action,
                                              .add_service = add_service,
                                              .add_pattern = add_pattern,
                                              .configuration_get = configuration_get,
                                              .configuration_set = configuration_set,
                                              .call_soon = call_soon,
                                              .emit = emit,
                                              .wait = wait,
                                              .stopping = stopping,
                                              .post_event = post_event,
                                              .set_fact = set_fact,
                                              .retract_fact = retract_fact,
                                              .shut_down = shut_down,
                                              .print = print,
                                              .facts = facts,
                                              .banner = banner};
  return kEngine;
}

}  // namespace millrace::native
