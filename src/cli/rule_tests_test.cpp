// SPDX-License-Identifier: Apache-2.0
#include "rule_tests.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "millrace/base/files.hpp"
#include "rule_test_report.hpp"
#include "rule_test_run.hpp"

namespace millrace::cli {
namespace {

constexpr auto* kRulebook = R"(
- name: Watch
  hosts: all
  sources: []
  rules:
    - name: Full
      condition: event.used > vars.limit
      action: {none: }
    - name: Silent
      condition:
        not_all: [event.ping == "sent", event.ping == "answered"]
        timeout: 30 seconds
      action: {none: }
    - name: Paid
      condition:
        all:
          - events.order << event.order is defined
          - event.paid == events.order.order
      action: {none: }
    - name: Known
      condition: fact.os is defined
      action: {none: }
    - name: Asleep
      condition: event.used > 0
      enabled: false
      action: {none: }
)";

class RuleTests : public testing::Test {
 protected:
  RuleTests() {
    std::string name = (std::filesystem::temp_directory_path() / "millrace-tests-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    write("rulebook.yml", kRulebook);
  }
  ~RuleTests() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view content) {
    const auto path = folder_ / name;
    EXPECT_TRUE(write_file_atomically(path, content));
    return path.string();
  }

  TestFile read(std::string_view content) {
    return read_test_file(write("rulebook.test.yml", content));
  }
  /// Cases as they stand in a file, below the usual head.
  TestFile cases(std::string_view content) {
    return read("rulebook: rulebook.yml\nvars: {limit: 90}\ncases:\n" + std::string(content));
  }

  /// The text of the only case.
  std::string outcome(std::string_view content) {
    const auto file = cases(content);
    EXPECT_FALSE(file.diagnostics.has_errors()) << codes(file);
    if (file.cases.size() != 1 || file.diagnostics.has_errors()) return "bad";
    const auto result = run_case(file.cases[0], clock_);
    return result.passed ? "passed" : failure_text(result, Colour::off);
  }

  /// "line:column code" of each fault.
  static std::string codes(const TestFile& file) {
    std::string out;
    for (const auto& item : file.diagnostics.items())
      out += fmt::format("{}:{} {}\n", item.where.line, item.where.column, item.code);
    return out;
  }

