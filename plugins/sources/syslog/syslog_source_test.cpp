// SPDX-License-Identifier: Apache-2.0
#include "syslog_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/event/json.hpp"
#include "syslog_test_client.hpp"

void millrace_describe_syslog_source(millrace::PluginBuilder&);

namespace millrace::syslog {
namespace {

using namespace std::chrono_literals;
using testing::SourceHarness;

// The source on a free port of the loopback interface.
class Syslog : public SourceHarness {
 public:
  explicit Syslog(std::string_view transport, Object settings = {})
      : SourceHarness(millrace_describe_syslog_source, "syslog",
                      with_address(transport, std::move(settings))) {}

  std::uint16_t port() {
    auto* source = static_cast<SyslogSource*>(this->source());
    EXPECT_TRUE(run_until([source] { return source->port() != 0; }));
    return source->port();
  }
  bool wait_for(std::size_t count) {
    return run_until([this, count] { return events().size() >= count; });
  }
  /// Runs what is to be run soon.
  void turn() {
    EXPECT_TRUE(run_until([turns = 0]() mutable { return ++turns > 3; }));
  }
  std::vector<std::string> messages() const {
    std::vector<std::string> texts;
    for (const auto& event : events()) {
      texts.emplace_back(view(event.at("syslog").at("message").as_string()));
    }
    return texts;
  }
  bool logged(std::string_view part) const {
    return std::ranges::any_of(log_lines(),
                               [part](const auto& line) { return line.contains(part); });
  }

 private:
  static Object with_address(std::string_view transport, Object settings) {
    settings["transport"] = transport;
    if (!settings.contains("port")) settings["port"] = 0;
    return settings;
  }
};

using Texts = std::vector<std::string>;

std::string settings_problem(std::string_view transport, Object settings) {
  return Syslog(transport, std::move(settings)).settings_problem();
}

std::string logger(std::string_view options, std::uint16_t port) {
  return fmt::format("logger --server 127.0.0.1 --port {} --tag test -p auth.crit {} 'hello world'",
                     port, options);
}

TEST(Syslog, MakesAnEventOfADatagram) {
  Syslog source("udp");
  Sender sender(source, source.port(), SOCK_DGRAM);
  sender.send("<34>1 2003-10-11T22:14:15.003Z h su 1 ID47 - hi");
  ASSERT_TRUE(source.wait_for(1));

  EXPECT_EQ(to_json(source.events().front()),
            R"({"syslog":{"facility":"auth","severity":"crit","priority":34,)"
            R"("timestamp":"2003-10-11T22:14:15.003Z","hostname":"h","app_name":"su",)"
            R"("proc_id":"1","msg_id":"ID47","structured_data":null,"message":"hi",)"
            R"("format":"rfc5424"},"meta":{"peer":")" +
                sender.name() + R"("}})");
}

TEST(Syslog, SaysWhereItListens) {
  Syslog source("tcp");
  const auto port = source.port();
  EXPECT_EQ(source.log_lines().front(), fmt::format("info listening on tcp 127.0.0.1:{}", port));
}

TEST(Syslog, ListensOnEveryAddressOfAName) {
  Syslog source("udp", {{"host", "localhost"}});
  Sender sender(source, source.port(), SOCK_DGRAM);
  sender.send("<34>hi");
  EXPECT_TRUE(source.wait_for(1));
}

TEST(Syslog, ReadsDatagramsInBatches) {
  Syslog source("udp");
  Sender sender(source, source.port(), SOCK_DGRAM);
  for (int i = 0; i < 50; ++i) sender.send_some(fmt::format("<34>{}", i));
  ASSERT_TRUE(source.wait_for(50));

  EXPECT_LT(source.batches(), 50U);
  EXPECT_EQ(source.messages().back(), "49");
}

