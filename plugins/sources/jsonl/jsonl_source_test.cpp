// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "jsonl_test_files.hpp"
#include "millrace/base/files.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_jsonl_source(millrace::PluginBuilder&);

namespace millrace::jsonl {
namespace {

using namespace std::chrono_literals;
using testing::SourceHarness;

class JsonlSource : public SourceHarness {
 public:
  explicit JsonlSource(Object settings)
      : SourceHarness(millrace_describe_jsonl_source, "jsonl", std::move(settings)) {}

  bool wait_for(std::size_t events) {
    return run_until([this, events] { return this->events().size() >= events; });
  }
  std::vector<std::int64_t> numbers() const {
    std::vector<std::int64_t> numbers;
    for (const auto& event : events()) numbers.push_back(event.at("i").as_int64());
    return numbers;
  }
};

std::vector<std::int64_t> count(std::int64_t to) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = 0; i < to; ++i) numbers.push_back(i);
  return numbers;
}

std::string lines(std::int64_t to) {
  std::string text;
  for (const auto i : count(to)) text += fmt::format("{{\"i\": {}}}\n", i);
  return text;
}

// Puts something else in the place of standard input until the end of the test.
class StandardInput {
 public:
  explicit StandardInput(int fd) : saved_(::dup(STDIN_FILENO)) { ::dup2(fd, STDIN_FILENO); }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput() { ::dup2(saved_.get(), STDIN_FILENO); }

 private:
  FileDescriptor saved_;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    read = FileDescriptor(ends[0]);
    write = FileDescriptor(ends[1]);
  }
  FileDescriptor read;
  FileDescriptor write;
};

TEST(JsonlSource, ReadsEveryLineInOrderAcrossBlocks) {
  const TestFolder folder;
  for (const auto bytes : {1, 20, 100, 100'000}) {
    JsonlSource source({{"path", folder.write("f", lines(1000))}, {"batch_bytes", bytes}});
    ASSERT_TRUE(source.finish());
    EXPECT_EQ(source.numbers(), count(1000));
    EXPECT_TRUE(source.rejected().empty());
  }
}

TEST(JsonlSource, HandsABlockOverAsOneBatch) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", lines(1000))}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.batches(), 1U);
}

TEST(JsonlSource, KnowsHowMuchOfTheFileItHasRead) {
  const TestFolder folder;
  const auto text = lines(100);
  for (const auto& content : {text, gzip(text)}) {
    JsonlSource source({{"path", folder.write("f", content)},
                        {"batch_bytes", static_cast<std::int64_t>(text.size() / 2)}});
    EXPECT_FALSE(source.source()->fraction_read());
    ASSERT_TRUE(source.finish());
    EXPECT_EQ(source.source()->fraction_read(), 1.0);
  }
}

TEST(JsonlSource, KnowsHowManyOfItsPassesItHasRead) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", lines(10))}, {"loop", 4}, {"rate", 10}});
  ASSERT_TRUE(source.wait_for(1));
  EXPECT_EQ(source.source()->fraction_read(), 0.25);
  source.advance(2s);
  ASSERT_TRUE(source.wait_for(20));
  source.advance(500ms);
  ASSERT_TRUE(source.wait_for(21));
  EXPECT_EQ(source.source()->fraction_read(), 0.75);

  JsonlSource for_ever({{"path", folder.path("f")}, {"loop", 0}, {"rate", 10}});
  ASSERT_TRUE(for_ever.wait_for(1));
  EXPECT_FALSE(for_ever.source()->fraction_read());
}

TEST(JsonlSource, ReadsPackedFiles) {
  const TestFolder folder;
  for (const auto& content : {gzip(lines(1000)), zstd(lines(1000))}) {
    JsonlSource source({{"path", folder.write("f", content)}, {"batch_bytes", 500}});
    ASSERT_TRUE(source.finish());
    EXPECT_EQ(source.numbers(), count(1000));
  }
}

TEST(JsonlSource, ToleratesWhatEditorsAndOtherSystemsLeave) {
  const TestFolder folder;
  const auto path = folder.write("f", "\xef\xbb\xbf{\"i\":0}\r\n\r\n \t \n{\"i\":1}\n\n{\"i\":2}");
  JsonlSource source({{"path", path}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(3));
  EXPECT_TRUE(source.rejected().empty());
}

TEST(JsonlSource, LeavesTheJudgementOfBadLinesToTheEngine) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", "{\"i\":0}\nnot json\n{\"i\":1}\n")}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(2));
  ASSERT_EQ(source.rejected().size(), 1U);
  EXPECT_EQ(source.rejected().front().index, 1U);
  EXPECT_TRUE(source.log_lines().empty());
}

