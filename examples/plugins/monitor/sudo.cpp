// SPDX-License-Identifier: Apache-2.0
// Monitor `sudo`: finds in lines of a log who has run what as root.
#include <millrace/plugin.hpp>
#include <regex>

namespace {

using namespace millrace::plugin;

class Sudo {
 public:
  Json call(std::string_view function, const Json& argument) const {
    if (function != "line") throw Error("only lines", MILLRACE_UNSUPPORTED);
    Json events = Json::array();
    std::smatch match;
    const auto& line = argument["line"].string();
    if (std::regex_search(line, match, pattern_)) {
      events.push_back(Json{{"name", "sudo"},
                            {"data", Json{{"user", match[1].str()}, {"command", match[2].str()}}}});
    }
    return events;
  }

 private:
  const std::regex pattern_{R"(sudo: +(\w+) :.* COMMAND=(.*))"};
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("sudo", "1.0", "Who becomes root.") {
  plugin.service<Sudo>(MILLRACE_MONITOR, "sudo", "Finds commands that were run with sudo.");
}
