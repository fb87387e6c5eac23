// SPDX-License-Identifier: Apache-2.0
// Trigger `every`: makes one event of each so many.
#include <millrace/plugin.hpp>

namespace {

using namespace millrace::plugin;

class Every {
 public:
  explicit Every(const Settings& settings) : count_(settings.integer("count")) {}

  Json call(std::string_view function, const Json& argument) {
    if (function != "event") throw Error("only events", MILLRACE_UNSUPPORTED);
    Json events = Json::array();
    if (++seen_ % count_ == 0) {
      events.push_back(
          Json{{"name", "every"}, {"data", Json{{"last", argument["name"]}, {"seen", seen_}}}});
    }
    return events;
  }

 private:
  const std::int64_t count_;
  std::int64_t seen_ = 0;  // calls of an instance do not overlap
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("every", "1.0", "Counts events.") {
  plugin.service<Every>(MILLRACE_TRIGGER, "every", "Makes one event of each so many.",
                        {Setting("count", MILLRACE_INTEGER, "how many").required().at_least(1)});
}
