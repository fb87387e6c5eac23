// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/plugin/loaded_plugin.hpp"

namespace millrace {

/// What native plugins work with. Outlives every plugin and all that plugins have made.
struct NativeContext {
  MainLoop& loop;
  Log& log;
};

/// Loads a shared object that speaks the interface of include/millrace/plugin.h, and runs its
/// `load`. Loop thread, before anything runs. Its code stays in memory until the process ends.
///
/// Errors name the file or the plugin: not_found; corrupt when it is no shared object, or one that
/// lacks something; unsupported for another version of the interface; permission_denied when it
/// started a thread or published while it was loading; else what `load` returned. Nothing of a
/// plugin that failed remains but, if it started a thread, its code.
Result<LoadedPlugin> load_native_plugin(const std::filesystem::path& file, Object configuration,
                                        NativeContext context);

}  // namespace millrace