TEST(JsonlSource, LeavesOutLinesBeyondTheLimitAndSaysWhich) {
  const TestFolder folder;
  const std::string huge = "{\"x\":\"" + std::string(std::size_t{17} << 20, 'x') + "\"}\n";
  JsonlSource source({{"path", folder.write("f", "{\"i\":0}\n" + huge + "{\"i\":1}\n")}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(2));
  ASSERT_EQ(source.rejected().size(), 1U);
  EXPECT_EQ(source.rejected()[0].index, 2U) << "the number of the line";
  EXPECT_EQ(source.rejected()[0].error.message(),
            "a line of 17.8 MB is left out: the limit is 16.8 MB");
}

TEST(JsonlSource, ReadsTheFileAsOftenAsItIsTold) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", lines(2))}, {"loop", 3}});

  ASSERT_TRUE(source.finish());
  const std::vector<std::int64_t> expected{0, 1, 0, 1, 0, 1};
  EXPECT_EQ(source.numbers(), expected);
}

TEST(JsonlSource, ReadsForEverUpToTheLimit) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", lines(3))}, {"loop", 0}, {"limit", 100}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.events().size(), 100U);
}

TEST(JsonlSource, EndsWhenThereIsNothingToRepeat) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", "\n\n")}, {"loop", 0}});

  ASSERT_TRUE(source.finish());
  EXPECT_TRUE(source.events().empty());
}

TEST(JsonlSource, StopsAfterTheLimit) {
  const TestFolder folder;
  const auto path = folder.write("f", lines(1000));
  for (const auto bytes : {20, 100'000}) {
    JsonlSource source({{"path", path}, {"limit", 7}, {"batch_bytes", bytes}});
    ASSERT_TRUE(source.finish());
    EXPECT_EQ(source.numbers(), count(7));
  }
}

TEST(JsonlSource, KeepsToTheRate) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", lines(100))}, {"rate", 10}});
  ASSERT_TRUE(source.wait_for(1));

  EXPECT_EQ(source.events().size(), 1U);
  source.advance(100ms);
  EXPECT_EQ(source.events().size(), 2U);
  source.advance(1s);
  EXPECT_EQ(source.events().size(), 12U);
  source.advance(1h);
  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(100));
}

TEST(JsonlSource, PacesHighRatesInBatches) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", lines(2000))}, {"rate", 1000}});
  ASSERT_TRUE(source.wait_for(1));

  source.advance(1s);
  EXPECT_EQ(source.events().size(), 1001U);
  EXPECT_LE(source.batches(), 102U);
}

TEST(JsonlSource, MakesUpForASecondAtMostAfterAPause) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", lines(1000))}, {"rate", 10}});
  ASSERT_TRUE(source.wait_for(1));
  source.hold_events();
  source.advance(30s);
  EXPECT_EQ(source.events().size(), 1U);

  source.release_events();  // the one that waited, and a second's worth
  EXPECT_LE(source.events().size(), 13U);
  source.advance(1s);
  EXPECT_LE(source.events().size(), 23U);
}

TEST(JsonlSource, ReadsOneBlockAheadWhileTheEngineIsBehind) {
  const TestFolder folder;
  JsonlSource source({{"path", folder.write("f", lines(1000))}, {"batch_bytes", 100}});
  source.hold_events();
  int turns = 0;
  source.run_until([&turns] { return ++turns > 20; });
  EXPECT_LE(source.batches(), 1U);

  source.release_events();
  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(1000));
}

TEST(JsonlSource, StopsInTheMiddleWhenAsked) {
  const TestFolder folder;
  const auto path = folder.write("f", lines(3));
  JsonlSource source({{"path", path}, {"loop", 0}});
  ASSERT_TRUE(source.wait_for(10));

  source.cancel();

  const auto outcome = source.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::cancelled);
}

