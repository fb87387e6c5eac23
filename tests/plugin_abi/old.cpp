// SPDX-License-Identifier: Apache-2.0
// A plugin of version 1.0: a source that counts, a filter, and an action.
#include <cstdlib>
#include <cstring>
#include <string>

#include "millrace/plugin.h"

static_assert(MILLRACE_PLUGIN_ABI_MINOR == 0, "compiled against the stored header");

namespace {

const char* const kAliases[] = {"counted", nullptr};
const double kLeast = 0;
const millrace_setting kLimit = {sizeof kLimit, "limit", MILLRACE_INTEGER, 0,      "how many",
                                 "3",           nullptr, &kLeast,          nullptr};
const millrace_setting* const kSettings[] = {&kLimit, nullptr};
const millrace_extension kCount = {sizeof kCount, "count", "Counts.", kAliases, kSettings, 0};
const millrace_extension kMark = {sizeof kMark, "mark", "Marks.", nullptr, nullptr, 0};

millrace_text text_of(const std::string& text) { return {text.data(), text.size()}; }

millrace_status create_count(void*, millrace_context*, millrace_text settings, void** instance) {
  const std::string json(settings.data, settings.size);  // {"limit":5}
  *instance = new long(std::strtol(json.c_str() + std::strlen("{\"limit\":"), nullptr, 10));
  return MILLRACE_OK;
}

millrace_status count(void* instance, millrace_context* context) {
  for (long i = 0; i < *static_cast<long*>(instance); ++i) {
    const auto json = "{\"i\":" + std::to_string(i) + "}";
    const auto text = text_of(json);
    const auto status = context->engine->emit(context, &text, 1, nullptr, nullptr);
    if (status != MILLRACE_OK) return status;
  }
  return MILLRACE_OK;
}

millrace_status create_mark(void*, millrace_context*, millrace_text, void**) { return MILLRACE_OK; }

millrace_status mark(void*, millrace_context* context, millrace_text event) {
  std::string json(event.data, event.size);
  json.insert(1, "\"marked\":true,");
  return context->engine->put(context, text_of(json));
}

millrace_status post(void*, millrace_context* context, millrace_text, millrace_text) {
  return context->engine->post_event(context, text_of(""), text_of("{\"old\":true}"));
}

millrace_status load(millrace_context* context) {
  const auto* engine = context->engine;
  millrace_source source{};
  source.struct_size = sizeof source;
  source.about = &kCount;
  source.create = create_count;
  source.run = count;
  source.destroy = [](void* instance) { delete static_cast<long*>(instance); };
  millrace_filter filter{};
  filter.struct_size = sizeof filter;
  filter.about = &kMark;
  filter.create = create_mark;
  filter.apply = mark;
  millrace_action action{};
  action.struct_size = sizeof action;
  action.about = &kMark;
  action.run = post;
  if (engine->struct_size < sizeof(millrace_engine)) return MILLRACE_UNSUPPORTED;
  if (const auto status = engine->add_source(context, &source)) return status;
  if (const auto status = engine->add_filter(context, &filter)) return status;
  return engine->add_action(context, &action);
}

}  // namespace

const millrace_plugin_description millrace_plugin = {sizeof millrace_plugin,
                                                     MILLRACE_PLUGIN_ABI_MAJOR,
                                                     MILLRACE_PLUGIN_ABI_MINOR,
                                                     "old",
                                                     "1.0",
                                                     "Of the first version.",
                                                     load,
                                                     nullptr};
