// SPDX-License-Identifier: Apache-2.0
#include "line_cutter.hpp"

#include <algorithm>
#include <utility>

#include "millrace/event/event.hpp"

namespace millrace::exec_source {

Lines LineCutter::add(std::string_view bytes) {
  Lines out;
  if (skipped_ > 0) skip(bytes, out);
  const auto end = bytes.rfind('\n') + 1;  // 0: there is none
  if (end > 0) cut(bytes.substr(0, end), out);
  begun_ += bytes.substr(end);
  if (begun_.size() > limit_ + 1) {  // more than a CR too long
    skipped_ = begun_.size();
    begun_ = {};
  }
  return out;
}

Lines LineCutter::finish() {
  Lines out;
  if (skipped_ > 0) out.too_long.push_back({++number_, std::exchange(skipped_, 0)});
  if (!begun_.empty()) cut({}, out);
  return out;
}

// The rest of a too long line.
void LineCutter::skip(std::string_view& bytes, Lines& out) {
  const auto end = std::min(bytes.find('\n'), bytes.size());
  skipped_ += end;
  if (end < bytes.size()) out.too_long.push_back({++number_, std::exchange(skipped_, 0)});
  bytes.remove_prefix(std::min(end + 1, bytes.size()));
}

void LineCutter::cut(std::string_view bytes, Lines& out) {
  auto memory = std::make_shared<std::string>();
  memory->reserve(begun_.size() + bytes.size() + kTextPadding);
  memory->append(begun_).append(bytes);
  const auto size = memory->size();
  memory->append(kTextPadding, '\0');
  begun_.clear();
  for (auto rest = std::string_view(*memory).substr(0, size); !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    add_line(rest.substr(0, end), out);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out.memory = std::move(memory);
}

void LineCutter::add_line(std::string_view line, Lines& out) {
  ++number_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > limit_) {
    out.too_long.push_back({number_, line.size()});
  } else {
    out.lines.push_back({line, number_});
  }
}

}  // namespace millrace::exec_source
