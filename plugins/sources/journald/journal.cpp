// SPDX-License-Identifier: Apache-2.0
#include "journal.hpp"

#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>

#include "field_text.hpp"
#include "millrace/base/text.hpp"

namespace millrace::journald {
namespace {

constexpr std::size_t kMostOfAField = std::size_t{1} << 20;
constexpr std::size_t kMostOfABatch = std::size_t{4} << 20;
constexpr std::size_t kMostFields = 1024;

Error failed(int code, std::string_view what) { return fail_errno(-code, what); }

std::string lower(std::string_view name) {
  std::string made(name);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

Result<sd_journal*> open_at(const std::string& path) {
  sd_journal* journal = nullptr;
  int code = 0;
  std::error_code unknown;
  if (path.empty()) {
    code = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
  } else if (std::filesystem::is_directory(path, unknown)) {
    code = sd_journal_open_directory(&journal, path.c_str(), 0);
  } else {
    std::array<const char*, 2> files = {path.c_str(), nullptr};
    code = sd_journal_open_files(&journal, files.data(), 0);
  }
  if (code < 0) return failed(code, fmt::format("cannot open the journal {}", printable(path)));
  return journal;
}

}  // namespace

Result<std::shared_ptr<Journal>> Journal::open(const Options& options) {
  const auto opened = open_at(options.path);
  if (!opened) return opened.error();
  std::shared_ptr<Journal> journal(new Journal(*opened));
  sd_journal_set_data_threshold(*opened, kMostOfAField);
  if (!options.match.empty() &&
      sd_journal_add_match(*opened, options.match.data(), options.match.size()) < 0)
    return fail(Errc::invalid_settings, "Invalid match: {}", printable(options.match));
  journal->descriptor_ = sd_journal_get_fd(*opened);
  if (journal->descriptor_ < 0) return failed(journal->descriptor_, "cannot watch the journal");
  return journal;
}

Journal::~Journal() { sd_journal_close(journal_); }

Result<> Journal::seek_last() {
  int code = sd_journal_seek_tail(journal_);
  if (code >= 0) code = sd_journal_previous(journal_);
  if (code > 0) at_next_ = true;
  // Of what is empty, everything that comes is new.
  if (code == 0) code = sd_journal_seek_head(journal_);
  if (code < 0) return failed(code, "cannot find the end of the journal");
  return {};
}

Result<> Journal::seek_after(const std::string& cursor) {
  int code = sd_journal_seek_cursor(journal_, cursor.c_str());
  if (code >= 0) code = sd_journal_next(journal_);
  if (code > 0) at_next_ = sd_journal_test_cursor(journal_, cursor.c_str()) == 0;
  if (code < 0) return failed(code, "cannot find the place in the journal");
  return {};
}

Result<bool> Journal::advance() {
  if (std::exchange(at_next_, false)) return true;
  const int code = sd_journal_next(journal_);
  if (code < 0) return failed(code, "cannot read the journal");
  return code > 0;
}

Result<Journal::Batch> Journal::read(std::size_t most) {
  // Takes note of files that have come or gone.
  if (const int code = sd_journal_process(journal_); code < 0)
    return failed(code, "cannot watch the journal");
  Batch batch;
  std::size_t bytes = 0;
  while (batch.entries.size() < most && bytes < kMostOfABatch) {
    const auto advanced = advance();
    if (!advanced) return advanced.error();
    if (!*advanced) return batch;
    auto read = entry();
    if (!read) return read.error();
    for (const auto& field : read->fields) bytes += field.value().as_string().size();
    batch.entries.push_back(std::move(*read));
  }
  batch.more = true;
  return batch;
}

Result<Journal::Entry> Journal::entry() {
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  const void* data = nullptr;
  std::size_t size = 0;
  sd_journal_restart_data(journal_);
  // A field that is damaged ends the entry: what could be read is told.
  for (std::size_t count = 0; count < kMostFields; ++count) {
    if (sd_journal_enumerate_available_data(journal_, &data, &size) <= 0) break;
    const std::string_view field(static_cast<const char*>(data), size);
    const auto equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    auto& of_name = values[std::string(field.substr(0, equals))];
    if (of_name.empty()) names.emplace_back(field.substr(0, equals));
    of_name.emplace_back(field.substr(equals + 1));
  }
  Entry made;
  for (const auto& name : names) {
    const auto& of_name = values[name];
    made.fields[lower(name)] = field_text(name, {of_name.begin(), of_name.end()});
  }
  std::uint64_t time = 0;
  if (sd_journal_get_realtime_usec(journal_, &time) >= 0)
    made.fields["__realtime_timestamp"] = timestamp_text(time);
  sd_id128_t boot{};
  if (sd_journal_get_monotonic_usec(journal_, &time, &boot) >= 0) {
    std::array<char, SD_ID128_STRING_MAX> text{};
    made.fields["__monotonic_timestamp"] =
        monotonic_text(time, sd_id128_to_string(boot, text.data()));
  }
  char* cursor = nullptr;
  if (const int code = sd_journal_get_cursor(journal_, &cursor); code < 0)
    return failed(code, "cannot tell the place in the journal");
  const std::unique_ptr<char, decltype(&std::free)> owned(cursor, std::free);
  made.cursor = cursor;
  made.fields["__cursor"] = made.cursor;
  return made;
}

}  // namespace millrace::journald
