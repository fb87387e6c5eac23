// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/plugin_names.hpp"

#include <gtest/gtest.h>

namespace millrace::rules {
namespace {

TEST(PluginNames, SendFormerNamesOfBuiltInPluginsToTheirNewOnes) {
  for (const std::string name : {"pg_listener", "generic", "range"}) {
    EXPECT_EQ(canonical_plugin_name(PluginKind::source, "ansible.eda." + name),
              "eda.builtin." + name);
  }
  for (const std::string name : {"json_filter", "normalize_keys", "insert_hosts_to_meta", "noop"}) {
    EXPECT_EQ(canonical_plugin_name(PluginKind::filter, "ansible.eda." + name),
              "eda.builtin." + name);
  }
}

TEST(PluginNames, LeaveOtherNamesAlone) {
  for (const std::string name : {"ansible.eda.kafka", "range", "eda.builtin.range", "my.own.range",
                                 "ansible.eda.noop", ""}) {
    EXPECT_EQ(canonical_plugin_name(PluginKind::source, name), name);
  }
  for (const std::string name : {"ansible.eda.range", "ansible.eda.dashes_to_underscores"}) {
    EXPECT_EQ(canonical_plugin_name(PluginKind::filter, name), name);
  }
}

}  // namespace
}  // namespace millrace::rules
