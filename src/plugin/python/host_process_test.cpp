// SPDX-License-Identifier: Apache-2.0
// Hosts that do not do what they should, played by programs of the tests.
#include "host_process.hpp"

#include <string>

#include "frames.hpp"
#include "python_fixture.hpp"

namespace millrace::python {
namespace {

using namespace std::chrono_literals;

// Speaks the protocol by hand.
constexpr const char* kSpeak = R"(
import json, os, socket, struct, sys, time
sock = socket.socket(fileno=3)
os.set_blocking(4, True)
def write(data):
    while data:
        data = data[os.write(4, data):]
def send(kind, channel, payload):
    write(struct.pack("<IBI", len(payload), kind, channel) + payload)
def read(count):
    data = b""
    while len(data) < count:
        got = sock.recv(count - len(data))
        if not got:
            sys.exit(0)
        data += got
    return data
def receive():
    length, kind, channel = struct.unpack("<IBI", read(9))
    return kind, channel, read(length)
def events(channel, number, *texts):
    send(69, channel, struct.pack("<Q", number) + b"".join(t + b"\n" for t in texts))
def hello():
    assert receive()[0] == 1
    send(65, 0, b'{"protocol":1,"python":"3","executable":"x","pid":1}')
def loaded():
    kind, channel, payload = receive()
    assert kind == 2
    send(66, channel, json.dumps({"plugin": None, "extensions": [{"kind": "source", "name": None}], "patterns": [], "configuration": {}, "deferred": 0}).encode())
def started():
    kind, channel, payload = receive()
    assert kind == 3
    return channel
)";

class HostProcessTest : public PythonTest {
 protected:
  void speak(std::string_view text) { use_host(fmt::format("{}\n{}", kSpeak, text)); }
  // The source of a host that plays all of its part.
  std::string source_end(std::string_view text) {
    speak(fmt::format("hello()\nloaded()\nchannel = started()\n{}", text));
    start_source("");
    return finish();
  }
};

TEST_F(HostProcessTest, AHostThatEndsBeforeItHasAnsweredTellsWhatItSaidLast) {
  use_host("import sys\nprint('cannot do that', file=sys.stderr)\nsys.exit(4)\n");

  const auto loaded = load("", "source");

  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Errc::unavailable);
  EXPECT_NE(loaded.error().message().find("the host of plugin its.name ended with exit code 4 "
                                          "before it had answered: cannot do that"),
            std::string::npos)
      << loaded.error().message();
}

TEST_F(HostProcessTest, AHostThatDoesNotAnswerIsKilled) {
  use_host("import time\nprint('here', flush=True)\ntime.sleep(1000)\n");
  std::optional<Result<LoadedPlugin>> loaded;
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("load",
              keep(plugins().load(write("p.py", ""), "its.name", "source", {}, {}), loaded));
  ASSERT_TRUE(run_until([this] { return logged("here"); }));

  loop_.advance(10s);

  ASSERT_TRUE(run_until([&] { return loaded.has_value(); }));
  EXPECT_NE(loaded->error().message().find("did not answer within 10 seconds"), std::string::npos);
}

TEST_F(HostProcessTest, AHostOfAnotherVersionIsRefused) {
  speak("receive()\nsend(65, 0, b'{\"protocol\":2}')\ntime.sleep(100)\n");

  const auto loaded = load("", "source");

  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message().find("another version of Millrace: its protocol is 2"),
            std::string::npos)
      << loaded.error().message();
}

TEST_F(HostProcessTest, AHostThatCannotSetItselfUpSaysWhy) {
  speak(R"(
receive()
send(67, 0, json.dumps({"type": "LookupError", "message": "no user nobody2", "frames": [], "traceback": ""}).encode())
sys.exit(1)
)");

  const auto loaded = load("", "source");

  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message().find("could not be set up: LookupError: no user nobody2"),
            std::string::npos)
      << loaded.error().message();
}

TEST_F(HostProcessTest, GarbageEndsTheHost) {
  EXPECT_NE(source_end("write(os.urandom(8) + b'\\xff' * 1000)\ntime.sleep(100)\n")
                .find("the host of plugin its.name broke the protocol: it sent a frame of "),
            std::string::npos)
      << finish();
}

TEST_F(HostProcessTest, AFrameThatIsNoJsonEndsTheHost) {
  EXPECT_NE(source_end("send(67, channel, b'{')\nreceive()\n")
                .find("broke the protocol: a frame of type 67 is not a JSON object"),
            std::string::npos);
}

