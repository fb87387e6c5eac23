// SPDX-License-Identifier: Apache-2.0
// The first line of a file says what it is:
//   {"millrace_journal":1}
// Behind it, for each rule set, its state when the file was begun (rule_set_journal.cpp), and then
// what came since, of all rule sets as it came. Each line says at once whose it is.
#include "millrace/pipeline/journal.hpp"

#include <algorithm>
#include <utility>

#include "journal_file.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/event.hpp"
#include "millrace/event/json.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::string_view kLogName = "journal";
constexpr std::string_view kFirstLine = "{\"millrace_journal\":1}\n";
constexpr std::string_view kOwner = R"("rule_set":)";
constexpr std::size_t kBeforeOwner = 32;             // {"at":1234567890123456789,
constexpr std::size_t kMuch = std::size_t{8} << 20;  // lines that wait; then no event is taken
// A file that has grown by that, and is several times what it was, is written anew.
constexpr std::uint64_t kLeastGrowth = std::uint64_t{64} << 20;
constexpr std::uint64_t kGrowth = 3;
constexpr Duration kRetryAfter = std::chrono::seconds(1);

// The end of a JSON text that begins the view.
std::size_t end_of_text(std::string_view json) {
  std::size_t at = 1;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return std::min(at + 1, json.size());
}

Result<std::string> owner_of(std::string_view line) {
  if (const auto at = line.find(kOwner); at < kBeforeOwner) {
    const auto rest = line.substr(at + kOwner.size());
    if (const auto name = parse_json(rest.substr(0, end_of_text(rest))); name && name->is_string())
      return std::string(view(name->get_string()));
  }
  return fail(Errc::corrupt, "it has a line that is none of a journal's: {}",
              printable(line.substr(0, 80)));
}

}  // namespace

Journal::Journal(JournalOptions options, Environment environment)
    : options_(std::move(options)),
      environment_(environment),
      file_(std::make_unique<JournalFile>(options_.folder, options_.sync)),
      tasks_(environment.loop.executor(), [this](std::string_view, const std::exception_ptr&) {
        writing_ = false;
        tell_failure(fail(Errc::io, "an exception ended the writing"));
      }) {}

Journal::~Journal() = default;

Result<> Journal::open() {
  auto past = file_->open();
  if (!past) return past.error();
  past_ = std::move(past->lines);
  const auto size = past_.size();
  past_.append(kTextPadding, ' ');
  std::string_view rest = std::string_view(past_).substr(0, size);
  if (rest.empty()) return {};
  if (past->broken_bytes > 0) {
    environment_.log.info(kLogName, "the last write, {} bytes, was not finished and did not count",
                          past->broken_bytes);
  }
  if (!rest.starts_with(kFirstLine)) {
    return fail(Errc::unsupported, "{}: a journal that this version does not know",
                options_.folder.string());
  }
  rest.remove_prefix(kFirstLine.size());
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n') + 1);
    rest.remove_prefix(line.size());
    const auto owner = owner_of(line);
    if (!owner) return Error(owner.error()).with_context(options_.folder.string());
    past_by_rule_set_[*owner].push_back(line);
  }
  return {};
}

Journal::Past Journal::take_past(std::string_view rule_set) {
  const auto found = past_by_rule_set_.find(rule_set);
  if (found == past_by_rule_set_.end()) return {};
  return std::move(past_by_rule_set_.extract(found).mapped());
}

std::uint64_t Journal::add(Snapshot snapshot) {
  rule_sets_.emplace(++next_rule_set_, std::move(snapshot));
  changed_ = true;
  return next_rule_set_;
}

void Journal::remove(std::uint64_t rule_set) {
  rule_sets_.erase(rule_set);
  changed_ = true;
}

Task<Result<>> Journal::begin() {
  for (const auto& [name, lines] : past_by_rule_set_) {
    environment_.log.warning(
        kLogName, "rule set {} is not run: what it remembers and has not done is kept", name);
  }
  if (past_by_rule_set_.empty()) past_ = {};
  begun_ = true;
  writing_ = true;
  const auto written = co_await write_anew();
  writing_ = false;
  if (!waiting_.empty() || !buffer_.empty()) schedule();
  co_return written;
}

std::string& Journal::begin_input() {
  ++totals_.inputs;
  schedule();
  return buffer_;
}

void Journal::when_safe(std::function<void()> then) {
  waiting_.push_back(std::move(then));
  schedule();
}

bool Journal::behind() const { return failing_ || full_ || buffer_.size() > kMuch; }

// The task begins when the loop has run what is ready: its lines make one commit.
void Journal::schedule() {
  if (!begun_ || failing_ || std::exchange(writing_, true)) return;
  tasks_.spawn("writing the journal", write_queue());
}

