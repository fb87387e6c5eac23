// SPDX-License-Identifier: Apache-2.0
// Has no `load`.
#include "millrace/plugin.h"

const millrace_plugin_description millrace_plugin = {sizeof(millrace_plugin_description),
                                                     MILLRACE_PLUGIN_ABI_MAJOR,
                                                     MILLRACE_PLUGIN_ABI_MINOR,
                                                     "incomplete",
                                                     "1",
                                                     "",
                                                     nullptr,
                                                     nullptr};
