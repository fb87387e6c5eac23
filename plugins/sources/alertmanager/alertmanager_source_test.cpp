// SPDX-License-Identifier: Apache-2.0
#include "alertmanager_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/http_test_client.hpp"

void millrace_describe_alertmanager_source(millrace::PluginBuilder&);

namespace millrace::alertmanager {
namespace {

using testing::Client;
using testing::SourceHarness;

constexpr std::string_view kBody =
    R"({"status":"firing","alerts":[{"labels":{"instance":"web1:9100"}},{"labels":{"instance":"[::1]:9100"}},{"labels":{}}]})";

// The source on a free port of the loopback interface.
class Alerts : public SourceHarness {
 public:
  explicit Alerts(Object settings = {})
      : SourceHarness(millrace_describe_alertmanager_source, "alertmanager",
                      with_address(std::move(settings))) {}

  Client connect() {
    auto* source = static_cast<AlertmanagerSource*>(this->source());
    EXPECT_TRUE(run_until([source] { return source->port() != 0; }));
    return Client(*this, source->port());
  }
  // "status text" of a POST.
  std::string post(std::string_view target, std::string_view body, std::string_view headers = {}) {
    auto client = connect();
    const auto reply = client.post(target, body, headers);
    return fmt::format("{} {}", reply.status, reply.body);
  }
  std::string event(std::size_t i) const {
    return i < events().size() ? to_json(events()[i]) : "none";
  }

 private:
  static Object with_address(Object settings) {
    if (!settings.contains("host")) settings["host"] = "127.0.0.1";
    settings["port"] = 0;
    return settings;
  }
};

TEST(Alertmanager, MakesAnEventOfTheWholeAndOneOfEachAlert) {
  Alerts alerts;
  EXPECT_EQ(alerts.post("/alerts", kBody), "202 Received");

  ASSERT_EQ(alerts.events().size(), 4u);
  EXPECT_EQ(alerts.batches(), 1u);
  EXPECT_EQ(alerts.event(0),
            fmt::format(R"({{"payload":{},"meta":{{"endpoint":"alerts","headers":{{"Host":"test",)"
                        R"("Content-Length":"{}"}}}}}})",
                        kBody, kBody.size()));
  EXPECT_EQ(alerts.event(1),
            fmt::format(R"({{"alert":{{"labels":{{"instance":"web1:9100"}}}},"meta":{{"endpoint":)"
                        R"("alerts","headers":{{"Host":"test","Content-Length":"{}"}},)"
                        R"("hosts":["web1"]}}}})",
                        kBody.size()));
  EXPECT_EQ(to_json(alerts.events()[2].at("meta").at("hosts")), R"(["::1"])");
  EXPECT_EQ(to_json(alerts.events()[3].at("meta").at("hosts")), "[]");
}

TEST(Alertmanager, LeavesTheWholeOutIfAsked) {
  Alerts alerts({{"skip_original_data", true}});
  EXPECT_EQ(alerts.post("/alerts", kBody), "202 Received");
  EXPECT_EQ(alerts.events().size(), 3u);
  EXPECT_EQ(alerts.post("/alerts", R"({"no":"alerts"})"), "202 Received");
  EXPECT_EQ(alerts.events().size(), 3u);
}

TEST(Alertmanager, TakesTheWholeForOneAlert) {
  Alerts alerts({{"data_alerts_path", ""},
                 {"data_host_path", "from/host"},
                 {"data_path_separator", "/"},
                 {"skip_original_data", true}});
  EXPECT_EQ(alerts.post("/x", R"({"from":{"host":"db"}})"), "202 Received");
  EXPECT_EQ(to_json(alerts.events().at(0).at("alert")), R"({"from":{"host":"db"}})");
  EXPECT_EQ(to_json(alerts.events().at(0).at("meta").at("hosts")), R"(["db"])");
}

TEST(Alertmanager, TakesBodiesThatAreNoObjects) {
  Alerts alerts;
  EXPECT_EQ(alerts.post("/x", "[1,2]"), "202 Received");
  EXPECT_EQ(to_json(alerts.events().at(0).at("payload")), "[1,2]");
  EXPECT_EQ(alerts.events().size(), 1u);
}

TEST(Alertmanager, SaysThatItIsUp) {
  Alerts alerts;
  auto client = alerts.connect();
  client.send(Client::request("GET", "/", ""));
  const auto reply = client.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "up");
  client.send(Client::request("HEAD", "/?x", ""));
  EXPECT_EQ(client.reply(Client::Method::head).status, 200);
}

TEST(Alertmanager, RefusesOtherPathsAndMethods) {
  Alerts alerts;
  EXPECT_EQ(alerts.post("/a/b", "{}"), "404 404: Not Found");
  EXPECT_EQ(alerts.post("/a/", "{}"), "404 404: Not Found");
  auto client = alerts.connect();
  client.send(Client::request("GET", "/alerts", ""));
  const auto reply = client.reply();
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("Allow"), "POST");
  EXPECT_TRUE(alerts.events().empty());
}