Task<> Journal::write_queue() {
  while (!failing_ && (!buffer_.empty() || !waiting_.empty())) {
    const auto written = wants_new_file() ? co_await write_anew() : co_await write_lines();
    if (!written) tell_failure(written.error());
  }
  writing_ = false;
}

Task<Result<>> Journal::write_lines() {
  writing_buffer_.clear();
  std::swap(writing_buffer_, buffer_);
  const auto waiting = std::exchange(waiting_, {});
  Result<> written;
  if (!writing_buffer_.empty()) {
    // The buffer and the file are the job's as long as this task waits for it.
    const auto job = [file = file_.get(), lines = std::string_view(writing_buffer_)] {
      return file->append(lines);
    };
    written = co_await environment_.pool.run(job);
    ++totals_.commits;
    totals_.bytes += writing_buffer_.size();
  }
  if (!written) {
    // The next file will have what they wait for.
    waiting_.insert(waiting_.begin(), waiting.begin(), waiting.end());
    co_return written;
  }
  for (const auto& then : waiting) then();
  room_.notify_all();
  co_return written;
}

// The state is that after all lines so far, so they need not be written.
Task<Result<>> Journal::write_anew() {
  auto lines = std::make_shared<const std::string>(state_of_all());
  changed_ = false;
  buffer_.clear();
  const auto waiting = std::exchange(waiting_, {});
  const auto job = [file = file_.get(), lines] { return file->begin(*lines); };
  const auto written = co_await environment_.pool.run(job);
  if (!written) {
    changed_ = true;
    waiting_.insert(waiting_.begin(), waiting.begin(), waiting.end());
    co_return written;
  }
  ++totals_.commits;
  totals_.bytes += lines->size();
  first_bytes_ = file_->bytes();
  tell_of_room();
  for (const auto& then : waiting) then();
  room_.notify_all();
  co_return written;
}

std::string Journal::state_of_all() const {
  std::string lines(kFirstLine);
  for (const auto& [name, snapshot] : rule_sets_) snapshot(lines);
  for (const auto& [name, past] : past_by_rule_set_) {
    for (const auto line : past) lines += line;
  }
  return lines;
}

bool Journal::wants_new_file() const {
  if (changed_) return true;
  const auto bytes = file_->bytes() + buffer_.size();
  return bytes > options_.most_bytes ||
         bytes > std::max(first_bytes_ * kGrowth, first_bytes_ + kLeastGrowth);
}

// From now on nothing is appended: what the failed write has left behind must stay the last thing
// in its file.
void Journal::tell_failure(const Error& why) {
  if (!std::exchange(failing_, true)) {
    environment_.log.error(kLogName, "{}; no event is taken until the journal can be written",
                           why.message());
  }
  if (finishing_) return;
  retry_ = environment_.loop.call_later(kRetryAfter, [this] {
    retry_.reset();
    writing_ = true;
    tasks_.spawn("writing the journal", retry());
  });
}

Task<> Journal::retry() {
  const auto written = co_await write_anew();
  writing_ = false;
  if (!written) {
    tell_failure(written.error());
    co_return;
  }
  failing_ = false;
  environment_.log.info(kLogName, "the journal can be written again");
  room_.notify_all();
  if (!buffer_.empty() || !waiting_.empty()) schedule();
}

// After a new file was begun: whether it holds more than is allowed already.
void Journal::tell_of_room() {
  const bool was_full = std::exchange(full_, first_bytes_ > options_.most_bytes);
  if (full_ && !was_full) {
    environment_.log.error(kLogName,
                           "what the rule sets remember takes {}, and the journal may have {}: no "
                           "event is taken until it is less",
                           human_bytes(static_cast<double>(first_bytes_)),
                           human_bytes(static_cast<double>(options_.most_bytes)));
  } else if (was_full && !full_) {
    environment_.log.info(kLogName, "the journal has room again");
  }
  if (full_ && !retry_ && !finishing_) {
    retry_ = environment_.loop.call_later(kRetryAfter, [this] {
      retry_.reset();
      when_safe([] {});
    });
  }
}

Task<Result<>> Journal::finish() {
  if (!begun_) co_return Result<>();
  finishing_ = true;
  if (retry_) environment_.loop.cancel(*retry_);
  retry_.reset();
  co_await tasks_.join();
  Result<> written;
  if (failing_ || changed_) {
    written = co_await write_anew();
  } else if (!buffer_.empty() || !waiting_.empty()) {
    written = co_await write_lines();
  }
  if (!written) {
    environment_.log.error(kLogName, "{}; what came last does not count as accepted",
                           written.error().message());
  }
  begun_ = false;
  waiting_.clear();
  co_return written;
}

}  // namespace millrace::pipeline
