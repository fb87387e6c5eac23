// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace millrace::cli {

/// What the plugins of one kind begin as. In the texts @NAME@ is the plugin's name, @CLASS@ that of
/// its class.
struct PluginTemplate {
  std::string_view kind;
  std::string_view cpp;          ///< between the head and the end that all have
  std::string_view cpp_export;   ///< within MILLRACE_EXPORT_PLUGIN
  std::string_view cpp_test;     ///< within main()
  std::string_view python;       ///< behind the Plugin object
  std::string_view python_test;  ///< the body of the test
  std::string_view use;          ///< how it is used, for the README
};

std::span<const PluginTemplate> plugin_templates();

}  // namespace millrace::cli
