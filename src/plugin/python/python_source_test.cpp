// SPDX-License-Identifier: Apache-2.0
#include "python_source.hpp"

#include <signal.h>

#include <string>

#include "python_fixture.hpp"

namespace millrace::python {
namespace {

using namespace std::chrono_literals;

class PythonSourceTest : public PythonTest {
 protected:
  // The numbers 0, 1, 2… in the order in which they were put.
  void expect_continuous() {
    for (std::size_t i = 0; i < context_.events.size(); ++i) {
      ASSERT_EQ(context_.events[i], Value({{"i", i}}));
      ASSERT_EQ(context_.positions[i], i + 1);
    }
  }
  std::string note() { return read_file(folder_ / "note").value_or(""); }
};

TEST_F(PythonSourceTest, BringsWhatIsPutAndEndsWhenMainReturns) {
  start_source(R"(
async def main(queue, args):
    for i in range(args["count"]):
        await queue.put({"i": i})
)",
               {{"count", 5000}});

  EXPECT_EQ(finish(), "success") << log_text();
  EXPECT_EQ(context_.events.size(), 5000u);
  expect_continuous();
  EXPECT_LT(context_.batches, 5000u);
}

TEST_F(PythonSourceTest, GivesTheSettingsAsTheyAreWritten) {
  start_source(R"(
async def main(queue, args):
    await queue.put(args)
)",
               {{"any", {1, "x", nullptr}}, {"n", 2.5}});

  EXPECT_EQ(finish(), "success");
  ASSERT_EQ(context_.events.size(), 1u);
  EXPECT_EQ(context_.events[0], Value({{"any", {1, "x", nullptr}}, {"n", 2.5}}));
}

TEST_F(PythonSourceTest, TellsAnExceptionInTheOriginalsWordsWithItsTraceback) {
  start_source(R"(
def inner():
    raise ValueError("no such city")

async def main(queue, args):
    await queue.put({"i": 0})
    inner()
)");

  const auto file = (folder_ / "plugin1.py").string();
  EXPECT_EQ(finish(),
            fmt::format("ValueError: Source plugin failed with error message: 'no such city'\n"
                        "ValueError: no such city\n{0}:3 inner\n{0}:7 main",
                        file));
  EXPECT_EQ(context_.events.size(), 1u);
}

TEST_F(PythonSourceTest, TellsAnExceptionWithoutAMessage) {
  start_source("async def main(queue, args):\n    raise KeyError\n");

  EXPECT_TRUE(
      finish().starts_with("Unknown error KeyError: source plugin failed with no error message."))
      << finish();
}

TEST_F(PythonSourceTest, RefusesAFileWithoutMain) {
  start_source("x = 1\n");

  EXPECT_NE(finish().find("Entrypoint missing. Source module its.name must have function 'main'."),
            std::string::npos)
      << finish();
}

TEST_F(PythonSourceTest, RefusesAMainThatIsNoCoroutine) {
  start_source("def main(queue, args):\n    pass\n");

  EXPECT_NE(finish().find("Entrypoint from its.name is not a coroutine function."),
            std::string::npos)
      << finish();
}

TEST_F(PythonSourceTest, AHostThatExitsEndsTheSource) {
  start_source(R"(
import os
async def main(queue, args):
    await queue.put({"i": 0})
    os._exit(3)
)");

  EXPECT_EQ(finish(), "the host of plugin its.name ended with exit code 3");
  EXPECT_EQ(context_.events.size(), 1u);
}

TEST_F(PythonSourceTest, LosesNoEventThatWasPutWhenItsHostIsKilled) {
  start_source(fmt::format(R"(
import os
async def main(queue, args):
    note = os.open("{}", os.O_WRONLY | os.O_CREAT)
    i = 0
    while True:
        await queue.put({{"i": i}})
        i += 1
        os.pwrite(note, b"%d %d\n" % (os.getpid(), i), 0)
)",
                           (folder_ / "note").string()));
  ASSERT_TRUE(run_until([this] { return context_.events.size() > 3000; })) << log_text();
  context_.held = true;  // a full socket is the hard case
  const auto before = note();
  run_until([&] { return note() == before; });
  int pid = 0;
  ASSERT_EQ(std::sscanf(note().c_str(), "%d", &pid), 1);

  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  context_.held = false;
  context_.released.notify_all();

  EXPECT_EQ(finish(), "the host of plugin its.name was killed by signal 9");
  std::size_t put = 0;
  ASSERT_EQ(std::sscanf(note().c_str(), "%d %zu", &pid, &put), 2);
  EXPECT_GE(context_.events.size(), put);
  expect_continuous();
}

