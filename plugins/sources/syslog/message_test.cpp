// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "millrace/event/json.hpp"

namespace millrace::syslog {
namespace {

// The event of a message without the keys that are null.
std::string parsed(std::string_view message) {
  Object shown;
  for (const auto& [key, value] : parse_message(message)) {
    if (!value.is_null()) shown[key] = value;
  }
  return to_json(Value(shown));
}

std::string_view format_of(const Object& message) { return view(message.at("format").as_string()); }

TEST(SyslogMessage, ReadsTheExamplesOfRfc5424) {
  EXPECT_EQ(to_json(Value(parse_message("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - "
                                        "ID47 - \xEF\xBB\xBF'su root' failed for lonvick on "
                                        "/dev/pts/8"))),
            R"({"facility":"auth","severity":"crit","priority":34,)"
            R"("timestamp":"2003-10-11T22:14:15.003Z","hostname":"mymachine.example.com",)"
            R"("app_name":"su","proc_id":null,"msg_id":"ID47","structured_data":null,)"
            R"("message":"'su root' failed for lonvick on /dev/pts/8","format":"rfc5424"})");
  EXPECT_EQ(
      parsed("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to "
             "make the do-nuts."),
      R"({"facility":"local4","severity":"notice","priority":165,)"
      R"("timestamp":"2003-08-24T05:14:15.000003-07:00","hostname":"192.0.2.1",)"
      R"("app_name":"myproc","proc_id":"8710","message":"%% It's time to make the do-nuts.",)"
      R"("format":"rfc5424"})");
  EXPECT_EQ(parsed("<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
                   "[exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"] "
                   "\xEF\xBB\xBF"
                   "An application event log entry..."),
            R"({"facility":"local4","severity":"notice","priority":165,)"
            R"("timestamp":"2003-10-11T22:14:15.003Z","hostname":"mymachine.example.com",)"
            R"("app_name":"evntslog","msg_id":"ID47","structured_data":{"exampleSDID@32473":)"
            R"({"iut":"3","eventSource":"Application","eventID":"1011"}},)"
            R"("message":"An application event log entry...","format":"rfc5424"})");
  EXPECT_EQ(parsed("<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
                   "[exampleSDID@32473 iut=\"3\"][examplePriority@32473 class=\"high\"]"),
            R"({"facility":"local4","severity":"notice","priority":165,)"
            R"("timestamp":"2003-10-11T22:14:15.003Z","hostname":"mymachine.example.com",)"
            R"("app_name":"evntslog","msg_id":"ID47","structured_data":{"exampleSDID@32473":)"
            R"({"iut":"3"},"examplePriority@32473":{"class":"high"}},"message":"",)"
            R"("format":"rfc5424"})");
}

TEST(SyslogMessage, ReadsTheExamplesOfRfc3164) {
  EXPECT_EQ(to_json(Value(parse_message(
                "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"))),
            R"({"facility":"auth","severity":"crit","priority":34,)"
            R"("timestamp":"Oct 11 22:14:15","hostname":"mymachine","app_name":"su",)"
            R"("proc_id":null,"msg_id":null,"structured_data":null,)"
            R"("message":"'su root' failed for lonvick on /dev/pts/8","format":"rfc3164"})");
  EXPECT_EQ(parsed("Use the BFG!"), R"({"message":"Use the BFG!","format":"raw"})");
  EXPECT_EQ(parsed("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!"),
            R"({"facility":"user","severity":"notice","priority":13,)"
            R"("timestamp":"Feb  5 17:32:18","hostname":"10.0.0.99","message":"Use the BFG!",)"
            R"("format":"rfc3164"})");
  EXPECT_EQ(parsed("<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time"),
            R"({"facility":"local4","severity":"notice","priority":165,)"
            R"("timestamp":"Aug 24 05:34:00","hostname":"CST",)"
            R"("message":"1987 mymachine myproc[10]: %% It's time","format":"rfc3164"})");
  EXPECT_EQ(parsed("<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: "
                   "That's All Folks!"),
            R"({"facility":"kern","severity":"emerg","priority":0,)"
            R"("message":"1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: )"
            R"(That's All Folks!","format":"rfc3164"})");
}

