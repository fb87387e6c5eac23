// SPDX-License-Identifier: Apache-2.0
#include "event_file.hpp"

#include <limits>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/event.hpp"
#include "millrace/event/json.hpp"

namespace millrace::cli {
namespace {

// Large enough for what a machine's memory takes; a file of events is read by its owner's wish.
constexpr std::size_t kMostBytes = std::size_t{64} << 30;

Result<std::string> read_all(const std::string& file) {
  return read_file(file == "-" ? "/dev/stdin" : file, kMostBytes);
}

// One object over several lines, as people write it by hand.
bool is_one_text(std::string_view content) {
  const auto first_line = trim(trim(content).substr(0, trim(content).find('\n')));
  JsonLimits limits;
  limits.bytes = std::numeric_limits<std::size_t>::max();
  return !parse_json(first_line, limits) && parse_json(trim(content), limits).has_value();
}

}  // namespace

Result<EventFile> read_events(const std::string& file) {
  auto content = read_all(file);
  if (!content) return content.error();
  EventFile events{std::move(*content), {}};
  const auto length = events.content.size();
  events.content.append(kTextPadding, '\0');
  const std::string_view text(events.content.data(), length);
  if (is_one_text(text)) {
    events.entries.push_back({1, trim(text)});
    return events;
  }
  std::size_t line = 0;
  for (std::size_t start = 0; start < text.size();) {
    ++line;
    const auto end = std::min(text.find('\n', start), text.size());
    if (const auto entry = trim(text.substr(start, end - start)); !entry.empty())
      events.entries.push_back({line, entry});
    start = end + 1;
  }
  if (events.entries.empty()) return fail(Errc::not_found, "{}: there is no event in it", file);
  return events;
}

}  // namespace millrace::cli