TEST(Syslog, RefusesADatagramThatIsTooLong) {
  Syslog source("udp", {{"max_message", 500}});
  Sender sender(source, source.port(), SOCK_DGRAM);
  const std::string fits(500, 'x');
  sender.send(fits);
  sender.send(fits + "y");
  sender.send("end");
  ASSERT_TRUE(source.wait_for(2));

  EXPECT_EQ(source.messages(), (Texts{fits, "end"}));
  ASSERT_EQ(source.rejected().size(), 1U);
  EXPECT_EQ(source.rejected().front().error.message(),
            fmt::format("a message of {} is longer than max_message, 500 bytes", sender.name()));
}

TEST(Syslog, WarnsThatDatagramsMayBeLostWhenTheEngineIsBehind) {
  Syslog source("udp");
  Sender sender(source, source.port(), SOCK_DGRAM);
  source.hold_events();
  sender.send("<34>a");
  ASSERT_TRUE(source.run_until([&] { return source.logged("the engine is behind"); }));
  EXPECT_TRUE(source.events().empty());

  source.release_events();
  EXPECT_TRUE(source.wait_for(1));
}

TEST(Syslog, TakesMessagesOfBothFramingsFromAConnection) {
  Syslog source("tcp");
  Sender sender(source, source.port());
  sender.send("<34>one\n7 <34>two<34>thr");
  ASSERT_TRUE(source.wait_for(2));
  sender.send("ee\n<34>four");
  ASSERT_TRUE(source.wait_for(3));
  EXPECT_EQ(source.messages(), (Texts{"one", "two", "three"}));

  sender.end();
  ASSERT_TRUE(source.wait_for(4));
  EXPECT_EQ(source.messages().back(), "four");
  EXPECT_TRUE(sender.closed());
  EXPECT_EQ(view(source.events().front().at("meta").at("peer").as_string()), sender.name());
}

TEST(Syslog, RefusesALongMessageOfAConnectionAndGoesOn) {
  Syslog source("tcp", {{"max_message", 480}});
  Sender sender(source, source.port());
  sender.send("<34>" + std::string(20'000, 'x') + "\n<34>a\n1000 <34>" + std::string(996, 'x') +
              "<34>b\n9 <34>");
  ASSERT_TRUE(source.wait_for(2));
  EXPECT_EQ(source.messages(), (Texts{"a", "b"}));
  EXPECT_EQ(source.rejected().size(), 2U);

  sender.end();
  EXPECT_TRUE(sender.closed());
  ASSERT_EQ(source.rejected().size(), 3U);
  EXPECT_EQ(source.rejected().back().error.message(),
            fmt::format("a message of {} is not whole", sender.name()));
}

TEST(Syslog, DoesNotReadWhileTheEngineIsBehind) {
  Syslog source("tcp");
  Sender sender(source, source.port());
  source.hold_events();
  const std::string line = "<34>" + std::string(1000, 'x') + "\n";
  std::size_t sent = 0;
  // The system's buffers fill up, and then nobody empties them.
  ASSERT_TRUE(source.run_until([&, full = 0]() mutable {
    full = full + 1;
    while (const auto some = sender.send_some(std::string_view(line).substr(sent % line.size()))) {
      sent += some;
      full = 0;
    }
    return full > 10;
  }));
  EXPECT_TRUE(source.events().empty());

  source.release_events();
  ASSERT_TRUE(source.wait_for(sent / line.size()));
}

TEST(Syslog, ClosesAConnectionThatBringsNoMessage) {
  Syslog source("tcp", {{"idle_timeout", 10}});
  Sender silent(source, source.port());
  Sender slow(source, source.port());
  Sender busy(source, source.port());
  slow.send("<34>never rea");
  busy.send("<34>a\n");
  ASSERT_TRUE(source.wait_for(1));
  source.turn();
  source.advance(6s);
  slow.send("d");
  busy.send("<34>b\n");
  ASSERT_TRUE(source.wait_for(2));
  source.turn();
  source.advance(6s);

  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(slow.closed());
  EXPECT_FALSE(busy.is_closed());
  EXPECT_EQ(source.rejected().size(), 1U) << "what the slow one began";
}

TEST(Syslog, LetsConnectionsBeyondTheLimitWait) {
  Syslog source("tcp", {{"max_connections", 1}});
  Sender first(source, source.port());
  first.send("<34>a\n");
  ASSERT_TRUE(source.wait_for(1));
  Sender second(source, source.port());
  second.send("<34>b\n");
  source.turn();
  EXPECT_EQ(source.events().size(), 1U);
  EXPECT_TRUE(source.logged("as many as max_connections allows"));

  first.end();
  ASSERT_TRUE(source.wait_for(2));
  EXPECT_EQ(source.messages().back(), "b");
}

TEST(Syslog, NamesThePortThatIsInUse) {
  for (const auto* const transport : {"udp", "tcp"}) {
    Syslog first(transport);
    const auto port = first.port();
    const auto outcome = Syslog(transport, {{"port", port}}).finish();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message(),
              fmt::format("cannot listen on {0} 127.0.0.1:{1}: Address already in use: another "
                          "program has port {1}",
                          transport, port));
  }
}

