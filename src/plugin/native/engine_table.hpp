// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/plugin.h"

namespace millrace::native {

/// The functions that plugins call. Each leads to the PluginCall that its context is.
const millrace_engine& engine_table();

}  // namespace millrace::native
