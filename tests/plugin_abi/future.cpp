// SPDX-License-Identifier: Apache-2.0
// A plugin of a version to come that can do without what this engine does not have: its structs are
// larger, and it knows a kind of service that is unknown here.
#include "millrace/plugin.h"

namespace {

struct FutureFilter {
  millrace_filter known;
  void (*flush)(void* instance);
};
struct FutureDescription {
  millrace_plugin_description known;
  const char* licence;
};
struct FutureEngine {
  millrace_engine known;
  millrace_status (*later)(millrace_context* context);
};

const millrace_extension kPass = {sizeof kPass, "pass", "Passes.", nullptr, nullptr, 0};

millrace_status create(void*, millrace_context*, millrace_text, void**) { return MILLRACE_OK; }
millrace_status pass(void*, millrace_context* context, millrace_text event) {
  return context->engine->put(context, event);
}

millrace_status load(millrace_context* context) {
  const auto* engine = context->engine;
  const auto later = offsetof(FutureEngine, later) + sizeof(void*);
  if (later <= engine->struct_size) return MILLRACE_FAILED;  // it is not to be there
  if (!MILLRACE_HAS(engine, banner)) return MILLRACE_FAILED;
  FutureFilter filter{};
  filter.known.struct_size = sizeof filter;
  filter.known.about = &kPass;
  filter.known.create = create;
  filter.known.apply = pass;
  filter.flush = [](void*) {};
  millrace_service service{};
  service.struct_size = sizeof service;
  service.about = &kPass;
  if (engine->add_service(context, 99, &service) != MILLRACE_UNSUPPORTED) return MILLRACE_FAILED;
  return engine->add_filter(context, &filter.known);
}

}  // namespace

// The symbol is larger than the declaration says, as it would be with the header to come.
extern "C" MILLRACE_PLUGIN_EXPORT const FutureDescription millrace_plugin_to_come __asm__(
    "millrace_plugin") = {{sizeof(FutureDescription), MILLRACE_PLUGIN_ABI_MAJOR, 0, "future", "7",
                           "Of a version to come.", load, nullptr},
                          "none"};
