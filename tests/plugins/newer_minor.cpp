// SPDX-License-Identifier: Apache-2.0
// Needs what this engine does not have yet.
#include "millrace/plugin.h"

const millrace_plugin_description millrace_plugin = {
    sizeof(millrace_plugin_description),
    MILLRACE_PLUGIN_ABI_MAJOR,
    MILLRACE_PLUGIN_ABI_MINOR + 1,
    "newer_minor",
    "1",
    "",
    [](millrace_context*) { return millrace_status{MILLRACE_OK}; },
    nullptr};
