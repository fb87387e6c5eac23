// SPDX-License-Identifier: Apache-2.0
#include "journal.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_journald_source(millrace::PluginBuilder&);

namespace millrace::journald {
namespace {

using testing::SourceHarness;

constexpr auto* kWriter = "/usr/lib/systemd/systemd-journal-remote";

// A journal, written by systemd's own program.
class Journald : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kWriter)) {
      ASSERT_EQ(std::getenv("CI"), nullptr) << "systemd-journal-remote is missing";
      GTEST_SKIP() << "systemd-journal-remote is missing";
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-j-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  void append(std::initializer_list<int> numbers) {
    std::ofstream text(folder_ / "export");
    for (const int i : numbers) {
      text << "__REALTIME_TIMESTAMP=" << 1'700'000'000'000'000 + i
           << "\n__MONOTONIC_TIMESTAMP=" << 1'000'000 + i
           << "\n_BOOT_ID=0123456789abcdef0123456789abcdef\nMESSAGE=" << i << "\nPARITY=" << i % 2
           << "\n\n";
    }
    text.close();
    const auto command =
        fmt::format("{} -o {} {} 2>/dev/null", kWriter, file(), (folder_ / "export").string());
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  std::string file() const { return (folder_ / "x.journal").string(); }

  static std::string messages(const Journal::Batch& batch) {
    std::string text;
    for (const auto& entry : batch.entries) text += entry.fields.at("message").as_string();
    return text;
  }

  std::filesystem::path folder_;
};

TEST_F(Journald, BeginsWithTheLastEntryAndGoesOn) {
  append({1, 2, 3});
  const auto journal = *Journal::open({.path = file()});
  ASSERT_TRUE(journal->seek_last());
  EXPECT_EQ(messages(*journal->read(10)), "3");
  append({4, 5});
  EXPECT_EQ(messages(*journal->read(10)), "45");
}

TEST_F(Journald, GoesOnAfterAnEntryInBatches) {
  append({1, 2, 3, 4});
  const auto journal = *Journal::open({.path = file()});
  ASSERT_TRUE(journal->seek_last());
  const auto last = journal->read(1);
  EXPECT_TRUE(last->more);
  EXPECT_FALSE(journal->read(1)->more);
  const auto again = *Journal::open({.path = file()});
  ASSERT_TRUE(again->seek_after(last->entries.at(0).cursor));
  EXPECT_EQ(messages(*again->read(10)), "");
  append({5, 6, 7});
  EXPECT_EQ(messages(*again->read(2)), "56");
  EXPECT_EQ(messages(*again->read(2)), "7");
}

TEST_F(Journald, TellsOnlyWhatMatches) {
  append({1, 2, 3, 4, 5});
  const auto journal = *Journal::open({.path = file(), .match = "PARITY=0"});
  ASSERT_TRUE(journal->seek_last());
  EXPECT_EQ(messages(*journal->read(10)), "4");
  EXPECT_EQ(Journal::open({.path = file(), .match = "parity"}).error().message(),
            "Invalid match: parity");
}

TEST_F(Journald, MakesAnEventOfAnEntry) {
  append({1});
  SourceHarness source(millrace_describe_journald_source, "journald",
                       {{"match", "ALL"}, {"path", file()}});
  ASSERT_TRUE(source.run_until([&] { return source.events().size() == 1; }));
  const auto& entry = source.events()[0].at("journald").as_object();
  EXPECT_EQ(entry.at("message"), Value("1"));
  EXPECT_EQ(entry.at("_boot_id"), Value("01234567-89ab-cdef-0123-456789abcdef"));
  EXPECT_EQ(entry.at("__realtime_timestamp"), Value("2023-11-14 22:13:20.000001+00:00"));
  EXPECT_TRUE(
      view(entry.at("__monotonic_timestamp").as_string()).starts_with("journal.Monotonic("));
  append({2});
  EXPECT_TRUE(source.run_until([&] { return source.events().size() == 2; }));
  source.cancel();
  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
}

TEST_F(Journald, SaysWhatCannotBeOpened) {
  SourceHarness source(millrace_describe_journald_source, "journald",
                       {{"match", "ALL"}, {"path", "/no/such.journal"}});
  const auto ended = source.finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::not_found);
}

TEST_F(Journald, EndsAtOnceWithoutAMatch) {
  SourceHarness source(millrace_describe_journald_source, "journald", {{"path", "/no/such"}});
  EXPECT_TRUE(source.finish());
}

}  // namespace
}  // namespace millrace::journald
