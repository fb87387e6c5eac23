// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/output.hpp"

#include <unistd.h>
#include <cerrno>
#include <optional>

#include "millrace/base/files.hpp"

namespace millrace {

Result<> Output::write(std::string_view text) {
  std::optional<StatusLine::Hidden> hidden;
  if (status_ != nullptr) hidden = status_->hide();
  while (!text.empty()) {
    const auto written = ::write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EPIPE || errno == EBADF)) {
      closed_ = true;
      return fail(Errc::unavailable, "standard output is closed");
    }
    if (written < 0) return fail_errno(errno, "cannot write to standard output");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

bool Output::is_terminal() const { return ::isatty(fd_) == 1; }

Result<> Output::banner(WallTime time, std::string_view name, std::string_view content) {
  std::string head = fmt::format("** {} [{}] ", to_local_text(time), name);
  if (head.size() < width_) head.append(width_ - head.size(), '*');
  return write(fmt::format("\n{}\n{}\n{}\n", head, content, std::string(width_, '*')));
}

}  // namespace millrace
