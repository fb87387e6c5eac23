// SPDX-License-Identifier: Apache-2.0
// Posts an event while it is loaded, and acts as if nothing had happened.
#include "millrace/plugin.hpp"

namespace {

millrace_status load(millrace_context* context) {
  const auto* engine = context->engine;
  const auto status = engine->post_event(context, {}, {"{}", 2});
  return status == MILLRACE_WRONG_PHASE ? MILLRACE_OK : MILLRACE_FAILED;
}

}  // namespace

const millrace_plugin_description millrace_plugin = {sizeof(millrace_plugin_description),
                                                     MILLRACE_PLUGIN_ABI_MAJOR,
                                                     MILLRACE_PLUGIN_ABI_MINOR,
                                                     "publishes",
                                                     "1",
                                                     "",
                                                     load,
                                                     nullptr};
