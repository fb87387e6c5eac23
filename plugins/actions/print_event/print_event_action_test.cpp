// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_print_event_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::print_event_action {
namespace {

using testing::ActionHarness;

class PrintEvent : public ActionHarness {
 public:
  explicit PrintEvent(Object settings = {})
      : ActionHarness(millrace_describe_print_event_action, "print_event", std::move(settings)) {}

  // What is printed must stand in a banner and nothing beside it.
  void expect_content(std::string_view content) {
    const auto printed = run();
    EXPECT_TRUE(printed) << printed.error().message();
    EXPECT_EQ(take_output(), banner("event", content));
  }
};

TEST(PrintEventAction, PrintsTheEventAsAPythonLiteral) {
  PrintEvent action;
  action.bind("m", R"({"i":1,"ok":true,"n":null,"f":1.0,"s":"it's","meta":{"uuid":"u"}})");

  action.expect_content(
      R"({'i': 1, 'ok': True, 'n': None, 'f': 1.0, 's': "it's", 'meta': {'uuid': 'u'}})");
}

TEST(PrintEventAction, PrintsSeveralEventsByTheirNames) {
  PrintEvent action;
  action.bind("m_0", R"({"i":1})");
  action.bind("alias", R"({"i":2})");

  action.expect_content("{'m_0': {'i': 1}, 'alias': {'i': 2}}");
}

TEST(PrintEventAction, PrintsOneNamedEventUnderItsName) {
  PrintEvent action;
  action.bind("first", R"({"i":1})");

  action.expect_content("{'first': {'i': 1}}");
}

TEST(PrintEventAction, PrintsAnEmptyObjectWhenThereIsNoEvent) { PrintEvent().expect_content("{}"); }

TEST(PrintEventAction, PrintsPrettyWithSortedKeys) {
  PrintEvent action({{"pretty", true}});
  action.bind(
      "m",
      R"({"zeta":"a long text that fills the line, or nearly so","alpha":{"i":1,"b":"more text"}})");

  action.expect_content(
      "{'alpha': {'b': 'more text', 'i': 1},\n"
      " 'zeta': 'a long text that fills the line, or nearly so'}");
}

TEST(PrintEventAction, ShowsThePartThatVarRootNames) {
  PrintEvent action({{"var_root", "webhook.payload"}});
  action.bind("m", R"({"webhook":{"payload":{"i":1}}})");

  action.expect_content("{'i': 1}");
}

TEST(PrintEventAction, ShowsTheWholeEventWhenThePartIsMissingOrEmpty) {
  for (const char* event :
       {R"({'a': 1})", R"({'part': {}})", R"({'part': 0})", R"({'part': None})"}) {
    PrintEvent action({{"var_root", "part"}});
    std::string json(event);
    std::ranges::replace(json, '\'', '"');
    if (const auto none = json.find("None"); none != std::string::npos)
      json.replace(none, 4, "null");
    action.bind("m", json);
    action.expect_content(event);
  }
}

TEST(PrintEventAction, ShowsTheFirstPartOfAMappingThatIsThere) {
  PrintEvent action({{"var_root", {{"a.x", "one"}, {"b.x", "two"}, {"c.x", "three"}}}});
  action.bind("m", R"({"c":{"x":3},"b":{"x":2}})");

  action.expect_content("2");
}

TEST(PrintEventAction, ShowsPartsOfSeveralEventsUnderTheirNewNames) {
  PrintEvent action({{"var_root", {{"webhook.payload", "hook"}, {"kafka.channel", "queue"}}}});
  action.bind("hook", R"({"webhook":{"payload":{"i":1}}})");
  action.bind("queue", R"({"kafka":{"channel":"red"}})");
  action.bind("third", R"({"i":3})");

  action.expect_content("{'hook': {'i': 1}, 'queue': 'red', 'third': {'i': 3}}");
}

TEST(PrintEventAction, GivesAPartANameOfItsOwn) {
  PrintEvent action({{"var_root", {{"payload", "body"}}}});
  action.bind("m_0", R"({"payload":1})");
  action.bind("m_1", R"({"i":2})");

  action.expect_content("{'m_0': {'payload': 1}, 'm_1': {'i': 2}, 'body': 1}");
}

TEST(PrintEventAction, ShowsThePartOfEachOfSeveralEvents) {
  PrintEvent action({{"var_root", "payload"}});
  action.bind("m_0", R"({"payload":1})");
  action.bind("m_1", R"({"i":2})");

  action.expect_content("{'m_0': 1, 'm_1': {'i': 2}}");
}

TEST(PrintEventAction, RefusesAVarRootThatIsNoPath) {
  EXPECT_EQ(PrintEvent({{"var_root", 7}}).run().error(),
            Error(Errc::invalid_settings, "var_root must be a string or a mapping"));
  EXPECT_EQ(PrintEvent({{"var_root", {{"a", 7}}}}).run().error(),
            Error(Errc::invalid_settings, "var_root must map paths to names"));
}

TEST(PrintEventAction, TellsThatNobodyReads) {
  PrintEvent action;
  action.close_output();
  EXPECT_EQ(action.run().error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace millrace::print_event_action
