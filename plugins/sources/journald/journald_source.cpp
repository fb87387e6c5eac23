// SPDX-License-Identifier: Apache-2.0
// Follows a systemd journal.

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "journal.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::journald {
namespace {

constexpr std::size_t kMostEntries = 256;
constexpr Duration kRememberEvery = std::chrono::seconds(1);

/// Up to where everything is settled: batches may be so in another order than they were sent.
class Progress {
 public:
  std::uint64_t sent(std::string cursor) {
    waiting_.push_back({std::move(cursor)});
    return first_ + waiting_.size() - 1;
  }
  void settled(std::uint64_t number) {
    waiting_[number - first_].is_settled = true;
    while (!waiting_.empty() && waiting_.front().is_settled) {
      cursor_ = std::move(waiting_.front().cursor);
      waiting_.pop_front();
      ++first_;
    }
  }
  /// Once, after it has changed.
  std::optional<std::string> take_cursor() { return std::exchange(cursor_, std::nullopt); }

 private:
  struct Sent {
    std::string cursor;
    bool is_settled = false;
  };
  std::deque<Sent> waiting_;
  std::uint64_t first_ = 0;
  std::optional<std::string> cursor_;
};

class JournaldSource final : public Source {
 public:
  explicit JournaldSource(const Settings& settings)
      : delay_(settings.seconds("delay")), progress_(std::make_shared<Progress>()) {
    if (settings.has("path")) options_.path = settings.string("path");
    if (settings.has("match")) options_.match = settings.string("match");
  }

  Task<Result<>> run(SourceContext& context) override {
    if (options_.match.empty()) co_return Result<>();  // as the original does
    if (options_.match == "ALL") options_.match.clear();
    auto opened =
        co_await context.pool().run([options = options_] { return Journal::open(options); });
    if (!opened) co_return opened.error();
    const auto journal = *opened;
    if (auto placed = co_await begin(context, journal); !placed) co_return placed;
    asio::posix::stream_descriptor watched(context.loop().executor(), journal->descriptor());
    auto ended = co_await follow(context, journal, watched);
    watched.release();  // it is the journal's
    if (auto kept = co_await remember(context); !kept && ended) ended = kept;
    co_return ended;
  }

 private:
  static Task<Result<>> begin(SourceContext& context, std::shared_ptr<Journal> journal) {
    auto recalled = context.memory().recall();
    if (!recalled) co_return recalled.error();
    std::string cursor;
    if (*recalled && (*recalled)->is_string()) cursor = view((*recalled)->get_string());
    co_return co_await context.pool().run([journal, cursor] {
      return cursor.empty() ? journal->seek_last() : journal->seek_after(cursor);
    });
  }

  Task<Result<>> follow(SourceContext& context, std::shared_ptr<Journal> journal,
                        asio::posix::stream_descriptor& watched) {
    const std::size_t most = delay_ > Duration::zero() ? 1 : kMostEntries;
    auto remembered = context.clock().now();
    while (true) {
      if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
      auto batch = co_await context.pool().run([journal, most] { return journal->read(most); });
      if (!batch) co_return batch.error();
      if (!batch->entries.empty()) {
        if (auto sent = co_await emit(context, std::move(batch->entries)); !sent) co_return sent;
        if (delay_ > Duration::zero()) {
          if (auto slept = co_await context.sleep_for(delay_); !slept) co_return slept;
        }
      }
      if (context.clock().now() >= remembered + kRememberEvery) {
        if (auto kept = co_await remember(context); !kept) co_return kept;
        remembered = context.clock().now();
      }
      if (batch->more) continue;
      if (auto waited = co_await wait(context, watched); !waited) co_return waited;
    }
  }

  Task<Result<>> emit(SourceContext& context, std::vector<Journal::Entry> entries) {
    EventBatch batch;
    const auto number = progress_->sent(entries.back().cursor);
    batch.delivery.settled = [progress = progress_, number] { progress->settled(number); };
    for (auto& entry : entries)
      batch.events.emplace_back(Value(Object{{"journald", std::move(entry.fields)}}));
    co_return co_await context.emit(std::move(batch));
  }

  // A second at the most: what was settled meanwhile is to be remembered, and not every file system
  // tells of changes.
  static Task<Result<>> wait(SourceContext& context, asio::posix::stream_descriptor& watched) {
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    const auto alarm = context.loop().call_later(kRememberEvery, [&watched] {
      boost::system::error_code ignored;
      watched.cancel(ignored);
    });
    boost::system::error_code error;
    co_await watched.async_wait(asio::posix::stream_descriptor::wait_read,
                                asio::redirect_error(asio::use_awaitable, error));
    context.loop().cancel(alarm);
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    if (error && error != asio::error::operation_aborted)
      co_return fail(Errc::io, "cannot watch the journal: {}", error.message());
    co_return Result<>();
  }

  Task<Result<>> remember(SourceContext& context) {
    auto cursor = progress_->take_cursor();
    if (!cursor) co_return Result<>();
    co_return co_await context.memory().remember(Value(*cursor), context.pool());
  }

  Journal::Options options_;
  const Duration delay_;
  const std::shared_ptr<Progress> progress_;  // shared with batches, which may outlive the source
};

SettingsSchema schema() {
  using enum SettingType;
  return {.settings = {
              Setting("match", string,
                      "ALL, or FIELD=value: entries with this field; without it the source ends")
                  .nullable(),
              Setting("delay", seconds, "Pause after each entry")
                  .by_default(0)
                  .at_least(0)
                  .at_most(1e9),
              Setting("path", string,
                      "A journal's directory or file; by default the system's own journal")
                  .nullable(),
          }};
}

}  // namespace
}  // namespace millrace::journald

MILLRACE_PLUGIN(journald_source, plugin) {
  plugin.source<millrace::journald::JournaldSource>("journald", "Follows a systemd journal.",
                                                    millrace::journald::schema(),
                                                    {"community.eda.journald"});
}
