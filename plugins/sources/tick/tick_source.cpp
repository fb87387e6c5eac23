// SPDX-License-Identifier: Apache-2.0
// Counts from 1 for ever, at a fixed pause: {"i": 1}, {"i": 2}…

#include <cstdint>
#include <utility>

#include "millrace/plugin/plugin.hpp"

namespace millrace::tick {
namespace {

class TickSource final : public Source {
 public:
  explicit TickSource(const Settings& settings) : delay_(settings.seconds("delay")) {}

  Task<Result<>> run(SourceContext& context) override {
    for (std::int64_t number = 1;; ++number) {
      Value tick(Object{{"i", number}});
      if (auto sent = co_await context.emit(std::move(tick)); !sent) co_return sent.error();
      if (auto slept = co_await pause(context); !slept) co_return slept.error();
    }
  }

 private:
  // Without a pause the other tasks still get their turn.
  Task<Result<>> pause(SourceContext& context) {
    if (delay_ > Duration::zero()) co_return co_await context.sleep_for(delay_);
    co_await context.loop().yield();
    co_return Result<>();
  }

  const Duration delay_;
};

SettingsSchema schema() {
  SettingsSchema schema;
  schema.settings.push_back(Setting("delay", SettingType::seconds, "pause after each event")
                                .by_default(1)
                                .at_least(0)
                                .at_most(1e9));
  return schema;
}

}  // namespace
}  // namespace millrace::tick

MILLRACE_PLUGIN(tick_source, plugin) {
  plugin.source<millrace::tick::TickSource>("tick", "Counts from 1 for ever.",
                                            millrace::tick::schema());
}
