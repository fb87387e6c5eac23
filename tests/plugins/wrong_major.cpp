// SPDX-License-Identifier: Apache-2.0
// Of a version of the interface that does not exist.
#include "millrace/plugin.h"

const millrace_plugin_description millrace_plugin = {
    sizeof(millrace_plugin_description),
    99,
    0,
    "wrong_major",
    "1",
    "",
    [](millrace_context*) { return millrace_status{MILLRACE_OK}; },
    nullptr};
