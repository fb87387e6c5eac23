// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "host_process.hpp"
#include "millrace/plugin/loaded_plugin.hpp"

namespace millrace::python {

/// What LOADED tells, as descriptors that make instances in the host. `name` and `kind` are those
/// of the request. Errors: corrupt.
Result<LoadedPlugin> describe_plugin(HostProcess& host, const std::filesystem::path& file,
                                     const std::string& name, std::string_view kind,
                                     const Object& loaded);

}  // namespace millrace::python
