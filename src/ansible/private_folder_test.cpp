// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/private_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "millrace/base/files.hpp"

namespace millrace::ansible {
namespace {

namespace fs = std::filesystem;

int mode_of(const fs::path& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? static_cast<int>(found.st_mode & 0777U) : -1;
}

class Folders : public ::testing::Test {
 protected:
  Folders() : folder_(std::move(*PrivateFolder::create())) {}
  std::string write(const fs::path& name, std::string_view text = "text") {
    return folder_->write(name, text)->string();
  }
  fs::path path(const fs::path& name) const { return folder_->path() / name; }

  std::unique_ptr<PrivateFolder> folder_;
};

TEST_F(Folders, BelongToTheirUserAloneAndGoWithTheirOwner) {
  const auto root = folder_->path();
  EXPECT_TRUE(root.filename().string().starts_with("eda"));
  EXPECT_EQ(mode_of(root), 0700);
  EXPECT_EQ(mode_of(write("env/extravars")), 0600);

  folder_.reset();

  EXPECT_FALSE(fs::exists(root));
}

TEST_F(Folders, AreCopiedWithAllThatIsInThem) {
  write("from/a", "A");
  write("from/b/c", "C");
  fs::permissions(path("from/a"), fs::perms::owner_all);
  fs::create_symlink("a", path("from/link"));
  fs::create_symlink("nowhere", path("from/dangling"));
  fs::create_directory_symlink("..", path("from/b/loop"));
  ASSERT_EQ(::mkfifo(path("from/pipe").c_str(), 0600), 0);
  write("to/there", "T");

  ASSERT_TRUE(copy_tree(path("from"), path("to")));

  EXPECT_EQ(read_file(path("to/a")), "A");
  EXPECT_EQ(mode_of(path("to/a")), 0700);
  EXPECT_EQ(read_file(path("to/b/c")), "C");
  EXPECT_EQ(read_file(path("to/there")), "T");
  EXPECT_EQ(read_file(path("to/link")), "A");
  EXPECT_FALSE(fs::is_symlink(path("to/link")));
  EXPECT_FALSE(fs::exists(path("to/dangling")));
  EXPECT_FALSE(fs::exists(path("to/b/loop")));
  EXPECT_FALSE(fs::exists(path("to/pipe")));
}

TEST_F(Folders, AreNotCopiedBeyondTheLimits) {
  write("from/a", "12345");
  write("from/b/c/d", "1");
  const auto code = [&](CopyLimits limits) {
    const auto copied = copy_tree(path("from"), path("to"), limits);
    return copied ? Errc::io : copied.error().code();
  };
  EXPECT_TRUE(copy_tree(path("from"), path("to")));
  EXPECT_EQ(code({.entries = 3}), Errc::unsupported);
  EXPECT_EQ(code({.bytes = 5}), Errc::unsupported);
  EXPECT_EQ(code({.depth = 2}), Errc::unsupported);
}

TEST_F(Folders, OfRunsAreNotCopiedFromWhereTheyLie) {
  write("tmp/site.yml", "");
  const char* set = std::getenv("TMPDIR");
  const std::string before = set == nullptr ? "/tmp" : set;
  ::setenv("TMPDIR", path("tmp").c_str(), 1);
  auto inner = PrivateFolder::create();
  ASSERT_TRUE(inner);
  const auto copied = copy_tree(path("tmp"), (*inner)->path() / "project");
  ::setenv("TMPDIR", before.c_str(), 1);
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_TRUE(fs::exists((*inner)->path() / "project" / "site.yml"));
  EXPECT_EQ(std::distance(fs::directory_iterator((*inner)->path() / "project"), {}), 1);
}

TEST_F(Folders, CannotBeCopiedFromNowhere) {
  EXPECT_EQ(copy_tree(path("nowhere"), path("to")).error().code(), Errc::not_found);
}

}  // namespace
}  // namespace millrace::ansible
