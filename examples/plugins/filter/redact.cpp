// SPDX-License-Identifier: Apache-2.0
// Filter `redact`: takes members out of events; drops those of which nothing is left.
#include <millrace/plugin.hpp>

namespace {

using namespace millrace::plugin;

class Redact {
 public:
  explicit Redact(const Settings& settings) : keys_(settings.strings("keys")) {}

  std::optional<Json> apply(Json event) const {
    for (const auto& key : keys_) event.erase(key);
    if (event.members().empty()) return std::nullopt;
    return event;
  }

 private:
  const std::vector<std::string> keys_;
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("redact", "1.0", "Removes what nobody should see.") {
  plugin.filter<Redact>("redact", "Takes members out of events.",
                        {Setting("keys", MILLRACE_STRINGS, "names of members").required()});
}