TEST(JsonlSource, DeliversWhatComesBeforeADamagedPart) {
  const TestFolder folder;
  auto packed = gzip(lines(100'000));
  packed.resize(packed.size() / 2);
  JsonlSource source({{"path", folder.write("f", packed)}});

  const auto outcome = source.finish();

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::corrupt);
  EXPECT_NE(outcome.error().message().find("cut short"), std::string::npos);
  EXPECT_GT(source.events().size(), 10'000U);
  EXPECT_TRUE(source.rejected().empty());
}

TEST(JsonlSource, FailsWhenTheFileCannotBeRead) {
  JsonlSource source({{"path", "/nowhere/at/all"}});

  const auto outcome = source.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::not_found);
}

TEST(JsonlSource, RefusesSettingsThatMakeNoSense) {
  EXPECT_NE(JsonlSource(Object{}).settings_problem().find("path"), std::string::npos);
  EXPECT_NE(JsonlSource({{"path", "-"}, {"loop", 2}}).settings_problem().find("only once"),
            std::string::npos);
  EXPECT_NE(JsonlSource({{"path", "f"}, {"rate", 0}}).settings_problem().find("rate"),
            std::string::npos);
  EXPECT_NE(JsonlSource({{"path", "f"}, {"limit", 0}}).settings_problem().find("limit"),
            std::string::npos);
}

TEST(JsonlSource, PassesOnWhatArrivesOnAPipeWithoutWaitingForMore) {
  Pipe pipe;
  const StandardInput input(pipe.read.get());
  JsonlSource source({{"path", "-"}});

  ASSERT_TRUE(write_all(pipe.write.get(), "{\"i\":0}\n{\"i\":"));
  ASSERT_TRUE(source.wait_for(1));
  ASSERT_TRUE(write_all(pipe.write.get(), "1}\n{\"i\":2}\n"));
  ASSERT_TRUE(source.wait_for(3));
  ASSERT_TRUE(write_all(pipe.write.get(), "{\"i\":3}"));
  pipe.write.close();

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(4));
}

TEST(JsonlSource, LeavesTheFlagsOfStandardInputAlone) {
  Pipe pipe;
  const StandardInput input(pipe.read.get());
  JsonlSource source({{"path", "-"}});
  ASSERT_TRUE(write_all(pipe.write.get(), "{\"i\":0}\n"));
  ASSERT_TRUE(source.wait_for(1));

  EXPECT_EQ(::fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(JsonlSource, UnpacksWhatArrivesOnAPipe) {
  Pipe pipe;
  const StandardInput input(pipe.read.get());
  JsonlSource source({{"path", "-"}});
  const auto packed = zstd(lines(100));

  ASSERT_TRUE(write_all(pipe.write.get(), packed.substr(0, 3)));
  ASSERT_TRUE(write_all(pipe.write.get(), packed.substr(3)));
  pipe.write.close();

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(100));
}

TEST(JsonlSource, StopsWhileItWaitsForAPipe) {
  Pipe pipe;
  const StandardInput input(pipe.read.get());
  JsonlSource source({{"path", "-"}});
  ASSERT_TRUE(write_all(pipe.write.get(), "{\"i\":0}\n"));
  ASSERT_TRUE(source.wait_for(1));

  source.cancel();

  ASSERT_TRUE(source.run_until([&source] { return source.outcome().has_value(); }));
  EXPECT_EQ(source.outcome()->error().code(), Errc::cancelled);
}

TEST(JsonlSource, ReadsAFileThatIsStandardInput) {
  const TestFolder folder;
  const FileDescriptor file(::open(folder.write("f", lines(10)).c_str(), O_RDONLY | O_CLOEXEC));
  const StandardInput input(file.get());
  JsonlSource source({{"path", "-"}});

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(10));
}

TEST(JsonlSource, WaitsForTheWriterOfANamedPipe) {
  const TestFolder folder;
  const auto path = folder.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  JsonlSource source({{"path", path}});
  FileDescriptor writer;
  ASSERT_TRUE(source.run_until([&] {  // refused until the source has opened its end
    if (!writer) writer = FileDescriptor(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return static_cast<bool>(writer);
  }));
  EXPECT_FALSE(source.outcome());

  ASSERT_TRUE(write_all(writer.get(), lines(3)));
  writer.close();

  ASSERT_TRUE(source.finish());
  EXPECT_EQ(source.numbers(), count(3));
}

}  // namespace
}  // namespace millrace::jsonl
