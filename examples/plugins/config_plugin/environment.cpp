// SPDX-License-Identifier: Apache-2.0
// Config plugin `environment`: texts like ${HOME} in the configuration become what the environment
// says.
#include <cstdlib>
#include <millrace/plugin.hpp>

namespace {

using namespace millrace::plugin;

Json resolved(const Json& value) {
  if (!value.is_string()) return value;
  const auto& text = value.string();
  if (text.size() < 4 || text.compare(0, 2, "${") != 0 || text.back() != '}') return value;
  const auto name = text.substr(2, text.size() - 3);
  const auto* found = std::getenv(name.c_str());
  if (found == nullptr) throw Error(name + " is not in the environment", MILLRACE_NOT_FOUND);
  return found;
}

class Environment {
 public:
  Json call(std::string_view, const Json& argument) const {
    Json keys = Json::object();
    for (const auto& [name, value] : argument["keys"].members()) keys[name] = resolved(value);
    return Json{{"keys", keys}};
  }
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("environment", "1.0", "Configuration from the environment.") {
  plugin.service<Environment>(MILLRACE_CONFIG_PLUGIN, "environment",
                              "Replaces ${NAME} by what the environment says.");
}