TEST(Alertmanager, TellsWhereToPostInsteadOfTheRoot) {
  Alerts alerts;
  auto client = alerts.connect();
  const auto reply = client.post("/", "{}");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("Allow"), "GET,HEAD");
  EXPECT_TRUE(reply.body.contains("/alerts")) << reply.body;
}

TEST(Alertmanager, AnswersBadRequestToWhatIsNoJson) {
  Alerts alerts;
  for (const std::string_view body : {"", "no json", "{\"a\":", "\xFF"})
    EXPECT_EQ(alerts.post("/x", body), "400 Invalid JSON payload") << body;
  EXPECT_EQ(alerts.post("/x", "{}", "Content-Type: text/plain; charset=klingon\r\n"),
            "400 Invalid JSON payload");
  EXPECT_TRUE(alerts.events().empty());
}

TEST(Alertmanager, ReadsLatin1) {
  Alerts alerts;
  EXPECT_EQ(alerts.post("/x", "\"\xE9\"", "Content-Type: application/json; charset=latin1\r\n"),
            "202 Received");
  EXPECT_EQ(to_json(alerts.events().at(0).at("payload")), "\"é\"");
}

TEST(Alertmanager, RefusesAlertsThatAreInSeveralPlaces) {
  Alerts alerts({{"data_alerts_path", "*"}});
  EXPECT_TRUE(alerts.post("/x", R"({"a":1,"b":2})").starts_with("400 "));
  EXPECT_TRUE(alerts.events().empty());
}

TEST(Alertmanager, AsksForTheTokenAndHidesIt) {
  Alerts alerts({{"token", "s3cret"}});
  EXPECT_EQ(alerts.post("/x", "{}"), "401 401: Missing authorization token");
  EXPECT_EQ(alerts.post("/x", "{}", "Authorization: Bearer wrong\r\n"),
            "401 Invalid authorization token");
  EXPECT_EQ(alerts.post("/x", "{}", "Authorization: Bearer s3cret\r\n"), "202 Received");
  EXPECT_FALSE(alerts.event(0).contains("s3cret"));
}

TEST(Alertmanager, AnswersWhenTheEngineHasTakenTheEvents) {
  Alerts alerts({{"max_pending", 1}});
  auto first = alerts.connect();
  alerts.hold_events();
  first.send(Client::request("POST", "/x", kBody));
  alerts.run_until([turns = 0]() mutable { return ++turns > 5; });
  EXPECT_FALSE(first.heard());

  auto second = alerts.connect();
  const auto reply = second.post("/x", kBody);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("Retry-After"), "1");

  alerts.release_events();
  EXPECT_EQ(first.reply().status, 202);
  EXPECT_EQ(alerts.events().size(), 4u);
}

TEST(Alertmanager, RefusesTooLargeABody) {
  Alerts alerts({{"max_body_size", 10}});
  EXPECT_TRUE(alerts.post("/x", kBody).starts_with("413 "));
}

TEST(Alertmanager, RefusesTooManyAlerts) {
  Alerts alerts;
  std::string body = "[1";
  for (int i = 0; i < 10'000; ++i) body += ",1";
  EXPECT_EQ(alerts.post("/x", R"({"alerts":)" + body + "]}"), "413 More than 10000 alerts");
  EXPECT_TRUE(alerts.events().empty());
}

TEST(Alertmanager, WarnsOfAnOpenDoor) {
  const auto warns = [](Object settings) {
    Alerts alerts(std::move(settings));
    alerts.connect();
    return std::ranges::any_of(alerts.log_lines(), [](const std::string& line) {
      return line.starts_with("warning") && line.contains("anybody who reaches");
    });
  };
  EXPECT_TRUE(warns({{"host", "0.0.0.0"}}));
  EXPECT_FALSE(warns({{"host", "0.0.0.0"}, {"token", "x"}}));
  EXPECT_FALSE(warns({}));
}

TEST(Alertmanager, RefusesNullForWhatGuardsTheDoor) {
  EXPECT_NE(Alerts({{"token", nullptr}}).settings_problem(), "");
  EXPECT_NE(Alerts({{"certfile", nullptr}}).settings_problem(), "");
}

TEST(Alertmanager, StopsAtOnce) {
  Alerts alerts;
  auto client = alerts.connect();
  alerts.cancel();
  const auto outcome = alerts.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::alertmanager
