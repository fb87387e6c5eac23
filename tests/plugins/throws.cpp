// SPDX-License-Identifier: Apache-2.0
// An exception leaves its `load`, as it must not.
#include <stdexcept>

#include "millrace/plugin.h"

namespace {

void release(void*) {}

millrace_status load(millrace_context* context) {
  context->engine->call_soon(context, [](millrace_context*, void*) {}, release, nullptr);
  throw std::runtime_error("not today");
}

}  // namespace

const millrace_plugin_description millrace_plugin = {sizeof(millrace_plugin_description),
                                                     MILLRACE_PLUGIN_ABI_MAJOR,
                                                     MILLRACE_PLUGIN_ABI_MINOR,
                                                     "throws",
                                                     "1",
                                                     "",
                                                     load,
                                                     nullptr};