  std::filesystem::path folder_;
  ManualClock clock_;
};

TEST_F(RuleTests, PassWhenTheExpectedFirings) {
  EXPECT_EQ(outcome(R"(
  - name: one
    events:
      - event: {used: 95, host: a, meta: {uuid: x}}
      - {at: 1 minute 30 seconds, event: {used: 99, host: b}}
      - {at: 100, event: {used: 5}}
    expect:
      - {rule: Full, match: {m: {host: a, used: 95.0}}}
      - {rule: Full, at: 90, match: {m: {host: b}}}
)"),
            "passed");
  EXPECT_EQ(outcome("\n  - {name: a name alone, events: [{event: {used: 91}}], expect: [Full]}"),
            "passed");
}

TEST_F(RuleTests, TellMissingAndUnexpectedFiringsApart) {
  EXPECT_EQ(outcome(R"(
  - name: one
    events:
      - event: {used: 95, host: a}
      - {at: 5 seconds, event: {used: 96, host: b}}
      - {at: 10 seconds, event: {used: 97, host: c}}
    expect:
      - {rule: Full, match: {m: {host: a}}}
      - {rule: Full, at: 6, match: {m: {host: z}}}
      - {rule: Full, at: 10 seconds}
      - Silent
)"),
            R"(      0 seconds   Full  m={"used":95,"host":"a"}
    - 6 seconds   Full  m={"host":"z"}
    + 5 seconds   Full  m={"used":96,"host":"b"}
        at 5 seconds, not at 6 seconds; m.host is "b", not "z"
      10 seconds  Full  m={"used":97,"host":"c"}
    -             Silent
)");
}

TEST_F(RuleTests, LeaveOutWhatIsFarFromADifference) {
  std::string content = "\n  - name: many\n    expect: [";
  for (int i = 0; i < 20; ++i) content += "Full, ";
  content += "]\n    events:\n";
  for (int i = 0; i < 21; ++i) content += "      - event: {used: 91}\n";
  const auto text = outcome(content);
  EXPECT_TRUE(text.starts_with("      … 17 as expected\n      0 seconds  Full")) << text;
  EXPECT_TRUE(text.ends_with("    + 0 seconds  Full  m={\"used\":91}\n")) << text;
}

TEST_F(RuleTests, MoveTimeToTheEndOfTheCase) {
  const std::string head = "\n  - name: x\n    events: [{event: {ping: sent}}]\n";
  EXPECT_EQ(outcome(head + "    expect: [{rule: Silent, at: 30 seconds}]"), "passed");
  EXPECT_EQ(outcome(head + "    until: 1 day\n    expect: [Silent]"), "passed");
  EXPECT_EQ(
      outcome(head + "    expect: [Silent]"),
      "    -   Silent\n"
      "    note: events still wait when the case ends, at 0 seconds; `until` moves the end\n");
}

TEST_F(RuleTests, CompareTheRulesThatACaseIsAbout) {
  const std::string head =
      "\n  - name: x\n    events: [{event: {used: 99}}, {event: {order: 1}}, {event: {paid: 1}}]\n";
  EXPECT_EQ(outcome(head + "    expect: [Full, Paid]"), "passed");
  EXPECT_EQ(outcome(head + "    expect: [Paid]\n    only: [Paid, Silent]"), "passed");
  EXPECT_EQ(outcome(head + "    not: Silent"), "passed");
  EXPECT_EQ(outcome(head + "    expect: [Paid]\n    only: [Paid]\n    not: [Full]"),
            "    + 0 seconds  Full  m={\"used\":99}\n      0 seconds  Paid  order={\"order\":1}  "
            "m_1={\"paid\":1}\n");
  EXPECT_EQ(outcome(head + "    expect: []\n    only: [Silent]"), "passed");
}

TEST_F(RuleTests, PlayFactsAndTheirRetraction) {
  EXPECT_EQ(outcome(R"(
  - name: facts
    events:
      - fact: {os: linux, version: 12}
      - {at: 1 second, retract_fact: {os: linux}, partial: false}
      - {at: 1 second, retract_fact: {os: linux}}
    expect: [Known]
)"),
            "passed");
}

TEST_F(RuleTests, GiveEachCaseItsVariables) {
  write("limits.yml", "limit: 10\n");
  const auto file = read(R"(
rulebook: rulebook.yml
vars: limits.yml
cases:
  - {name: of the file, events: [{event: {used: 11}}], expect: [Full]}
  - {name: its own, vars: {limit: 20}, events: [{event: {used: 11}}], expect: []}
)");
  ASSERT_EQ(codes(file), "");
  for (const auto& test : file.cases) EXPECT_TRUE(run_case(test, clock_).passed) << test.name.text;
}

TEST_F(RuleTests, TellWhatTheRulesNoticed) {
  EXPECT_NE(outcome("\n  - {name: x, events: [{event: {used: '95'}}], expect: [Full]}")
                .find("    note: "),
            std::string::npos);
}

TEST_F(RuleTests, ReportFaultsOfTimes) {
  EXPECT_EQ(codes(cases(R"(
  - name: x
    events:
      - {at: soon, event: {}}
      - {at: -1, event: {}}
      - {at: 5 seconds 1, event: {}}
      - {at: 200000 days, event: {}}
      - {at: 10, event: {}}
      - {at: 9, event: {}}
    until: 8 seconds
    expect:
      - {rule: Full, at: 10}
      - {rule: Full, at: 9}
      - {rule: Full, at: 11}
)")),
            "7:14 bad-duration\n8:14 bad-duration\n9:14 bad-duration\n10:14 bad-duration\n"
            "12:14 time-goes-back\n13:12 time-goes-back\n16:26 time-goes-back\n"
            "17:26 after-the-end\n");
}

TEST_F(RuleTests, ReportExpectationsThatNothingCouldMeet) {
  EXPECT_EQ(codes(cases(R"(
  - name: x
    events: []
    expect: [Ful, Asleep, Silent, {rule: Paid, match: {m_0: {}, m_1: {}}}]
    only: [Asleep, Paid, Nobody]
    not: [Paid]
)")),
            "7:14 unknown-rule\n7:19 disabled-rule\n7:27 contradiction\n7:42 contradiction\n"
            "7:55 unknown-binding\n8:26 unknown-rule\n");
}

TEST_F(RuleTests, ReportFaultsOfTheForm) {
  EXPECT_EQ(codes(cases(R"(
  - 5
  - {name: [], events: [5, {}, {event: {}, fact: {}}, {event: 5, partial: true}], expect: [5]}
  - {names: x, events: , expect: {}, only: []}
  - {name: x, events: [], only: [Full]}
  - {name: x, events: [], not: Full, vars: 5}
)")),
            "5:5 wrong-type\n6:12 wrong-type\n6:25 wrong-type\n6:28 one-thing-at-a-time\n"
            "6:32 one-thing-at-a-time\n6:63 wrong-type\n6:75 unknown-key\n6:92 wrong-type\n"
            "7:5 missing-key\n7:6 unknown-key\n7:22 wrong-type\n7:34 wrong-type\n"
            "8:5 nothing-expected\n9:12 duplicate-name\n9:44 wrong-type\n");
}

TEST_F(RuleTests, ReportFaultsOfTheFile) {
  EXPECT_EQ(codes(read_test_file((folder_ / "none.yml").string())), "0:0 unreadable-file\n");
  EXPECT_EQ(codes(read("[]")), "1:1 wrong-type\n");
  EXPECT_EQ(codes(read("a: b: c")), "1:5 yaml-syntax\n");
  EXPECT_EQ(codes(read("rulebook: none.yml\nvars: none.yml\ncases: []\n")),
            "1:11 unreadable-rulebook\n2:7 unreadable-variables\n3:8 no-cases\n");
  EXPECT_EQ(codes(read("rulebook: rulebook.yml\nvars: {limit: 1}\nruleset: Wach\ncases:\n"
                       "- {name: a, events: [], expect: []}\n")),
            "3:10 unknown-rule-set\n");
}

TEST_F(RuleTests, ReportFaultsOfTheRulebookOnce) {
  const auto file = read(R"(
rulebook: rulebook.yml
cases:
  - {name: a, events: [], expect: []}
  - {name: b, vars: {}, events: [], expect: []}
  - {name: c, vars: {limit: 1}, events: [], expect: []}
)");
  ASSERT_EQ(file.diagnostics.items().size(), 1u);
  EXPECT_TRUE(file.diagnostics.items()[0].where.file.ends_with("/rulebook.yml"));
  EXPECT_TRUE(file.texts.contains(file.diagnostics.items()[0].where.file));
}

TEST_F(RuleTests, AskForARuleSetIfThereAreSeveral) {
  const auto second = std::string(kRulebook).replace(1, 13, "- name: Other");
  write("rulebook.yml", kRulebook + second);
  EXPECT_EQ(codes(cases("\n  - {name: a, events: [], expect: []}")), "1:11 missing-key\n");
  EXPECT_EQ(codes(read("rulebook: rulebook.yml\nruleset: Other\nvars: {limit: 1}\ncases:\n"
                       "- {name: a, events: [], expect: []}\n")),
            "");
}

TEST_F(RuleTests, TakeADayOfEventsInOneGo) {
  std::string content = "\n  - name: a day\n    until: 1 day\n    not: Full\n    events:\n";
  for (int i = 0; i < 1440; ++i)
    content += fmt::format("      - {{at: {} minutes, event: {{used: {}}}}}\n", i, i % 50);
  EXPECT_EQ(outcome(content), "passed");
}

TEST_F(RuleTests, AreWrittenAsJUnitWithNothingThatXmlForbids) {
  std::vector<FileResult> files(1);
  files[0].file = cases(
      "\n  - {name: \"a <&> \\\"b\\\" \\x01\\uFFFE\\n\", events: [{event: {used: 95}}], "
      "expect: []}\n");
  files[0].cases.push_back(run_case(files[0].file.cases.at(0), clock_));
  const auto xml = junit_report(files, {.failed = 1});
  EXPECT_NE(xml.find("name=\"a &lt;&amp;&gt; &quot;b&quot; ?\xEF\xBF\xBD&#10;\""),
            std::string::npos)
      << xml;
  EXPECT_NE(xml.find("<failure message=\"other firings than expected\">"), std::string::npos);
}

}  // namespace
}  // namespace millrace::cli
