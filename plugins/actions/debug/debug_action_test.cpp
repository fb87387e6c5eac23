// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_debug_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::debug_action {
namespace {

using testing::ActionHarness;

class Debug : public ActionHarness {
 public:
  explicit Debug(Object settings = {})
      : ActionHarness(millrace_describe_debug_action, "debug", std::move(settings)) {}

  void expect_content(std::string_view content) {
    const auto printed = run();
    EXPECT_TRUE(printed) << printed.error().message();
    EXPECT_EQ(take_output(), banner("debug", content));
  }
};

TEST(DebugAction, PrintsAMessage) { Debug({{"msg", "it's hot"}}).expect_content("it's hot"); }

TEST(DebugAction, PrintsAnythingElseAsAPythonLiteral) {
  Debug({{"msg", {{"i", 1}, {"s", "it's"}, {"ok", false}}}})
      .expect_content("{'i': 1, 's': \"it's\", 'ok': False}");
  Debug({{"msg", 1.0}}).expect_content("1.0");
}

TEST(DebugAction, PrintsOneBannerForEachMessageOfAList) {
  Debug action({{"msg", Array{"a", 2, Array{"x"}}}});

  EXPECT_TRUE(action.run());

  EXPECT_EQ(action.take_output(), action.banner("debug", "a") + action.banner("debug", "2") +
                                      action.banner("debug", "['x']"));
}

TEST(DebugAction, PrintsAVariable) {
  Debug action({{"var", "event.list.1.name"}});
  action.bind("m", R"({"list":[{"name":"a"},{"name":"b"}]})");
  action.expect_content("event.list.1.name: b");
}

TEST(DebugAction, PrintsAnEventOfSeveral) {
  Debug action({{"var", "events.m_1"}});
  action.bind("m_0", R"({"i":1})");
  action.bind("m_1", R"({"i":2})");
  action.expect_content("events.m_1: {'i': 2}");
}

TEST(DebugAction, PrintsAVariableOfTheStart) {
  Debug action({{"var", "limit"}});
  action.engine.startup_variables = {{"limit", 10}};
  action.expect_content("limit: 10");
}

TEST(DebugAction, MasksTextsWhoseKeysNameASecret) {
  Debug action({{"var", "event"}});
  action.bind(
      "m",
      R"({"API_Token":"t","list":[{"sshKey":"k"}],"my_password_2":"p","key":{"a":1},"secret":7})");
  action.expect_content(
      "event: {'API_Token': '******', 'list': [{'sshKey': '******'}], 'my_password_2': '******', "
      "'key': {'a': 1}, 'secret': 7}");
}

TEST(DebugAction, MasksAVariableThatIsItselfASecret) {
  Debug action({{"var", "vault_passphrase"}});
  action.engine.startup_variables = {{"vault_passphrase", "hunter2"}};
  action.expect_content("vault_passphrase: ******");
}

TEST(DebugAction, NamesAVariableThatIsNotThereAndThoseThatAre) {
  Debug action({{"var", "event.nope"}});
  action.engine.startup_variables = {{"db_password", "hunter2"}};
  action.bind("m", R"({"i":1})");

  const auto outcome = action.run();

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message(),
            "KeyError 'event.nope' with variables {'db_password': '******', 'event': {'i': 1}}");
  EXPECT_EQ(
      action.log_lines(),
      std::vector<std::string>{"error action.debug: Key event.nope not found in variable pool"});
  EXPECT_EQ(action.take_output(), "");
}

TEST(DebugAction, FindsNothingBehindAScalarOrOutsideAList) {
  for (const char* name : {"event.i.x", "event.list.2", "event.list.-1", "event.list.x", "", "."}) {
    Debug action({{"var", name}});
    action.bind("m", R"({"i":1,"list":[1,2]})");
    EXPECT_FALSE(action.run()) << name;
  }
}

TEST(DebugAction, BoundsTheVariablesThatAnErrorShows) {
  Debug action({{"var", "nope"}});
  action.engine.startup_variables = {{"long", std::string(100'000, 'x')}};

  EXPECT_LT(action.run().error().message().size(), 10'000u);
}

TEST(DebugAction, PrintsAllItKnowsWhenAskedForNothing) {
  Debug action;
  action.hosts = {"web1", "db1"};
  action.engine.inventory_path = "hosts.yml";
  action.engine.startup_variables = {{"token", "t"}};
  action.engine.memory = {Document::copy_of(*parse_json(R"({"b":1,"a":"x"})")),
                          Document::copy_of(*parse_json(R"({"secret":"s"})"))};
  action.bind("m", R"({"i":1})");

  EXPECT_TRUE(action.run());

  EXPECT_EQ(action.take_output(),
            action.banner("debug: kwargs",
                          "{'hosts': ['web1', 'db1'],\n"
                          " 'inventory': 'hosts.yml',\n"
                          " 'project_data_file': None,\n"
                          " 'rule': 'rule',\n"
                          " 'rule_run_at': '2023-11-14T22:13:20Z',\n"
                          " 'rule_set': 'rules',\n"
                          " 'rule_set_uuid': '11111111-1111-4111-8111-111111111111',\n"
                          " 'rule_uuid': '22222222-2222-4222-8222-222222222222',\n"
                          " 'variables': {'event': {'i': 1}, 'token': '******'}}") +
                action.banner("debug: facts", "[{'a': 'x', 'b': 1}, {'secret': '******'}]"));
}

TEST(DebugAction, TakesAMessageOrAVariableNotBoth) {
  EXPECT_EQ(Debug({{"msg", "a"}, {"var", "b"}}).run().error(),
            Error(Errc::invalid_settings, "msg and var exclude each other"));
}

TEST(DebugAction, TellsThatNobodyReads) {
  for (const auto& settings :
       {Object{{"msg", "a"}}, Object{{"msg", Array{"a"}}}, Object{{"var", "event"}}, Object{}}) {
    Debug action(settings);
    action.close_output();
    EXPECT_EQ(action.run().error().code(), Errc::unavailable);
  }
}

}  // namespace
}  // namespace millrace::debug_action