TEST_F(PythonSourceTest, IsHeldUpWhileTheEngineIsBehind) {
  context_.held = true;
  start_source(fmt::format(R"(
import os
async def main(queue, args):
    note = os.open("{}", os.O_WRONLY | os.O_CREAT)
    for i in range(100000):
        await queue.put({{"i": i}})
        os.pwrite(note, b"%d\n" % i, 0)
)",
                           (folder_ / "note").string()));
  ASSERT_TRUE(run_until([this] { return std::atoi(note().c_str()) > 40; }));
  std::string last;
  run_until([&] { return std::exchange(last, note()) == last; });
  EXPECT_LT(std::atoi(note().c_str()), 5000);

  context_.held = false;
  context_.released.notify_all();

  ASSERT_TRUE(run_until([this] { return context_.events.size() == 100000; }));
  EXPECT_EQ(finish(), "success");
  expect_continuous();
}

TEST_F(PythonSourceTest, LargeEventsAreHeldUpSooner) {
  start_source(fmt::format(R"(
import os
async def main(queue, args):
    note = os.open("{}", os.O_WRONLY | os.O_CREAT)
    for i in range(300):
        await queue.put({{"x": "x" * 1_000_000}})
        os.pwrite(note, b"%d\n" % i, 0)
)",
                           (folder_ / "note").string()));
  ASSERT_TRUE(run_until([this] { return context_.events.size() > 70; })) << log_text();
  context_.held = true;
  const auto taken = context_.events.size();
  std::string last;
  run_until([&] { return std::exchange(last, note()) == last; });
  EXPECT_LT(static_cast<std::size_t>(std::atoi(note().c_str())), taken + 20);

  context_.held = false;
  context_.released.notify_all();

  EXPECT_EQ(finish(), "success");
  EXPECT_EQ(context_.events.size(), 300u);
}

TEST_F(PythonSourceTest, EventsThatGrowAreHeldUpByTheirBytes) {
  start_source(fmt::format(R"(
import os
async def main(queue, args):
    note = os.open("{0}", os.O_WRONLY | os.O_CREAT)
    for i in range(20000):
        await queue.put({{"i": i}})
    while not os.path.exists("{0}.go"):
        await queue.put({{"i": -1}})
    for i in range(200):
        await queue.put({{"x": "x" * 1_000_000}})
        os.pwrite(note, b"%d\n" % i, 0)
)",
                           (folder_ / "note").string()));
  ASSERT_TRUE(run_until([this] { return context_.events.size() > 20000; })) << log_text();
  context_.held = true;
  write("note.go", "");
  std::string last = "none";
  ASSERT_TRUE(run_until([this] { return !note().empty(); })) << log_text();
  run_until([&] { return std::exchange(last, note()) == last; });
  EXPECT_LT(std::atoi(note().c_str()), 20);

  context_.held = false;
  context_.released.notify_all();

  EXPECT_EQ(finish(), "success");
  EXPECT_EQ(context_.events.back().at("x").get_string().size(), 1'000'000u);
  EXPECT_GE(std::atoi(note().c_str()), 199);
}

TEST_F(PythonSourceTest, ExitingIsAFailureLikeAnother) {
  start_source("import sys\nasync def main(queue, args):\n    sys.exit(3)\n");

  EXPECT_TRUE(finish().contains("SystemExit")) << finish();
}

