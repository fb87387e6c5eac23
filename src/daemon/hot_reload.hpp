// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "file_watch.hpp"
#include "millrace/base/log.hpp"
#include "millrace/daemon/plugins.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/plugin/python_plugins.hpp"

namespace millrace::daemon {

/// Watches the rulebooks of a run, and gives the engine those that have changed, unless there is a
/// fault in them. Loop thread only.
class HotReload {
 public:
  struct Environment {
    MainLoop& loop;
    BlockingPool& pool;
    Log& log;
    Plugins& plugins;
    pipeline::Engine& engine;
    const Object& variables;
    PythonOptions python;
  };
  /// Errors: those of FileWatch. Everything in `environment` outlives it.
  static Result<std::unique_ptr<HotReload>> create(std::vector<std::string> rulebooks,
                                                   Environment environment);

  /// Until it is cancelled.
  Task<> run();

 private:
  HotReload(std::vector<std::string> rulebooks, Environment environment,
            std::unique_ptr<FileWatch> watch);
  Task<> reload();
  void tell(const Diagnostics& diagnostics);

  const std::vector<std::string> rulebooks_;
  const Environment environment_;
  const std::unique_ptr<FileWatch> watch_;
};

}  // namespace millrace::daemon
