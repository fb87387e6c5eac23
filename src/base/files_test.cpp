// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace millrace {
namespace {

class Files : public testing::Test {
 protected:
  Files() : folder_(std::filesystem::path(testing::TempDir()) / "millrace-files-XXXXXX") {
    auto name = folder_.string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~Files() override { std::filesystem::remove_all(folder_); }

  std::size_t count() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::filesystem::path folder_;
};

TEST_F(Files, ReadsBackWhatWasWritten) {
  const auto path = folder_ / "file";
  for (const std::string& content :
       {std::string(), std::string("text\0more", 9), std::string(300'000, 'x')}) {
    ASSERT_TRUE(write_file_atomically(path, content));
    EXPECT_EQ(read_file(path).value(), content);
  }
  EXPECT_EQ(count(), 1u);
}

TEST_F(Files, ReadsFilesWhoseSizeIsNotKnownBefore) {
  EXPECT_FALSE(read_file("/proc/self/status").value().empty());
  EXPECT_EQ(read_file("/proc/sys/kernel/ostype").value(), "Linux\n");
}

TEST_F(Files, SaysWhyAFileCannotBeRead) {
  const auto missing = read_file(folder_ / "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Errc::not_found);
  EXPECT_NE(missing.error().message().find((folder_ / "missing").string()), std::string::npos);

  const auto directory = read_file(folder_);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error(),
            Error(Errc::io, "cannot read " + folder_.string() + ": is a directory"));
}

TEST_F(Files, ReportsAFileThatMayNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const auto path = folder_ / "secret";
  ASSERT_TRUE(write_file_atomically(path, "x"));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  const auto content = read_file(path);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code(), Errc::permission_denied);
}

TEST_F(Files, BoundsTheSizeExactly) {
  const auto path = folder_ / "file";
  ASSERT_TRUE(write_file_atomically(path, "12345"));
  EXPECT_TRUE(read_file(path, 5));
  const auto content = read_file(path, 4);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error(), Error(Errc::unsupported, path.string() + " is larger than 4 bytes"));
}

TEST_F(Files, AFailedWriteLeavesTheOldContentAndNothingElse) {
  const auto path = folder_ / "folder";
  std::filesystem::create_directories(path / "inside");
  const auto written =
      write_file_atomically(path, "text");  // a folder cannot be replaced by a file
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Errc::io);
  EXPECT_NE(written.error().message().find(path.string()), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_directory(path / "inside"));
  EXPECT_EQ(count(), 1u);
  EXPECT_EQ(write_file_atomically(folder_ / "none" / "file", "x").error().code(), Errc::not_found);
}

TEST_F(Files, AReaderSeesTheOldFileUntilItIsReplaced) {
  const auto path = folder_ / "file";
  ASSERT_TRUE(write_file_atomically(path, "old"));
  const FileDescriptor open(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(open);
  ASSERT_TRUE(write_file_atomically(path, "new"));
  std::array<char, 3> seen{};
  ASSERT_EQ(::read(open.get(), seen.data(), seen.size()), 3);
  EXPECT_EQ(std::string(seen.data(), seen.size()), "old");
  EXPECT_EQ(read_file(path).value(), "new");
}

TEST_F(Files, WritingToAClosedDescriptorIsAnError) {
  EXPECT_EQ(write_all(-1, "x").error().code(), Errc::io);
}

TEST_F(Files, ADescriptorHasOneOwner) {
  FileDescriptor first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(first);
  const int number = first.get();
  FileDescriptor second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): moved-from is empty
  EXPECT_EQ(second.get(), number);
  EXPECT_EQ(second.release(), number);
  EXPECT_FALSE(second);
  FileDescriptor third(number);
  third.close();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST_F(Files, NamesStandForAnyText) {
  EXPECT_EQ(file_name_of("Rules of today-1_a.b"), "Rules of today-1_a.b");
  EXPECT_EQ(file_name_of("../etc"), "%2E.%2Fetc");
  EXPECT_EQ(file_name_of("a%b\n"), "a%25b%0A");
  EXPECT_EQ(file_name_of("\xc3\xa9"), "%C3%A9");
  EXPECT_EQ(file_name_of(""), "%");
}

}  // namespace
}  // namespace millrace