TEST_F(PythonSourceTest, EndsWhenItIsCancelled) {
  start_source(fmt::format(R"(
import asyncio, pathlib
async def main(queue, args):
    try:
        await queue.put({{"i": 0}})
        await asyncio.sleep(1000)
    finally:
        pathlib.Path("{}").write_text("cleaned up")
)",
                           (folder_ / "note").string()));
  ASSERT_TRUE(run_until([this] { return context_.events.size() == 1; })) << log_text();

  sources_->request_stop();

  finish();
  EXPECT_EQ(outcome_->error().code(), Errc::cancelled);
  EXPECT_EQ(note(), "cleaned up");
}

TEST_F(PythonSourceTest, ASourceThatDoesNotEndIsKilledAfterTheGracePeriod) {
  start_source(R"(
import time
async def main(queue, args):
    await queue.put({"i": 0})
    while True:
        time.sleep(1)
)");
  ASSERT_TRUE(run_until([this] { return context_.events.size() == 1; })) << log_text();

  sources_->request_stop();
  loop_.run_ready();
  EXPECT_FALSE(outcome_);
  loop_.advance(5s);

  finish();
  EXPECT_EQ(outcome_->error().code(), Errc::cancelled);
  EXPECT_TRUE(logged("source test does not end: its host is killed")) << log_text();
}

TEST_F(PythonSourceTest, AFilterThatCannotGoOnEndsTheSource) {
  context_.failure = Error(Errc::io, "the filter is broken");
  start_source(R"(
async def main(queue, args):
    while True:
        await queue.put({"i": 0})
)");

  EXPECT_EQ(finish(), "the filter is broken");
}

TEST_F(PythonSourceTest, PrintedLinesReachTheLog) {
  start_source(R"(
import sys, logging
async def main(queue, args):
    print("hello")
    print("oh", file=sys.stderr)
    print("x" * 10000)
    logging.getLogger("weather").warning("rain")
    logging.getLogger().error("storm")
)");

  EXPECT_EQ(finish(), "success");
  EXPECT_TRUE(run_until([this] { return logged("xxx") && logged("oh"); })) << log_text();
  EXPECT_TRUE(logged("info plugin.its.name: hello")) << log_text();
  EXPECT_TRUE(logged("warning plugin.its.name: oh"));
  EXPECT_TRUE(logged("info plugin.its.name: " + std::string(4096, 'x') + "…"));
  EXPECT_TRUE(logged("warning plugin.its.name: weather: rain"));
  EXPECT_TRUE(logged("error plugin.its.name: storm"));
}

TEST_F(PythonSourceTest, AnEventThatIsNoJsonIsRefusedAlone) {
  start_source(R"(
async def main(queue, args):
    await queue.put({"i": object()})
    await queue.put({"i": 0})
)");

  EXPECT_EQ(finish(), "success");
  EXPECT_EQ(context_.refused.size(), 1u);
  EXPECT_EQ(context_.events.size(), 1u);
}

TEST_F(PythonSourceTest, TellsOfSettledEventsWhereFeedbackIsAskedFor) {
  start_source(R"(
import asyncio
async def main(queue, args):
    feedback = args["eda_feedback_queue"]
    for i in range(3):
        await queue.put({"i": i})
        back = await asyncio.wait_for(feedback.get(), 10)
        assert back["i"] == i and back["meta"]["source"]["name"] == "test", back
)",
               {{"feedback", true}});

  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(run_until([&] { return context_.events.size() == i; })) << log_text();
    EXPECT_FALSE(outcome_);
    context_.deliveries.back().settled();
  }
  EXPECT_EQ(finish(), "success");
}

TEST_F(PythonSourceTest, RunsAgainInANewHostAfterItsHostDied) {
  start_source(R"(
import os
async def main(queue, args):
    await queue.put({"pid": os.getpid()})
    os._exit(1)
)");
  EXPECT_EQ(finish(), "the host of plugin its.name ended with exit code 1");

  restart_source();
  EXPECT_EQ(finish(), "the host of plugin its.name ended with exit code 1");
  restart_source();
  EXPECT_FALSE(loop_.run_until([this] { return outcome_.has_value(); }, 200ms));
  loop_.advance(100ms);  // the second time it waits
  EXPECT_EQ(finish(), "the host of plugin its.name ended with exit code 1");

  ASSERT_EQ(context_.events.size(), 3u);
  EXPECT_NE(context_.events[0], context_.events[1]);
}

