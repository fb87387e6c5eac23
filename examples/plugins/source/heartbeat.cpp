// SPDX-License-Identifier: Apache-2.0
// Source `heartbeat`: an event at regular intervals.
#include <millrace/plugin.hpp>

namespace {

using namespace millrace::plugin;

class Heartbeat {
 public:
  explicit Heartbeat(const Settings& settings)
      : name_(settings.string("name")), pause_(settings.number("pause")) {}

  void run(SourceRun& run) {
    int beat = 1;
    while (run.emit(Json{{"name", name_}, {"beat", beat}}) && run.wait(pause_)) ++beat;
  }

 private:
  const std::string name_;
  const double pause_;
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("heartbeat", "1.0", "Regular events.") {
  plugin.source<Heartbeat>(
      "heartbeat", "An event at regular intervals.",
      {Setting("name", MILLRACE_STRING, "who is alive").required(),
       Setting("pause", MILLRACE_SECONDS, "between events").by_default(1).at_least(0.001)});
}
