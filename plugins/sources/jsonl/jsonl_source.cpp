// SPDX-License-Identifier: Apache-2.0
// Events from a file, or standard input, with one JSON object a line. This is the engine's fastest
// way in: the text is read in large blocks and handed over as views, and nobody parses it here.

#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "blocks.hpp"
#include "line_reader.hpp"
#include "millrace/base/text.hpp"
#include "millrace/plugin/plugin.hpp"
#include "pace.hpp"
#include "read_ahead.hpp"

namespace millrace::jsonl {
namespace {

class JsonlSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    if (settings.string("path") == "-" && settings.integer("loop") != 1) {
      return fail(Errc::invalid_settings,
                  "loop must be 1 with path -: standard input can be read only once");
    }
    if (settings.has("rate") && !(settings.number("rate") > 0)) {
      return fail(Errc::invalid_settings, "rate must be above 0");
    }
    return std::unique_ptr<Source>(std::make_unique<JsonlSource>(settings));
  }

  explicit JsonlSource(const Settings& settings)
      : path_(settings.string("path")),
        passes_(static_cast<std::uint64_t>(settings.integer("loop"))),
        rate_(settings.has("rate") ? settings.number("rate") : 0),
        left_(settings.has("limit") ? static_cast<std::uint64_t>(settings.integer("limit"))
                                    : kNoLimit),
        store_(std::make_shared<BlockStore>(
            static_cast<std::size_t>(settings.integer("batch_bytes")))) {}

  Task<Result<>> run(SourceContext& context) override {
    if (rate_ > 0) pace_.emplace(rate_, context.clock().now());
    ReadAhead ahead(context, store_);
    auto outcome = co_await read_all(context, ahead);
    co_await ahead.stop();
    co_return outcome;
  }

  std::optional<double> fraction_read() const override {
    if (!fraction_of_pass_ || passes_ == kForEver) return std::nullopt;
    return (static_cast<double>(passes_done_) + *fraction_of_pass_) / static_cast<double>(passes_);
  }

 private:
  static constexpr std::uint64_t kForEver = 0;
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  Task<Result<>> read_all(SourceContext& context, ReadAhead& ahead) {
    for (; left_ > 0 && (passes_ == kForEver || passes_done_ < passes_); ++passes_done_) {
      if (auto read = co_await read_once(context, ahead); !read) co_return read.error();
      // An empty file, read again and again, would only burn the processor.
      if (!found_any_) break;
      if (fraction_of_pass_) fraction_of_pass_ = 0;
    }
    co_return Result<>();
  }

  Task<Result<>> read_once(SourceContext& context, ReadAhead& ahead) {
    if (auto opened = co_await ahead.open(path_); !opened) co_return opened.error();
    found_any_ = false;
    while (left_ > 0) {
      auto lines = co_await ahead.next();
      if (!lines) co_return lines.error();
      fraction_of_pass_ = lines->fraction_read;
      report(context, *lines);
      if (auto sent = co_await deliver(context, *lines); !sent) co_return sent.error();
      if (lines->fault) co_return *lines->fault;
      if (lines->end) break;
    }
    co_return Result<>();
  }

  Task<Result<>> deliver(SourceContext& context, Lines& lines) {
    auto& events = lines.events;
    if (events.size() > left_)
      events.erase(events.begin() + static_cast<std::ptrdiff_t>(left_), events.end());
    if (events.empty()) co_return Result<>();
    found_any_ = true;
    if (left_ != kNoLimit) left_ -= events.size();
    if (pace_) co_return co_await deliver_paced(context, lines);
    EventBatch batch;
    batch.events = std::move(events);
    batch.memory = std::move(lines.memory);
    co_return co_await context.emit(std::move(batch));
  }

  Task<Result<>> deliver_paced(SourceContext& context, Lines& lines) {
    for (auto next = lines.events.begin(); next != lines.events.end();) {
      const auto now = context.clock().now();
      const auto left = static_cast<std::size_t>(lines.events.end() - next);
      const auto count = std::min(pace_->due(now), left);
      if (count == 0) {
        if (auto slept = co_await context.sleep_for(pace_->wait(now)); !slept)
          co_return slept.error();
        continue;
      }
      const auto end = next + static_cast<std::ptrdiff_t>(count);
      EventBatch batch;
      batch.events.assign(std::make_move_iterator(next), std::make_move_iterator(end));
      batch.memory = lines.memory;
      next = end;
      pace_->sent(count);
      if (auto emitted = co_await context.emit(std::move(batch)); !emitted)
        co_return emitted.error();
    }
    co_return Result<>();
  }

  void report(SourceContext& context, const Lines& lines) {
    for (const auto& line : lines.too_long) {
      context.refuse(line.number,
                     fail(Errc::invalid_event, "a line of {} is left out: the limit is {}",
                          human_bytes(static_cast<double>(line.bytes)),
                          human_bytes(static_cast<double>(context.limits().bytes))));
    }
  }

  const std::string path_;
  const std::uint64_t passes_;
  const double rate_;  ///< events per second; 0: as fast as the engine takes them
  std::uint64_t left_;
  const std::shared_ptr<BlockStore> store_;
  std::optional<Pace> pace_;
  bool found_any_ = false;  ///< in this pass
  std::uint64_t passes_done_ = 0;
  std::optional<double> fraction_of_pass_;
};

SettingsSchema schema() {
  SettingsSchema schema;
  auto& all = schema.settings;
  all.push_back(Setting("path", SettingType::string, "the file; - is standard input").required());
  all.push_back(Setting("rate", SettingType::number,
                        "events per second; without it as fast as the engine takes them")
                    .nullable());
  all.push_back(
      Setting("loop", SettingType::integer, "how many times the file is read; 0 is for ever")
          .by_default(1)
          .at_least(0));
  all.push_back(
      Setting("limit", SettingType::integer, "ends after so many events").at_least(1).nullable());
  all.push_back(
      Setting("batch_bytes", SettingType::integer, "how much is read and handed over at once")
          .by_default(std::int64_t{1} << 20)
          .at_least(1)
          .at_most(std::int64_t{1} << 30));
  return schema;
}

}  // namespace
}  // namespace millrace::jsonl

MILLRACE_PLUGIN(jsonl_source, plugin) {
  plugin.source<millrace::jsonl::JsonlSource>(
      "jsonl", "Reads events from a file or standard input, one JSON object a line.",
      millrace::jsonl::schema());
}
