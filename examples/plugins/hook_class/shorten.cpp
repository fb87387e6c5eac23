// SPDX-License-Identifier: Apache-2.0
// Hook class `shorten`: its hook `shorten` cuts texts that are too long.
#include <millrace/plugin.hpp>

namespace {

using namespace millrace::plugin;

class Shorten {
 public:
  explicit Shorten(const Settings& settings) : most_(settings.integer("most")) {}

  Json call(std::string_view hook, const Json& argument) const {
    if (hook != "shorten") throw Error("no such hook", MILLRACE_UNSUPPORTED);
    const auto& result = argument["result"];
    if (!result.is_string() || result.string().size() <= static_cast<std::size_t>(most_))
      return result;
    return result.string().substr(0, static_cast<std::size_t>(most_)) + "…";
  }

 private:
  const std::int64_t most_;
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("shorten", "1.0", "Cuts long texts.") {
  plugin.service<Shorten>(
      MILLRACE_HOOK_CLASS, "shorten", "Cuts texts that are too long.",
      {Setting("most", MILLRACE_INTEGER, "bytes that remain").by_default(80).at_least(1)});
}
