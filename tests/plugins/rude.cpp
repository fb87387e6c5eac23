// SPDX-License-Identifier: Apache-2.0
// Exceptions leave everything that it has, and it asks for what it may not.
#include <stdexcept>

#include "millrace/plugin.h"

namespace {

[[noreturn]] void refuse() { throw std::runtime_error("rude"); }

template <class Table>
Table table(const millrace_extension& about) {
  Table made{};
  made.struct_size = sizeof made;
  made.about = &about;
  return made;
}

millrace_extension about(const char* name) {
  millrace_extension made{};
  made.struct_size = sizeof made;
  made.name = name;
  return made;
}

millrace_status create(void*, millrace_context*, millrace_text, void**) { return MILLRACE_OK; }

millrace_status load(millrace_context* context) {
  const auto rude = about("rude");
  auto source = table<millrace_source>(rude);
  source.create = create;
  source.run = [](void*, millrace_context*) -> millrace_status { refuse(); };
  source.destroy = [](void*) { refuse(); };
  context->engine->add_source(context, &source);

  auto filter = table<millrace_filter>(rude);
  filter.create = create;
  filter.apply = [](void*, millrace_context*, millrace_text) -> millrace_status { throw 5; };
  context->engine->add_filter(context, &filter);

  const auto unborn = about("unborn");
  filter = table<millrace_filter>(unborn);
  filter.create = [](void*, millrace_context*, millrace_text, void**) -> millrace_status {
    refuse();
  };
  filter.apply = [](void*, millrace_context*, millrace_text) -> millrace_status { refuse(); };
  context->engine->add_filter(context, &filter);

  auto action = table<millrace_action>(rude);
  action.run = [](void*, millrace_context* self, millrace_text, millrace_text) -> millrace_status {
    return self->engine->emit(self, nullptr, 0, nullptr, nullptr);
  };
  context->engine->add_action(context, &action);
  return MILLRACE_OK;
}

}  // namespace

const millrace_plugin_description millrace_plugin = {sizeof(millrace_plugin_description),
                                                     MILLRACE_PLUGIN_ABI_MAJOR,
                                                     MILLRACE_PLUGIN_ABI_MINOR,
                                                     "rude",
                                                     "1",
                                                     "",
                                                     load,
                                                     [] { refuse(); }};
