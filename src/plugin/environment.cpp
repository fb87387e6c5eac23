// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/environment.hpp"

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace {

Result<std::map<std::string, std::string>> read_environment(const Settings& settings,
                                                            std::string_view name) {
  std::map<std::string, std::string> environment;
  for (const auto& [variable, value] : settings.object(name)) {
    if (value.is_structured() || value.is_null()) {
      return fail(Errc::invalid_settings, "{}: {} must be a string", name,
                  printable({variable.data(), variable.size()}));
    }
    environment[variable] =
        value.is_string() ? std::string(view(value.get_string())) : to_json(value);
  }
  return environment;
}

}  // namespace millrace
