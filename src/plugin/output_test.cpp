// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "millrace/base/files.hpp"

namespace millrace {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }
  std::string read_all() {
    writer.close();
    std::string all;
    std::array<char, 4096> part{};
    for (ssize_t count = 0; (count = read(reader.get(), part.data(), part.size())) > 0;) {
      all.append(part.data(), static_cast<std::size_t>(count));
    }
    return all;
  }
  FileDescriptor reader;
  FileDescriptor writer;
};

TEST(Output, WritesTheTextAsItIs) {
  Pipe pipe;
  Output output(pipe.writer.get(), 80);

  ASSERT_TRUE(output.write("one\n"));
  ASSERT_TRUE(output.write(""));
  ASSERT_TRUE(output.write("two"));

  EXPECT_EQ(pipe.read_all(), "one\ntwo");
  EXPECT_FALSE(output.closed());
}

TEST(Output, FramesABannerAcrossTheTerminal) {
  Pipe pipe;
  const WallTime time(std::chrono::seconds(1'700'000'000));
  const auto head = "** " + to_local_text(time) + " [debug] ";

  ASSERT_TRUE(Output(pipe.writer.get(), 60).banner(time, "debug", "text"));

  EXPECT_EQ(pipe.read_all(), "\n" + head + std::string(60 - head.size(), '*') + "\ntext\n" +
                                 std::string(60, '*') + "\n");
}

TEST(Output, KeepsALongBannerHeadWhole) {
  Pipe pipe;
  const WallTime time(std::chrono::seconds(1'700'000'000));

  ASSERT_TRUE(Output(pipe.writer.get(), 10).banner(time, "debug", ""));

  EXPECT_EQ(pipe.read_all(), "\n** " + to_local_text(time) + " [debug] \n\n**********\n");
}

TEST(Output, KnowsThatItsReaderIsGone) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // as the program does
  Pipe pipe;
  pipe.reader.close();
  Output output(pipe.writer.get(), 80);

  const auto written = output.write("text");

  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Errc::unavailable);
  EXPECT_TRUE(output.closed());
  std::signal(SIGPIPE, before);
}

TEST(Output, TellsOfADiskThatIsFull) {
  const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full) GTEST_SKIP() << "no /dev/full here";
  Output output(full.get(), 80);

  const auto written = output.write("text");

  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Errc::io);
  EXPECT_FALSE(output.closed());
}

}  // namespace
}  // namespace millrace
