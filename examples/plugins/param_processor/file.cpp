// SPDX-License-Identifier: Apache-2.0
// Param processor `file`: the value is a path, and becomes what the file holds. For passwords.
#include <fstream>
#include <millrace/plugin.hpp>
#include <sstream>

namespace {

using namespace millrace::plugin;

class File {
 public:
  Json call(std::string_view function, const Json& argument) const {
    if (function != "process") throw Error("only values", MILLRACE_UNSUPPORTED);
    const auto& path = argument["value"].string();
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    if (!content) throw Error("cannot read " + path, MILLRACE_NOT_FOUND);
    auto text = content.str();
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("file", "1.0", "Values from files.") {
  plugin.service<File>(MILLRACE_PARAM_PROCESSOR, "file", "Takes the value from a file.");
}
