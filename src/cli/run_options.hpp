// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/daemon/run.hpp"

namespace millrace::cli {

/// What a command line that runs rulebooks says, on its way to daemon::RunOptions.
struct RunRequest {
  daemon::RunOptions options;
  int verbosity = 0;  ///< how often -v was given
  bool version = false;
};

/// An option of programs that run rulebooks. One table serves `millrace run` and
/// `ansible-rulebook`.
struct RunOption {
  enum class Effect {
    works,
    none,  ///< taken in silence: it means nothing to this engine
  };
  enum class Of { both, millrace_only, ansible_rulebook_only };

  std::vector<std::string> names;  ///< long names without dashes; the first is the usual one
  char letter = 0;                 ///< 0: none
  std::string argument;            ///< "FILE", "yes|no"; empty: a flag
  std::string environment;         ///< variable that holds the default
  Effect effect = Effect::works;
  Of of = Of::both;
  std::string meaning;
  /// Puts the value ("" of a flag that was given) where it belongs. Errors: invalid_settings.
  std::function<Result<>(RunRequest&, std::string_view value)> take;

  const std::string& name() const { return names.front(); }
  bool is_flag() const { return argument.empty(); }
};

const std::vector<RunOption>& run_options();

/// Options as they were given, in order.
struct GivenOption {
  const RunOption* option;
  std::string value;
};

/// Reads an environment variable: nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment process_environment();

/// Puts together what was given and, for options that were not, what the environment says. Errors:
/// invalid_settings, one line that names the option.
Result<RunRequest> resolve(std::span<const GivenOption> given, const Environment& environment);

}  // namespace millrace::cli
