// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/terminal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>

#include "millrace/base/files.hpp"
#include "millrace/base/log.hpp"
#include "millrace/base/text.hpp"

namespace millrace {
namespace {

// Keeps what is written to it.
class Screen {
 public:
  Screen() : file_(::memfd_create("screen", MFD_CLOEXEC)) {}
  int fd() const { return file_.get(); }
  std::string written() const {
    std::string text(static_cast<std::size_t>(::lseek(file_.get(), 0, SEEK_CUR)), '\0');
    const auto got = ::pread(file_.get(), text.data(), text.size(), 0);
    EXPECT_EQ(got, static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  const FileDescriptor file_;
};

// What a terminal would show: rewritten lines as they ended.
std::string seen(const std::string& written) {
  std::string lines;
  std::string line;
  std::size_t column = 0;
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (written[i] == '\r') {
      column = 0;
    } else if (written.compare(i, 3, "\x1b[K") == 0) {
      line.resize(column);
      i += 2;
    } else if (written[i] == '\n') {
      lines += line + '\n';
      line.clear();
      column = 0;
    } else {
      line.resize(std::max(line.size(), column + 1));
      line[column++] = written[i];
    }
  }
  return lines + line;
}

TEST(StatusLine, IsRewrittenInPlaceAndErased) {
  const Screen screen;
  StatusLine status(screen.fd());
  status.show("one hundred");
  EXPECT_EQ(seen(screen.written()), "one hundred");
  status.show("two");
  EXPECT_EQ(seen(screen.written()), "two");
  status.erase();
  EXPECT_EQ(seen(screen.written()), "");
}

TEST(StatusLine, IsErasedAtItsEnd) {
  const Screen screen;
  {
    StatusLine(screen.fd()).show("one");
  }
  EXPECT_EQ(seen(screen.written()), "");
}

TEST(StatusLine, WritesNothingWhereNothingChanges) {
  const Screen screen;
  StatusLine status(screen.fd());
  status.erase();
  EXPECT_EQ(screen.written(), "");
  status.show("one");
  const auto once = screen.written();
  status.show("one");
  EXPECT_EQ(screen.written(), once);
}

TEST(StatusLine, FitsIntoTheTerminal) {
  int ends[2] = {-1, -1};  // NOLINT(modernize-avoid-c-arrays)
  const struct winsize size{.ws_row = 5, .ws_col = 10, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::openpty(&ends[0], &ends[1], nullptr, nullptr, &size), 0);
  const FileDescriptor user(ends[0]);
  const FileDescriptor terminal(ends[1]);
  EXPECT_EQ(terminal_width(terminal.get()), 10U);
  StatusLine status(terminal.get());
  status.show("twelve bytes");
  std::array<char, 100> buffer{};
  const auto got = ::read(user.get(), buffer.data(), buffer.size());
  ASSERT_GT(got, 0);
  EXPECT_EQ(seen({buffer.data(), static_cast<std::size_t>(got)}), "twelve by");
}

TEST(StatusLine, DoesNotWaitForATerminalThatWasHalted) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK), 0);
  const FileDescriptor reader(ends[0]);
  const FileDescriptor full(ends[1]);
  const std::string block(4096, 'x');
  while (::write(full.get(), block.data(), block.size()) > 0) {
  }
  StatusLine status(full.get());
  status.show("one");
  status.erase();  // nothing is shown, so nothing is written
}

TEST(StatusLine, IsNoPartOfLogLinesFromAnyThread) {
  const Screen screen;
  StatusLine status(screen.fd());
  Log log({.format = LogFormat::text, .fd = screen.fd(), .status = &status});
  constexpr int kLines = 200;
  {
    const std::jthread other([&] {
      for (int i = 0; i < kLines; ++i) log.warning("other", "line {}", i);
    });
    for (int i = 0; i < kLines; ++i) {
      status.show(fmt::format("{} percent", i));
      log.warning("this", "line {}", i);
    }
  }
  status.erase();
  const auto text = seen(screen.written());
  int count = 0;
  for (const auto line : split(trim(text), '\n')) {
    EXPECT_TRUE(line.contains(" WARNING ") && !line.contains("percent")) << line;
    ++count;
  }
  EXPECT_EQ(count, 2 * kLines);
}

}  // namespace
}  // namespace millrace
