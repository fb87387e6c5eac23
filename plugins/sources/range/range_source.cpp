// SPDX-License-Identifier: Apache-2.0
// Counts from 0 up to a limit: {"i": 0}, {"i": 1}… For trying out rules, and for measuring them.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "millrace/plugin/plugin.hpp"

namespace millrace::range {
namespace {

constexpr std::string_view kHead = R"({"i":)";
constexpr std::size_t kMostBytes = kHead.size() + 20 + 1;  // 20: the digits of the largest number

// Events as texts that share one piece of memory: quicker to make than values, and quicker to
// match.
EventBatch count(std::int64_t from, std::int64_t to) {
  const auto numbers = static_cast<std::size_t>(to - from);
  const auto memory = std::make_shared_for_overwrite<char[]>(numbers * kMostBytes + kTextPadding);
  EventBatch batch;
  batch.events.reserve(numbers);
  char* at = memory.get();
  for (auto number = from; number < to; ++number) {
    char* const begin = at;
    at = std::ranges::copy(kHead, at).out;
    const fmt::format_int digits(number);
    at = std::copy_n(digits.data(), digits.size(), at);
    *at++ = '}';
    batch.events.emplace_back(Event::Text{.json = {begin, at}});
  }
  batch.memory = memory;
  return batch;
}

class RangeSource final : public Source {
 public:
  explicit RangeSource(const Settings& settings)
      : limit_(settings.integer("limit")), delay_(settings.seconds("delay")) {}

  Task<Result<>> run(SourceContext& context) override {
    const std::int64_t step = delay_ > Duration::zero() ? 1 : kBatch;
    for (std::int64_t from = 0; from < limit_; from += step) {
      if (auto sent = co_await context.emit(count(from, std::min(from + step, limit_))); !sent) {
        co_return sent.error();
      }
      if (delay_ == Duration::zero()) continue;
      if (auto slept = co_await context.sleep_for(delay_); !slept) co_return slept.error();
    }
    co_return Result<>();
  }

 private:
  static constexpr std::int64_t kBatch = 256;

  const std::int64_t limit_;
  const Duration delay_;
};

SettingsSchema schema() {
  SettingsSchema schema;
  schema.settings.push_back(
      Setting("limit", SettingType::integer, "how many events; none when it is negative")
          .required());
  schema.settings.push_back(Setting("delay", SettingType::seconds, "pause after each event")
                                .by_default(0)
                                .at_least(0)
                                .at_most(1e9));
  return schema;
}

}  // namespace
}  // namespace millrace::range

MILLRACE_PLUGIN(range_source, plugin) {
  plugin.source<millrace::range::RangeSource>("range", "Counts from 0 up to a limit.",
                                              millrace::range::schema());
}