TEST_F(PythonSourceTest, ABlockedPluginIsReportedOnce) {
  start_source(fmt::format(R"(
import pathlib, time
async def main(queue, args):
    await queue.put({{"i": 0}})
    while not pathlib.Path("{}").exists():
        time.sleep(0.01)
)",
                           (folder_ / "note").string()));
  ASSERT_TRUE(run_until([this] { return context_.events.size() == 1; })) << log_text();

  for (int i = 0; i < 8; ++i) loop_.advance(10s);

  EXPECT_EQ(std::ranges::count_if(log_lines_,
                                  [](const auto& line) { return line.contains("blocks its"); }),
            1)
      << log_text();
  write("note", "");
  EXPECT_EQ(finish(), "success");
  EXPECT_TRUE(run_until([this] { return logged("answers again"); }));
}

TEST_F(PythonSourceTest, GrowingWithoutBoundEndsTheSourceAlone) {
  settings_.memory = std::uint64_t{256} << 20;
  start_source(R"(
async def main(queue, args):
    await queue.put({"i": 0})
    hoard = []
    while True:
        hoard.append(bytearray(10_000_000))
)");

  const auto end = finish();
  EXPECT_TRUE(end.contains("MemoryError") || end.contains("was killed by signal")) << end;
  EXPECT_EQ(context_.events.size(), 1u);
}

TEST_F(PythonSourceTest, AFloodOfPrintedLinesDoesNotHoldUpItsEvents) {
  start_source(R"(
async def main(queue, args):
    for i in range(200):
        await queue.put({"i": i})
        print("x" * 100_000)
)");

  EXPECT_EQ(finish(), "success");
  EXPECT_EQ(context_.events.size(), 200u);
  expect_continuous();
}

TEST_F(PythonSourceTest, RunsUnderSeccomp) {
  settings_.seccomp = true;
  start_source(R"(
import asyncio
async def main(queue, args):
    await asyncio.sleep(0)
    await queue.put({"i": 0})
)");

  EXPECT_EQ(finish(), "success") << log_text();
}

TEST_F(PythonSourceTest, AnUnknownUserIsToldAtTheStart) {
  settings_.user = "no-such-user-here";
  start_source("async def main(queue, args):\n    pass\n");

  EXPECT_TRUE(finish().contains("could not be set up")) << finish();
}

TEST_F(PythonSourceTest, TwoOfOneFileRunBesideEachOther) {
  start_source(R"(
import asyncio
started = 0
async def main(queue, args):
    global started
    started += 1
    await queue.put({"started": started})
    await asyncio.sleep(1000)
)");
  const auto first = std::move(source_);
  restart_source();

  ASSERT_TRUE(run_until([this] { return context_.events.size() == 2; })) << log_text();
  EXPECT_EQ(context_.events[0], context_.events[1]);  // nothing of a module lasts
  sources_->request_stop();
  EXPECT_TRUE(run_until([this] { return sources_->size() == 0; }));
}

TEST_F(PythonSourceTest, InheritsNoDescriptors) {
  const FileDescriptor leaked(::dup(0));  // NOLINT: left open across exec on purpose
  start_source(R"(
import os
async def main(queue, args):
    names = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            names[fd] = os.readlink("/proc/self/fd/" + fd)
        except OSError:
            pass
    await queue.put(names)
)");

  EXPECT_EQ(finish(), "success");
  ASSERT_EQ(context_.events.size(), 1u);
  const auto& open = context_.events[0].get_object();
  EXPECT_EQ(open.at("0"), "/dev/null");
  for (const auto& [number, name] : open) {
    const auto target = view(name.get_string());
    EXPECT_TRUE(target == "/dev/null" || target.starts_with("pipe:") ||
                target.starts_with("socket:") || target.starts_with("anon_inode:"))
        << number << " " << target;
  }
  EXPECT_LE(open.size(), 8u) << to_json(context_.events[0]);
}

}  // namespace
}  // namespace millrace::python
