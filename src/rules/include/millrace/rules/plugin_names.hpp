// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace millrace::rules {

enum class PluginKind { source, filter };

/// The name under which a plugin is known today: the built-in ones that used to belong to the
/// collection ansible.eda are called eda.builtin.…. Any other name is returned as it is.
std::string canonical_plugin_name(PluginKind kind, std::string_view name);

}  // namespace millrace::rules
