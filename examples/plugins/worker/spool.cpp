// SPDX-License-Identifier: Apache-2.0
// Worker `spool`: writes each message to a file of its own. What it cannot write comes again.
#include <fstream>
#include <millrace/plugin.hpp>

namespace {

using namespace millrace::plugin;

class Spool {
 public:
  explicit Spool(const Settings& settings) : folder_(settings.string("folder")) {}

  Json call(std::string_view function, const Json& message) {
    if (function != "handle") throw Error("only messages", MILLRACE_UNSUPPORTED);
    const auto path = folder_ + "/" + std::to_string(next_) + ".json";
    std::ofstream file(path);
    file << message.text() << std::endl;
    if (!file) throw Error("cannot write " + path, MILLRACE_UNAVAILABLE);
    ++next_;
    return nullptr;
  }

 private:
  const std::string folder_;
  int next_ = 1;
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("spool", "1.0", "Keeps messages in files.") {
  plugin.service<Spool>(MILLRACE_WORKER, "spool", "Writes messages to files.",
                        {Setting("folder", MILLRACE_STRING, "where").required()});
}
