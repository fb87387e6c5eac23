// SPDX-License-Identifier: Apache-2.0
#include "progress_line.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "millrace/base/files.hpp"

namespace millrace::daemon {
namespace {

using namespace std::chrono_literals;

class ProgressLineTest : public ::testing::Test {
 protected:
  ProgressLineTest() : screen_(::memfd_create("screen", MFD_CLOEXEC)), line_(screen_.get()) {}

  void begin() {
    progress_line_ = std::make_unique<ProgressLine>(loop_, line_, [this] { return progress_; });
  }
  // What was written since the last call.
  std::string written() {
    std::string text(1000, '\0');
    const auto got = ::pread(screen_.get(), text.data(), text.size(), read_);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    read_ += got;
    return text;
  }
  static std::string shown(std::string_view text) { return fmt::format("\r{}\x1b[K", text); }

  ManualClock clock_;
  MainLoop loop_{clock_};
  const FileDescriptor screen_;
  StatusLine line_;
  pipeline::Progress progress_;
  std::unique_ptr<ProgressLine> progress_line_;
  off_t read_ = 0;
};

TEST_F(ProgressLineTest, TellsHowARunGoesOn) {
  EXPECT_EQ(progress_text({.events = 1'234'567, .fired = 89, .waiting = 1, .fraction_read = {}},
                          12'345.6),
            "1,234,567 events, 12,345/s, 89 fired, 1 waiting");
  EXPECT_EQ(progress_text({.events = 1, .fired = 0, .waiting = 0, .fraction_read = 0.999}, 0),
            "99% read, 1 events, 0/s, 0 fired, 0 waiting");
}

TEST_F(ProgressLineTest, ShowsNothingOfAShortRun) {
  begin();
  loop_.advance(199ms);
  progress_line_.reset();
  loop_.advance(10s);
  EXPECT_EQ(written(), "");
}

TEST_F(ProgressLineTest, IsRewrittenFiveTimesASecond) {
  begin();
  for (int i = 1; i <= 5; ++i) {
    progress_.events += 10;
    loop_.advance(199ms);
    EXPECT_EQ(written(), "");
    loop_.advance(1ms);
    EXPECT_EQ(written(), shown(fmt::format("{} events, 50/s, 0 fired, 0 waiting", i * 10)));
  }
}

TEST_F(ProgressLineTest, TellsTheRateOfTheLastSecond) {
  progress_.events = 1000;
  begin();
  progress_.events = 3000;
  loop_.advance(1s);
  EXPECT_TRUE(written().contains("3,000 events, 10,000/s"));
  loop_.advance(1s);
  EXPECT_TRUE(written().ends_with(shown("3,000 events, 0/s, 0 fired, 0 waiting")));
}

TEST_F(ProgressLineTest, IsErasedAtTheEnd) {
  begin();
  loop_.advance(200ms);
  written();
  progress_line_.reset();
  EXPECT_EQ(written(), shown(""));
  loop_.advance(1s);
  EXPECT_EQ(written(), "");
}

}  // namespace
}  // namespace millrace::daemon
