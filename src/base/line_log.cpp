// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/line_log.hpp"

#include <algorithm>
#include <utility>

namespace millrace {

void LineLog::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    keep(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    write();
    bytes.remove_prefix(end + 1);
  }
}

void LineLog::finish() {
  if (!line_.empty()) write();
}

void LineLog::keep(std::string_view bytes) {
  const auto kept = std::min(bytes.size(), kLongest - line_.size());
  line_ += bytes.substr(0, kept);
  if (kept < bytes.size()) cut_ = true;
}

void LineLog::write() {
  if (line_.ends_with('\r')) line_.pop_back();
  if (std::exchange(cut_, false)) line_ += "…";
  log_.write(level_, component_, line_);
  if (!line_.empty()) last_ = line_;
  line_.clear();
}

}  // namespace millrace