TEST_F(HostProcessTest, AnUnknownFrameEndsTheHost) {
  EXPECT_EQ(source_end("send(99, 0, b'')\nreceive()\n"),
            "the host of plugin its.name broke the protocol: a frame of type 99 is unknown");
}

TEST_F(HostProcessTest, AFrameBeyondTheLimitEndsTheHostBeforeItIsRead) {
  EXPECT_EQ(source_end("write(struct.pack('<IBI', (64 << 20) + 1, 69, channel))\nreceive()\n"),
            "the host of plugin its.name broke the protocol: it sent a frame of 67108865 bytes; "
            "the longest is 67108864");
}

TEST_F(HostProcessTest, EventsBeyondTheCreditEndTheHost) {
  EXPECT_NE(
      source_end("events(channel, 1, *[b'{}'] * 100000)\nreceive()\n").find("is beyond its credit"),
      std::string::npos);
}

TEST_F(HostProcessTest, EventsOutOfOrderEndTheHost) {
  EXPECT_EQ(source_end("events(channel, 1, b'{}')\nevents(channel, 3, b'{}')\nreceive()\n"),
            "the host of plugin its.name broke the protocol: event 3 instead of 2");
  EXPECT_EQ(context_.events.size(), 1u);
}

TEST_F(HostProcessTest, EventsThatSpanManyReadsArriveWhole) {
  EXPECT_EQ(source_end(R"(
number = 1
for size in (1, 1000, 300000, 3, 5000000, 65536, 70000):
    events(channel, number, json.dumps({"x": "x" * size}).encode(), b'{"i":%d}' % size)
    number += 2
send(68, channel, b'{"cancelled":false}')
receive()
)"),
            "success");
  ASSERT_EQ(context_.events.size(), 14u);
  std::size_t i = 0;
  for (const std::size_t size : {1, 1000, 300000, 3, 5000000, 65536, 70000}) {
    EXPECT_EQ(context_.events[i++], Value({{"x", std::string(size, 'x')}}));
    EXPECT_EQ(context_.events[i++], Value({{"i", size}}));
  }
}

TEST_F(HostProcessTest, WhatADeadHostHasSentIsDeliveredThoughItLeavesSomebodyWithTheSocket) {
  EXPECT_EQ(source_end(R"(
events(channel, 1, b'{"i":1}')
if os.fork() == 0:
    os.setsid()
    time.sleep(3)
    os._exit(0)
events(channel, 2, b'{"i":2}')
os.kill(os.getpid(), 9)
)"),
            "the host of plugin its.name was killed by signal 9");
  EXPECT_EQ(context_.events.size(), 2u);
}

TEST_F(HostProcessTest, AHostThatClosesItsSocketAndGoesOnIsKilled) {
  speak(
      "hello()\nloaded()\nstarted()\nsock.close()\nos.close(4)\nprint('closed', "
      "flush=True)\ntime.sleep(1000)\n");
  start_source("");
  ASSERT_TRUE(run_until([this] { return logged("closed"); }));
  loop_.run_until([] { return false; }, 50ms);  // the end is there; it is read

  loop_.advance(5s);

  EXPECT_EQ(finish(), "the host of plugin its.name has closed its connection and did not end");
}

TEST_F(HostProcessTest, AHostThatDoesNotStopIsTerminatedAndThenKilled) {
  speak(R"(
import signal
signal.signal(signal.SIGTERM, lambda *_: print("terminated", flush=True))
hello()
loaded()
print("ready", flush=True)
while True:
    time.sleep(0.01)
)");
  ASSERT_TRUE(load("", "source"));
  ASSERT_TRUE(run_until([this] { return logged("ready"); }));
  bool stopped = false;
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("stop", stop_plugins(), [&] { stopped = true; });
  loop_.run_ready();

  loop_.advance(5s);
  ASSERT_TRUE(run_until([this] { return logged("terminated"); }));
  EXPECT_FALSE(stopped);
  loop_.advance(2s);

  EXPECT_TRUE(run_until([&] { return stopped; }));
}

TEST_F(HostProcessTest, NothingRunsAfterTheStop) {
  speak("hello()\nloaded()\nreceive()\n");
  ASSERT_TRUE(load("", "source"));
  loop_.run_until_done(stop_plugins());

  const auto loaded = load("", "source");

  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Errc::unavailable);
}