TEST(SyslogMessage, ReadsWhatLocalProgramsAndRelaysSend) {
  EXPECT_EQ(parsed("<13>Nov 14 22:13:20 sshd[42]: hello"),
            R"({"facility":"user","severity":"notice","priority":13,)"
            R"("timestamp":"Nov 14 22:13:20","app_name":"sshd","proc_id":"42","message":"hello",)"
            R"("format":"rfc3164"})");
  EXPECT_EQ(parsed("<30>2023-11-14T22:13:20.123456+01:00 host postfix/smtpd[7]: done"),
            R"({"facility":"daemon","severity":"info","priority":30,)"
            R"("timestamp":"2023-11-14T22:13:20.123456+01:00","hostname":"host",)"
            R"("app_name":"postfix/smtpd","proc_id":"7","message":"done","format":"rfc3164"})");
  EXPECT_EQ(parsed("<191>cron: x"),
            R"({"facility":"local7","severity":"debug","priority":191,"app_name":"cron",)"
            R"("message":"x","format":"rfc3164"})");
  EXPECT_EQ(parsed("<13>see http://x"),
            R"({"facility":"user","severity":"notice","priority":13,"message":"see http://x",)"
            R"("format":"rfc3164"})");
}

TEST(SyslogMessage, UnescapesStructuredData) {
  const auto message = parse_message(R"(<1>1 - - - - - [a b="x\"y\\z\]" c="\n" d=""] [not data])");
  EXPECT_EQ(to_json(message.at("structured_data")), R"({"a":{"b":"x\"y\\z]","c":"\\n","d":""}})");
  EXPECT_EQ(message.at("message"), Value("[not data]"));
}

TEST(SyslogMessage, KeepsEveryValueOfANameThatComesTwice) {
  EXPECT_EQ(to_json(parse_message(R"(<1>1 - - - - - [o ip="1" ip="2" ip="3"][e][o ip="4" x="5"])")
                        .at("structured_data")),
            R"({"o":{"ip":["1","2","3","4"],"x":"5"},"e":{}})");
}

TEST(SyslogMessage, TakesNoBrokenHeaderForRfc5424) {
  for (const std::string_view rest :
       {"1", "1 ", "2 - - - - - -", "1 - - - - -", "1  - - - - -", "1 today - - - - -",
        "1 2003-10-11T22:14:15 - - - - -", "1 2003-10-11T22:14:15. - - - - -", "1 - - - - - x",
        "1 - - - - - -x", "1 - - - - - []", "1 - - - - - [a", "1 - - - - - [a b]",
        "1 - - - - - [a b=]", "1 - - - - - [a b=\"]", "1 - - - - - [a b=\"]\"]",
        "1 - - - - - [a b=\"\\", "1 - - - - - [a b=\"c\"", "1 - - - - - [a b=\"c\"]x"}) {
    const auto message = parse_message("<34>" + std::string(rest));
    EXPECT_EQ(format_of(message), "rfc3164") << rest;
    EXPECT_EQ(message.at("message"), Value(rest)) << "nothing is lost";
  }
}

TEST(SyslogMessage, IsRawWithoutAPriority) {
  for (const std::string_view text :
       {"", "hello", "<", "<>", "<1", "<192>x", "<1234>x", "<-1>x", "< 1>x", "<a>x", "34>x"}) {
    const auto message = parse_message(text);
    EXPECT_EQ(format_of(message), "raw") << text;
    EXPECT_TRUE(message.at("priority").is_null());
    EXPECT_TRUE(message.at("facility").is_null());
    EXPECT_EQ(message.at("message"), Value(text));
    EXPECT_EQ(message.size(), 11U);
  }
}

TEST(SyslogMessage, TakesNoOddHeaderForRfc3164) {
  for (const std::string_view rest :
       {"Oct 11 22:14:1", "Oct 111 22:14:15 h", "oct 11 22:14:15 h", "Oct 11 22:14:15. h",
        "Oct 11 22:14:15x h", "[1]: x", "a[]: x", "a[1 x", "a:b"}) {
    const auto message = parse_message("<34>" + std::string(rest));
    EXPECT_EQ(message.at("message"), Value(rest));
    EXPECT_TRUE(message.at("timestamp").is_null());
  }
}

TEST(SyslogMessage, EndsBeforeLineEndsAndNuls) {
  using namespace std::string_view_literals;
  EXPECT_EQ(parse_message("<34>su: a\r\nb\r\n\0"sv).at("message"), Value("a\r\nb"));
}

TEST(SyslogMessage, TellsThatBytesWereNotUtf8) {
  const auto message = parse_message("<34>1 - h\xFF - - - - caf\xE9");
  EXPECT_EQ(message.at("hostname"), Value("h\xEF\xBF\xBD"));
  EXPECT_EQ(message.at("message"), Value("caf\xEF\xBF\xBD"));
  EXPECT_EQ(message.at("invalid_utf8"), Value(true));
  EXPECT_FALSE(parse_message("<34>1 - h - - - - café").contains("invalid_utf8"));
}

}  // namespace
}  // namespace millrace::syslog
