// SPDX-License-Identifier: Apache-2.0
#include "alert_reader.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace::alertmanager {
namespace {

AlertReader reader(std::string alerts_path, std::string host_path = "labels.instance",
                   std::string separator = ".") {
  auto made =
      AlertReader::create({std::move(alerts_path), std::move(host_path), std::move(separator)});
  EXPECT_TRUE(made);
  return std::move(*made);
}

// The alerts as one text; an error's message.
std::string alerts(const AlertReader& reader, std::string_view body) {
  const auto value = *parse_json(body);
  const auto found = reader.alerts(value);
  if (!found) return found.error().message();
  std::string all;
  for (const auto* alert : *found) all += to_json(*alert) + ' ';
  return all;
}

std::string hosts(const AlertReader& reader, std::string_view alert) {
  return to_json(Value(reader.hosts(*parse_json(alert))));
}

TEST(HostOf, CutsThePort) {
  EXPECT_EQ(host_of("web1:9100"), "web1");
  EXPECT_EQ(host_of("web1"), "web1");
  EXPECT_EQ(host_of(""), "");
  EXPECT_EQ(host_of("https://example.com:443/x"), "https") << "as the original";
}

TEST(HostOf, KnowsAddressesOfIPv6) {
  EXPECT_EQ(host_of("[::1]:9100"), "::1");
  EXPECT_EQ(host_of("[fe80::1]"), "fe80::1");
  EXPECT_EQ(host_of("fe80::1"), "fe80::1");
  EXPECT_EQ(host_of("[::1"), "[");
  EXPECT_EQ(host_of("[x]:1"), "[x]");
  EXPECT_EQ(host_of("["), "[");
}

TEST(AlertReader, FindsAList) {
  EXPECT_EQ(alerts(reader("alerts"), R"({"alerts":[1,{"a":2}]})"), R"(1 {"a":2} )");
  EXPECT_EQ(alerts(reader("a/b", "", "/"), R"({"a":{"b":[1]}})"), "1 ");
}

TEST(AlertReader, TakesAnythingElseForOneAlert) {
  EXPECT_EQ(alerts(reader("alerts"), R"({"alerts":{"a":1}})"), R"({"a":1} )");
  EXPECT_EQ(alerts(reader("alerts"), R"({"alerts":null})"), "null ");
  EXPECT_EQ(alerts(reader(""), R"({"a":1})"), R"({"a":1} )");
}

TEST(AlertReader, FindsNoneWhereThePathLeadsNowhere) {
  EXPECT_EQ(alerts(reader("alerts"), R"({"x":1})"), "");
  EXPECT_EQ(alerts(reader("alerts"), "[1,2]"), "");
  EXPECT_EQ(alerts(reader("alerts"), "7"), "");
}

TEST(AlertReader, RefusesSeveralPlacesAndEmptyKeys) {
  EXPECT_NE(alerts(reader("a*"), R"({"a1":[1],"a2":[2]})"), "");
  EXPECT_NE(alerts(reader("alerts"), R"({"":1,"alerts":[1]})"), "1 ");
}

TEST(AlertReader, CleansTheHost) {
  EXPECT_EQ(hosts(reader(""), R"({"labels":{"instance":"web1:9100"}})"), R"(["web1"])");
  EXPECT_EQ(hosts(reader(""), R"({"labels":{"instance":["a","b"]}})"), R"([["a","b"]])");
}

TEST(AlertReader, HasNoHostWhereThereIsNoText) {
  EXPECT_EQ(hosts(reader(""), R"({"labels":{}})"), "[]");
  EXPECT_EQ(hosts(reader(""), R"({"labels":{"instance":7}})"), "[]");
  EXPECT_EQ(hosts(reader(""), R"({"labels":{"instance":null}})"), "[]");
  EXPECT_EQ(hosts(reader("", ""), R"({"labels":{"instance":"web1"}})"), "[]");
  EXPECT_EQ(hosts(reader("", "labels.*"), R"({"labels":{"a":"x","b":"y"}})"), "[]");
}

TEST(AlertReader, RefusesPathsThatAreNone) {
  EXPECT_FALSE(AlertReader::create({"alerts", "labels", ""}));
  EXPECT_FALSE(AlertReader::create({"**.a.**", "labels", "."}));
}

}  // namespace
}  // namespace millrace::alertmanager