TEST_F(HostProcessTest, RepeatsTheLoadingInANewProcess) {
  speak(R"(
hello()
kind, channel, payload = receive()
print("loading", json.loads(payload)["name"], flush=True)
send(66, channel, json.dumps({"plugin": None, "extensions": [{"kind": "source", "name": None}], "patterns": [], "configuration": {}, "deferred": 0}).encode())
kind, channel, payload = receive()
print("then", kind, flush=True)
if kind == 14:
    kind, channel, payload = receive()
os._exit(1)
)");
  start_source("");
  finish();
  plugins().go_live();
  restart_source();
  finish();
  EXPECT_TRUE(run_until([this] { return logged("then 14"); })) << log_text();
  EXPECT_EQ(std::ranges::count_if(
                log_lines_, [](const auto& line) { return line.contains("loading its.name"); }),
            2);
}

// ------------------------------------------------------------------------------ without a Python

class WithoutPython : public PythonTest {
 protected:
  WithoutPython() { needs_python_ = false; }
};

TEST_F(WithoutPython, SaysHowToGetIt) {
  options_.interpreter = "no-such-python";

  const auto loaded = load("", "source");

  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Errc::unavailable);
  EXPECT_EQ(loaded.error().message(),
            "its.name: there is no Python `no-such-python` (as --python or MILLRACE_PYTHON "
            "says); Python 3.9 or later is needed: install it (`apt install python3`), or name it "
            "with --python or MILLRACE_PYTHON");
}

TEST_F(WithoutPython, SaysWhatIsNotInstalled) {
  options_.host_folder = folder_ / "empty";
  if (!find_interpreter({})) GTEST_SKIP() << kHowToGetPython;

  const auto loaded = load("", "source");

  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message().find("there is no millrace_host in"), std::string::npos);
}

class Interpreter : public WithoutPython {
 protected:
  void TearDown() override {
    for (const char* name : {"MILLRACE_PYTHON", "VIRTUAL_ENV"}) ::unsetenv(name);
  }
  std::string program(std::string_view name) {
    const auto path = write(name, "#!/bin/sh\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path.string();
  }
  static std::string found(const PythonOptions& options = {}) {
    const auto path = find_interpreter(options);
    return path ? *path : path.error().message();
  }
};

TEST_F(Interpreter, IsTheOneNamedFirst) {
  const auto named = program("named");
  const auto by_variable = program("by_variable");
  const auto of_environment = program("environment/bin/python");

  ::setenv("VIRTUAL_ENV", (folder_ / "environment").c_str(), 1);
  EXPECT_EQ(found(), of_environment);
  ::setenv("MILLRACE_PYTHON", by_variable.c_str(), 1);
  EXPECT_EQ(found(), by_variable);
  EXPECT_EQ(found({.interpreter = named}), named);
}

TEST_F(Interpreter, OneThatIsNamedMustBeThere) {
  ::setenv("MILLRACE_PYTHON", (folder_ / "nothing").c_str(), 1);

  EXPECT_TRUE(found().contains("as MILLRACE_PYTHON says")) << found();
}

TEST(FrameReader, CutsWhatComesInPieces) {
  std::string bytes;
  append_frame(bytes, FrameType::events, 7, "abc");
  append_frame(bytes, FrameType::ended, 8, "");
  append_frame(bytes, FrameType::result, 9, std::string(500'000, 'x'));
  append_frame(bytes, FrameType::pong, 0, "");
  for (const std::size_t step : {1ul, 7ul, 100'000ul}) {
    FrameReader reader;
    std::vector<Frame> frames;
    std::vector<std::shared_ptr<const void>> kept;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      const auto room = reader.prepare();
      ASSERT_GE(room.size(), FrameReader::kLeastRead);
      const auto count = std::min(step, bytes.size() - at);
      std::copy_n(bytes.data() + at, count, room.data());
      reader.commit(count);
      while (true) {
        const auto frame = reader.next();
        ASSERT_TRUE(frame);
        if (!*frame) break;
        frames.push_back(**frame);
        kept.push_back(reader.memory());
      }
    }
    ASSERT_EQ(frames.size(), 4u);
    EXPECT_EQ(frames[0].payload, "abc");
    EXPECT_EQ(frames[0].channel, 7u);
    EXPECT_EQ(frames[1].type, FrameType::ended);
    EXPECT_EQ(frames[2].payload, std::string(500'000, 'x'));
    EXPECT_EQ(frames[3].type, FrameType::pong);
    EXPECT_EQ(reader.rest(), 0u);
  }
}

}  // namespace
}  // namespace millrace::python
