// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/record.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <thread>

#include "millrace/base/files.hpp"
#include "millrace/event/json.hpp"
#include "millrace/pipeline/recorder.hpp"
#include "rule_set_recorder.hpp"

namespace millrace::pipeline {
namespace {

using namespace std::chrono_literals;
using Retract = rules::Session::Retract;
namespace fs = std::filesystem;

// What a reader makes of a file.
struct Read {
  std::vector<RecordLine> lines;
  std::vector<std::string> texts;  // of the lines
  bool complete = false;
  std::optional<Error> error;
};

Read read(const std::string& file) {
  Read all;
  const auto reader = RecordReader::open(file);
  if (!reader) {
    all.error = reader.error();
    return all;
  }
  all.complete = (*reader)->complete();
  while (true) {
    auto line = (*reader)->next();
    if (!line) all.error = line.error();
    if (!line || !*line) return all;
    all.texts.emplace_back((*line)->text);
    all.lines.push_back(std::move(**line));
  }
}

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const std::string& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
}

class RecordTest : public ::testing::Test {
 protected:
  RecordTest()
      : log_([this](LogLevel, std::string_view, std::string_view text) {
          told_.emplace_back(text);
        }) {
    std::string name = (fs::temp_directory_path() / "millrace-record-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    rules_.name = "The \"A\" set";
    rules_.rules.resize(2);
    rules_.rules[1].name = "Second";
  }
  ~RecordTest() override {
    end();
    fs::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Result<> begin(const RecordOptions& options) {
    recorder_ = std::make_unique<Recorder>(options,
                                           RecordHeader{.version = "1.2.3", .rulebooks = {"r.yml"}},
                                           Recorder::Environment{loop_, pool_, log_});
    lines_ = std::make_unique<RuleSetRecorder>(*recorder_, rules_);
    return recorder_->open();
  }
  void end() {
    if (recorder_) loop_.run_until_done(recorder_->finish());
  }

  Instant now() const { return clock_.now(); }
  void event(const std::string& json, std::string_view uuid = {}) {
    const auto event = Event::from_text(json);
    lines_->event(now(), event, {&origin_, WallTime(5us), {}}, uuid, {});
  }
  // That cannot be compressed to nothing.
  void random_events(int count, std::size_t size) {
    for (int i = 0; i < count; ++i) {
      std::string noise(size, '\0');
      for (auto& c : noise) c = static_cast<char>('a' + random_() % 26);
      event(fmt::format(R"({{"i": {}, "noise": "{}"}})", number_++, noise));
    }
  }
  static std::vector<std::int64_t> numbers(const Read& all) {
    std::vector<std::int64_t> out;
    out.reserve(all.texts.size());
    for (const auto& text : all.texts)
      out.push_back(parse_json(text)->get_object().at("i").as_int64());
    return out;
  }

  fs::path folder_;
  ManualClock clock_;
  MainLoop loop_{clock_};
  BlockingPool pool_{1};
  std::vector<std::string> told_;
  Log log_;
  rules::RuleSet rules_;
  const Origin origin_{"feed", "jsonl"};
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<RuleSetRecorder> lines_;
  std::mt19937 random_{1};
  int number_ = 0;
};

TEST_F(RecordTest, HasEventsAsTheyCame) {
  clock_.advance(1h);
  ASSERT_TRUE(begin({.file = path("r")}));
  clock_.advance(7ns);
  event("{\"i\": 1,\n\r\n  \"wide\": 123456789012345678901234567890, \"i\": 2}", "u-1");
  auto built = Event(parse_json(R"({"x": [1.0, "a\nb"]})").value())
                   .with_meta({{"endpoint", "/e"}})
                   .wrap("payload");
  lines_->event(now(), built, {}, {}, {});
  end();

  const auto all = read(path("r"));
  EXPECT_FALSE(all.error);
  EXPECT_TRUE(all.complete);
  ASSERT_EQ(all.lines.size(), 2U);
  const auto& text = all.lines[0];
  EXPECT_EQ(text.kind, RecordLine::Kind::event);
  EXPECT_EQ(text.at, 7ns);
  EXPECT_EQ(text.rule_set, "The \"A\" set");
  EXPECT_EQ(all.texts[0], "{\"i\": 1,     \"wide\": 123456789012345678901234567890, \"i\": 2}");
  EXPECT_FALSE(text.built);
  ASSERT_TRUE(text.source);
  EXPECT_EQ(text.source->name, "feed");
  EXPECT_EQ(text.source->type, "jsonl");
  EXPECT_EQ(text.received_at, WallTime(5us));
  EXPECT_EQ(text.uuid, "u-1");
  const auto& value = all.lines[1];
  EXPECT_TRUE(value.built);
  EXPECT_FALSE(value.source);
  EXPECT_EQ(value.wrap, "payload");
  EXPECT_EQ(to_json(value.meta), R"({"endpoint":"/e"})");
  EXPECT_EQ(all.texts[1], R"({"x":[1.0,"a\nb"]})");
}

TEST_F(RecordTest, HasFactsRetractionsTimeAndWhatFired) {
  ASSERT_TRUE(begin({.file = path("r")}));
  const auto named = Document::copy_of(parse_json(R"({"meta": {"uuid": "u\"1"}})").value());
  const auto nameless = Document::copy_of(parse_json(R"({"a": 1})").value());
  const std::vector<rules::Activation> fired{
      {.rule = 1, .at = now() + 3ns, .bindings = {{"a", named}, {"b", nameless}}}};
  lines_->advance(now(), {});
  lines_->fact(now() + 5ns, parse_json(R"({"os": "linux"})").value(), fired);
  lines_->retract(now() + 6ns, {{"os", "linux"}}, Retract::partial, {});
  lines_->retract(now() + 6ns, {{"os", "linux"}}, Retract::whole, {});
  end();

  const auto all = read(path("r"));
  ASSERT_EQ(all.lines.size(), 5U);
  EXPECT_EQ(all.lines[0].kind, RecordLine::Kind::advance);
  EXPECT_EQ(all.lines[1].kind, RecordLine::Kind::fact);
  EXPECT_EQ(all.texts[1], R"({"os":"linux"})");
  EXPECT_EQ(all.lines[2].kind, RecordLine::Kind::fired);
  EXPECT_EQ(all.lines[2].firing, to_recorded(rules_, fired[0], Instant()));
  EXPECT_EQ(all.lines[2].firing.rule, "Second");
  EXPECT_EQ(all.lines[2].firing.at, 3ns);
  EXPECT_EQ(all.lines[2].firing.bindings[0].second, "u\"1");
  EXPECT_TRUE(all.lines[2].firing.bindings[1].second.starts_with("#"));
  EXPECT_EQ(all.lines[3].how, Retract::partial);
  EXPECT_EQ(all.lines[4].how, Retract::whole);
  EXPECT_EQ(recorder_->totals().inputs, 4U);
  EXPECT_EQ(recorder_->totals().bytes, fs::file_size(path("r")));
}

TEST_F(RecordTest, IsWrittenASecondAfterItsFirstLineAndNotBefore) {
  ASSERT_TRUE(begin({.file = path("r")}));
  event(R"({"i": 1})");
  clock_.advance(1ms);
  event(R"({"i": 2})");
  loop_.advance(998ms);
  EXPECT_EQ(fs::file_size(path("r")), 0U);
  loop_.advance(1ms);
  ASSERT_TRUE(loop_.run_until([this] { return recorder_->totals().bytes > 0; }));
  EXPECT_EQ(read(path("r")).lines.size(), 2U);
  EXPECT_FALSE(read(path("r")).error);
}

TEST_F(RecordTest, IsForItsOwnerOnly) {
  ASSERT_TRUE(begin({.file = path("r")}));
  EXPECT_EQ(fs::status(path("r")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(RecordTest, GoesOnInANewFileWhenOneIsFull) {
  ASSERT_TRUE(begin({.file = path("r"), .most_bytes = 10'000, .keep = 100}));
  for (int i = 0; i < 50; ++i) {
    random_events(1, 1000);
    loop_.advance(1s);  // a frame of each
  }
  end();
  ASSERT_TRUE(fs::exists(path("r.2")));
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_LE(entry.file_size(), 10'000U) << entry.path();
  const auto all = read(path("r"));
  EXPECT_FALSE(all.error);
  EXPECT_TRUE(all.complete);
  EXPECT_EQ(all.lines.size(), 50U);
  EXPECT_TRUE(std::ranges::is_sorted(numbers(all)));
  // From an older file on, what was before it.
  const auto older = read(path("r.1"));
  EXPECT_TRUE(older.complete);
  EXPECT_LT(older.lines.size(), 50U);
}

TEST_F(RecordTest, KeepsAsManyFilesAsAllowed) {
  ASSERT_TRUE(begin({.file = path("r"), .most_bytes = 5'000, .keep = 2}));
  for (int i = 0; i < 100; ++i) {
    random_events(1, 1000);
    loop_.advance(1s);
  }
  end();
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 3);
  const auto all = read(path("r"));
  EXPECT_FALSE(all.error);
  EXPECT_FALSE(all.complete);
  EXPECT_EQ(numbers(all).back(), 99);
  EXPECT_GT(recorder_->totals().bytes, 15'000U);
}

TEST_F(RecordTest, TakesALineThatIsLargerThanAFile) {
  ASSERT_TRUE(begin({.file = path("r"), .most_bytes = 100, .keep = 9}));
  for (int i = 0; i < 3; ++i) {
    random_events(1, 5'000'000);
    loop_.advance(1s);
  }
  end();
  EXPECT_EQ(numbers(read(path("r"))), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_F(RecordTest, KeepsTheRecordOfAnEarlierRun) {
  ASSERT_TRUE(begin({.file = path("r")}));
  random_events(3, 10);
  end();
  ASSERT_TRUE(begin({.file = path("r")}));
  random_events(2, 10);
  end();
  EXPECT_EQ(numbers(read(path("r"))), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(numbers(read(path("r.1"))), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_F(RecordTest, IsReadUpToWhereItIsCut) {
  ASSERT_TRUE(begin({.file = path("r")}));
  for (int i = 0; i < 5; ++i) {
    random_events(3, 20);
    loop_.advance(1s);
  }
  end();
  const auto bytes = bytes_of(path("r"));
  std::size_t before = 0;
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size % 7) {
    write(path("cut"), bytes.substr(0, size));
    const auto all = read(path("cut"));
    EXPECT_GE(all.lines.size(), before) << size;
    EXPECT_EQ(all.lines.size() % 3, 0U) << "a frame is trusted as a whole";
    if (all.error) EXPECT_EQ(all.error->code(), Errc::corrupt) << all.error->message();
    before = all.lines.size();
  }
  EXPECT_EQ(before, 12U);
}

TEST_F(RecordTest, IsReadUpToWhereItIsDamaged) {
  ASSERT_TRUE(begin({.file = path("r")}));
  for (int i = 0; i < 5; ++i) {
    random_events(3, 20);
    loop_.advance(1s);
  }
  end();
  const auto bytes = bytes_of(path("r"));
  const auto whole = read(path("r")).texts;
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write(path("damaged"), damaged);
    const auto all = read(path("damaged"));
    // Some bits mean nothing.
    EXPECT_TRUE(all.error || all.texts == whole) << at;
    EXPECT_TRUE(std::ranges::equal(all.texts, std::span(whole).first(all.texts.size()))) << at;
  }
}

TEST_F(RecordTest, AFullDiskEndsItAndIsToldOnce) {
  ASSERT_TRUE(begin({.file = "/dev/full"}));
  for (int i = 0; i < 5; ++i) {
    random_events(3, 1000);
    loop_.advance(1s);
    loop_.run_until([this] { return !recorder_->on(); }, 100ms);
  }
  end();
  EXPECT_TRUE(recorder_->totals().failed);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_[0].contains("recording to /dev/full has ended")) << told_[0];
  EXPECT_TRUE(told_[0].contains("No space left")) << told_[0];
}

TEST_F(RecordTest, CannotBeginWhereThereIsNoFolder) {
  const auto begun = begin({.file = path("none/r")});
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code(), Errc::not_found);
}

TEST_F(RecordTest, SlowsTheReadersOfEventsDownWhenItsFileIsSlow) {
  const auto fifo = path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  FileDescriptor other_end(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(begin({.file = fifo}));
  while (!recorder_->behind()) random_events(100, 10'000);
  std::jthread reader([&other_end](const std::stop_token& stop) {
    std::string buffer(100'000, '\0');
    while (!stop.stop_requested() && ::read(other_end.get(), buffer.data(), buffer.size()) > 0) {
    }
  });
  bool caught_up = false;
  const auto wait = [](Recorder& recorder, bool& done) -> Task<> {
    done = co_await recorder.catch_up();
  };
  loop_.run_until_done(wait(*recorder_, caught_up));
  EXPECT_TRUE(caught_up);
  EXPECT_FALSE(recorder_->behind());
  end();
  reader.request_stop();
  EXPECT_EQ(::write(other_end.get(), "", 1), 1);  // wakes the reader
}

// --- what others may have written ----------------------------------------------------------------

constexpr std::string_view kHeader = R"({"millrace_record":1,"run":"x","part":1})";

TEST_F(RecordTest, IsAlsoReadUnpackedAndWithUnknownKeys) {
  write(path("r"),
        fmt::format("{}\n {{ \"new\" : [{{\"}}\":1}}, \"\\\"\"], \"event\": {{\"i\":\"}}\"}} , "
                    "\"at\":5, \"rule_set\":\"\\u0041\" }} \n",
                    kHeader));
  const auto all = read(path("r"));
  ASSERT_EQ(all.lines.size(), 1U) << all.error->message();
  EXPECT_EQ(all.texts[0], R"({"i":"}"})");
  EXPECT_EQ(all.lines[0].at, 5ns);
  EXPECT_EQ(all.lines[0].rule_set, "A");
}

TEST_F(RecordTest, OddLinesEndIt) {
  for (const std::string_view line : {"",
                                      "x",
                                      "{",
                                      "{}",
                                      "[]",
                                      "null",
                                      "{\"at\":5}",
                                      "{\"event\":{}",
                                      "{\"event\":}",
                                      "{\"event\":{}} x",
                                      "{\"event\":{},\"fact\":{}}",
                                      "{\"event\" {}}",
                                      "{\"event\":{} \"at\":1}",
                                      "{event:{}}",
                                      "{\"at\":-1,\"advance\":true}",
                                      "{\"at\":9223372036854775807,\"advance\":true}",
                                      "{\"at\":1e3,\"advance\":true}",
                                      "{\"at\":\"\",\"advance\":true}",
                                      "{\"rule_set\":5,\"advance\":true}",
                                      "{\"rule_set\":\"\\x\",\"advance\":true}",
                                      "{\"source\":{},\"event\":{}}",
                                      "{\"meta\":[],\"event\":{}}",
                                      "{\"fired\":5}",
                                      "{\"fired\":\"r\",\"bindings\":{\"m\":1}}",
                                      "{\"how\":\"so\",\"retract\":{}}",
                                      "{\"received_at\":-5,\"event\":{}}",
                                      "{\"\\",
                                      "{\"advance\":true}}",
                                      "{,\"advance\":true}"}) {
    write(path("r"), fmt::format("{}\n{}\n", kHeader, line));
    const auto all = read(path("r"));
    EXPECT_TRUE(all.lines.empty()) << line;
    ASSERT_TRUE(all.error) << line;
    EXPECT_EQ(all.error->code(), Errc::corrupt) << line;
    EXPECT_TRUE(all.error->message().contains("r:2")) << all.error->message();
  }
}

TEST_F(RecordTest, IsToldApartFromOtherFiles) {
  const auto refused = [this](const std::string& content) {
    write(path("r"), content);
    const auto all = read(path("r"));
    EXPECT_TRUE(all.error) << content;
    return all.error ? all.error->code() : Errc::cancelled;
  };
  EXPECT_EQ(refused(""), Errc::corrupt);
  EXPECT_EQ(refused("{\"i\": 1}\n"), Errc::corrupt);
  EXPECT_EQ(refused("\n"), Errc::corrupt);
  EXPECT_EQ(refused("no record"), Errc::corrupt);
  EXPECT_EQ(refused("{\"millrace_record\":2}\n"), Errc::unsupported);
  EXPECT_EQ(read(path("none")).error->code(), Errc::not_found);
}

}  // namespace
}  // namespace millrace::pipeline
