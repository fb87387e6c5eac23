// SPDX-License-Identifier: Apache-2.0
// Action `append_line`: appends a line to a file, and remembers as a fact that it has.
#include <fstream>
#include <millrace/plugin.hpp>

namespace {

using namespace millrace::plugin;

class AppendLine {
 public:
  void run(ActionCall& call) const {
    const auto& path = call.settings().string("path");
    std::ofstream file(path, std::ios::app);
    file << call.settings().string("text") << std::endl;
    if (!file) throw Error("cannot write to " + path);
    call.set_fact(Json{{"appended_to", path}});
  }
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("append_line", "1.0", "Notes in a file.") {
  plugin.action<AppendLine>("append_line", "Appends a line to a file.",
                            {Setting("path", MILLRACE_STRING, "the file").required(),
                             Setting("text", MILLRACE_STRING, "the line").required()});
}