TEST(Syslog, FailsWhenTheHostHasNoAddress) {
  const std::string name(70, 'x');  // longer than a part of a name can be: nobody need be asked
  const auto outcome = Syslog("udp", {{"host", name}}).finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::not_found);
  EXPECT_TRUE(outcome.error().message().contains(name));
}

TEST(Syslog, ChecksItsSettings) {
  EXPECT_EQ(settings_problem("tls", {}), "transport: tls requires certfile");
  EXPECT_EQ(settings_problem("tcp", {{"cafile", "x"}}),
            "cafile is of use with transport: tls only, not with tcp");
  EXPECT_TRUE(settings_problem("sctp", {}).contains("transport"));
  EXPECT_TRUE(settings_problem("udp", {{"max_message", 100}}).contains("max_message"));
  EXPECT_TRUE(settings_problem("tls", {{"certfile", nullptr}}).contains("certfile"));
}

TEST(Syslog, StopsAtOnce) {
  for (const auto* const transport : {"udp", "tcp"}) {
    Syslog source(transport);
    Sender idle(source, source.port(),
                std::string_view(transport) == "udp" ? SOCK_DGRAM : SOCK_STREAM);
    idle.send("<34>a\n");
    ASSERT_TRUE(source.wait_for(1));
    source.hold_events();
    idle.send("<34>b\n");
    source.turn();
    source.cancel();
    const auto outcome = source.finish();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code(), Errc::cancelled);
    EXPECT_EQ(source.events().size(), 1U);
  }
}

TEST(Syslog, TakesWhatLoggerSends) {
  Syslog udp("udp");
  Syslog tcp("tcp");
  ASSERT_EQ(std::system(logger("--udp --rfc5424", udp.port()).c_str()), 0);
  ASSERT_EQ(std::system(logger("--udp --rfc3164 --id=7", udp.port()).c_str()), 0);
  ASSERT_EQ(std::system(logger("--tcp --rfc5424 --octet-count", tcp.port()).c_str()), 0);
  ASSERT_EQ(std::system(logger("--tcp --rfc3164", tcp.port()).c_str()), 0);
  ASSERT_TRUE(udp.wait_for(2));
  ASSERT_TRUE(tcp.wait_for(2));

  for (const auto* const source : {&udp, &tcp}) {
    for (const auto& event : source->events()) {
      const auto& message = event.at("syslog");
      EXPECT_EQ(message.at("facility"), Value("auth"));
      EXPECT_EQ(message.at("severity"), Value("crit"));
      EXPECT_EQ(message.at("app_name"), Value("test"));
      EXPECT_EQ(message.at("message"), Value("hello world"));
      EXPECT_TRUE(message.at("hostname").is_string());
    }
    EXPECT_NE(source->events().front().at("syslog").at("format"),
              source->events().back().at("syslog").at("format"));
  }
}

}  // namespace
}  // namespace millrace::syslog
