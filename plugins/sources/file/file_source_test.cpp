// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "event_file.hpp"
#include "millrace/base/files.hpp"
#include "millrace/plugin/testing/source_harness.hpp"
#include "millrace/plugin/testing/temporary_folder.hpp"

void millrace_describe_file_source(millrace::PluginBuilder&);

namespace millrace::file {
namespace {

namespace fs = std::filesystem;
using testing::SourceHarness;

class FileSource : public SourceHarness {
 public:
  explicit FileSource(Object settings)
      : SourceHarness(millrace_describe_file_source, "file", std::move(settings)) {}

  bool wait_for(std::size_t events) {
    return run_until([this, events] { return this->events().size() >= events; });
  }
  bool wait_for_log(std::size_t lines) {
    return run_until([this, lines] { return log_lines().size() >= lines; });
  }
  std::string texts() const {
    std::string all;
    for (const auto& event : events()) all += boost::json::serialize(event) + ' ';
    return all.substr(0, all.size() - (all.empty() ? 0 : 1));
  }
};

class FileSourceTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  std::string write(const std::string& name, const std::string& content) const {
    return folder_.write(name, content);
  }

 private:
  const testing::TemporaryFolder folder_;
};

TEST_F(FileSourceTest, SendsWhatTheFilesHoldAtTheStart) {
  FileSource source(
      {{"files",
        Array{write("one.yml", "a: 1\n"), write("list.yml", "- a: 2\n- a: [x, null]\n"),
              write("three.json", R"({"a": 3, "b": {"c": true}})"), write("empty.yml", "")}}});

  ASSERT_TRUE(source.wait_for(4));
  EXPECT_EQ(source.texts(), R"({"a":1} {"a":2} {"a":["x",null]} {"a":3,"b":{"c":true}})");
  EXPECT_EQ(source.batches(), 3U);
  EXPECT_FALSE(source.outcome());
}

TEST_F(FileSourceTest, SendsAgainWhenAFileIsWritten) {
  FileSource source({{"files", write("f.yml", "a: 1\n")}});
  ASSERT_TRUE(source.wait_for(1));

  write("other.yml", "a: 100\n");
  write("f.yml", "a: 2\n");

  ASSERT_TRUE(source.wait_for(2));
  EXPECT_EQ(source.texts(), R"({"a":1} {"a":2})");
}

TEST_F(FileSourceTest, SeesFilesThatEditorsReplace) {
  FileSource source({{"files", write("f.yml", "a: 1\n")}});
  ASSERT_TRUE(source.wait_for(1));

  ASSERT_TRUE(write_file_atomically(path("f.yml"), "a: 2\n"));
  ASSERT_TRUE(source.wait_for(2));
  ASSERT_TRUE(write_file_atomically(path("f.yml"), "a: 3\n"));
  ASSERT_TRUE(source.wait_for(3));

  EXPECT_EQ(source.texts(), R"({"a":1} {"a":2} {"a":3})");
}

TEST_F(FileSourceTest, WaitsForAFileThatDoesNotExistYet) {
  FileSource source({{"files", path("f.yml")}});
  ASSERT_TRUE(source.wait_for_log(1));
  EXPECT_NE(source.log_lines()[0].find("does not exist yet"), std::string::npos);

  write("f.yml", "a: 1\n");

  ASSERT_TRUE(source.wait_for(1));
  EXPECT_EQ(source.texts(), R"({"a":1})");
}

TEST_F(FileSourceTest, SeesAFileThatIsLinkedIntoPlace) {
  FileSource source({{"files", Array{path("hard.yml"), path("soft.yml")}}});
  ASSERT_TRUE(source.wait_for_log(2));
  write("elsewhere.yml", "a: 1\n");

  fs::create_hard_link(path("elsewhere.yml"), path("hard.yml"));
  ASSERT_TRUE(source.wait_for(1));
  fs::create_symlink(path("elsewhere.yml"), path("soft.yml"));
  ASSERT_TRUE(source.wait_for(2));
}

// As mounted configuration maps are changed: the file is a link through a link that is replaced.
TEST_F(FileSourceTest, SeesThatALinkOnTheWayLeadsElsewhere) {
  fs::create_directory(path("v1"));
  fs::create_directory(path("v2"));
  write("v1/f.yml", "a: 1\n");
  write("v2/f.yml", "a: 2\n");
  fs::create_symlink("v1", path("current"));
  fs::create_symlink("current/f.yml", path("f.yml"));
  FileSource source({{"files", path("f.yml")}});
  ASSERT_TRUE(source.wait_for(1));

  fs::create_symlink("v2", path("next"));
  fs::rename(path("next"), path("current"));

  ASSERT_TRUE(source.wait_for(2));
  EXPECT_EQ(source.texts(), R"({"a":1} {"a":2})");
}

TEST_F(FileSourceTest, LogsABrokenFileWithItsPlaceAndGoesOn) {
  FileSource source({{"files", write("f.yml", "a: 1\nb: [1\n")}});
  ASSERT_TRUE(source.wait_for_log(1));
  EXPECT_TRUE(source.log_lines()[0].find(path("f.yml") + ":") != std::string::npos)
      << source.log_lines()[0];

  write("f.yml", "a: 2\n");

  ASSERT_TRUE(source.wait_for(1));
  EXPECT_EQ(source.texts(), R"({"a":2})");
}

TEST_F(FileSourceTest, SaysThatADirectoryIsGone) {
  fs::create_directory(path("sub"));
  FileSource source({{"files", write("sub/f.yml", "a: 1\n")}});
  ASSERT_TRUE(source.wait_for(1));

  fs::remove_all(path("sub"));

  ASSERT_TRUE(source.wait_for_log(1));
  EXPECT_NE(source.log_lines()[0].find("no longer watched"), std::string::npos);
  EXPECT_FALSE(source.outcome());
}

TEST_F(FileSourceTest, FailsWhenThereIsNoSuchDirectory) {
  FileSource source({{"files", path("missing/f.yml")}});

  ASSERT_FALSE(source.finish());
  EXPECT_EQ(source.finish().error().code(), Errc::not_found);
}

TEST_F(FileSourceTest, RefusesNamesThatCannotBeFiles) {
  EXPECT_EQ(FileSource({{"files", Array{}}}).settings_problem(),
            "files must name at least one file");
  EXPECT_NE(FileSource({{"files", ""}}).settings_problem(), "");
  EXPECT_NE(FileSource({{"files", "folder/"}}).settings_problem(), "");
}

TEST_F(FileSourceTest, StopsWhenAsked) {
  FileSource source({{"files", write("f.yml", "a: 1\n")}});
  ASSERT_TRUE(source.wait_for(1));

  source.cancel();

  ASSERT_TRUE(source.outcome());
  EXPECT_EQ(source.outcome()->error().code(), Errc::cancelled);
}

TEST(EventFile, LeavesOutEntriesThatAreNoObjectsAndReportsThemOnce) {
  const auto content = parse_events("- a: 1\n- text\n- [2]\n- a: 3\n", "f.yml");

  EXPECT_EQ(content.events.size(), 2U);
  ASSERT_EQ(content.problems.size(), 1U);
  EXPECT_EQ(
      content.problems[0],
      "f.yml:2:3: an event must be an object, not a string; so must 1 more entry of the file");
}

TEST(EventFile, RefusesAnythingButObjectsAndLists) {
  EXPECT_EQ(parse_events("just text", "f.yml").problems[0],
            "f.yml:1:1: an event must be an object, not a string");
  EXPECT_EQ(parse_events("42", "f.yml").problems[0],
            "f.yml:1:1: an event must be an object, not a scalar");
}

}  // namespace
}  // namespace millrace::file
