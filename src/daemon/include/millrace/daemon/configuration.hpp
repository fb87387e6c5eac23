// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/event/value.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/pipeline/journal.hpp"
#include "millrace/plugin/python_plugins.hpp"

namespace millrace::daemon {

/// The configuration file (`--config`), read as it is. Who uses a part of it checks that part.
struct Configuration {
  std::string file;  ///< empty: there is none
  std::string text;
  std::shared_ptr<const YamlNode> node;  ///< with places; empty: there is none
  Object values;
};

/// Faults (unreadable, no mapping) go to `diagnostics`. An empty name: nothing is read.
Configuration load_configuration(const std::string& file, Diagnostics& diagnostics);

/// What `plugins:` says of plugin `name`, over what it says of `defaults`.
HostSettings host_settings(const Configuration& configuration, std::string_view name);

/// What `journal:` says; without a folder if there is none. Faults go to `diagnostics`.
pipeline::JournalOptions journal_options(const Configuration& configuration,
                                         Diagnostics& diagnostics);

/// Tells what is wrong under `plugins:`.
void check_host_settings(const Configuration& configuration, Diagnostics& diagnostics);

/// Warns of names under `plugins:` that are nearly, and not, those of `known` plugins.
void warn_of_unknown_plugins(const Configuration& configuration,
                             const std::vector<std::string>& known, Diagnostics& diagnostics);

}  // namespace millrace::daemon
