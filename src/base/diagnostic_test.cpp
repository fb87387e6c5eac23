// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/diagnostic.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

Diagnostic fault_at(std::size_t line, std::size_t column, std::size_t length = 1) {
  return {
      Severity::error, "unknown-action", {"rules.yml", line, column, length}, "unknown action", {}};
}

TEST(Diagnostic, ShowsThePlaceTheLineAndTheHint) {
  auto fault = fault_at(2, 3, 4);
  fault.hint = "did you mean `debug`?";
  EXPECT_EQ(render(fault, "first\n  debg: 1\nlast", Colour::off),
            "rules.yml:2:3: error: unknown action [unknown-action]\n"
            "    2 |   debg: 1\n"
            "      |   ^^^^\n"
            "        hint: did you mean `debug`?\n");
}

TEST(Diagnostic, KeepsTabsSoThatTheCaretStandsUnderItsColumn) {
  EXPECT_EQ(render(fault_at(1, 4), "\ta\tb", Colour::off),
            "rules.yml:1:4: error: unknown action [unknown-action]\n"
            "    1 | \ta\tb\n"
            "      | \t \t^\n");
}

TEST(Diagnostic, MarksCharactersNotBytes) {
  EXPECT_EQ(render(fault_at(1, 5, 3), "é: né x\n", Colour::off),
            "rules.yml:1:5: error: unknown action [unknown-action]\n"
            "    1 | é: né x\n"
            "      |    ^^\n");
}

TEST(Diagnostic, CutsALongLineBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "é";
  const auto shown = render(fault_at(1, 302, 2), "x" + text, Colour::off);
  EXPECT_NE(shown.find("| éé"), std::string::npos) << shown;
  EXPECT_NE(shown.find("éé\n"), std::string::npos) << shown;
}

TEST(Diagnostic, UnderlinesNoFurtherThanTheLine) {
  EXPECT_EQ(render(fault_at(1, 2, 99), "abc\r\nd", Colour::off),
            "rules.yml:1:2: error: unknown action [unknown-action]\n"
            "    1 | abc\n"
            "      |  ^^\n");
  EXPECT_EQ(render(fault_at(1, 9), "abc", Colour::off),
            "rules.yml:1:9: error: unknown action [unknown-action]\n"
            "    1 | abc\n"
            "      |    ^\n");
}

TEST(Diagnostic, LeavesOutWhatIsNotKnown) {
  const std::string only_message = "rules.yml: error: unknown action [unknown-action]\n";
  EXPECT_EQ(render(fault_at(0, 0), "text", Colour::off), only_message);
  EXPECT_EQ(render({Severity::warning, "odd", {}, "odd thing", {}}, "", Colour::off),
            "warning: odd thing [odd]\n");
  EXPECT_EQ(render(fault_at(7, 1), "one line", Colour::off),
            "rules.yml:7:1: error: unknown action [unknown-action]\n");
}

TEST(Diagnostic, CutsALongLineAroundTheFault) {
  const auto text = std::string(500, 'a') + "X" + std::string(500, 'b');
  const auto shown = render(fault_at(1, 501), text, Colour::off);
  const auto line = shown.find("    1 | ");
  const auto caret = shown.find('^');
  ASSERT_NE(caret, std::string::npos);
  const auto margin = shown.rfind('\n', caret) + 1;
  EXPECT_EQ(shown[line + (caret - margin)], 'X');
  EXPECT_LT(shown.size(), 500u);
}

TEST(Diagnostic, ColoursTheSeverityAndTheCaret) {
  const auto shown = render(fault_at(1, 1), "x", Colour::on);
  EXPECT_NE(shown.find("\x1b[1;31merror\x1b[0m: "), std::string::npos);
  EXPECT_NE(shown.find("\x1b[1;32m^\x1b[0m"), std::string::npos);
  EXPECT_EQ(render(fault_at(1, 1), "x", Colour::off).find('\x1b'), std::string::npos);
}

TEST(Diagnostics, WarningsAreNoErrors) {
  Diagnostics found;
  EXPECT_TRUE(found.empty());
  found.warning("odd", {}, "odd thing");
  EXPECT_FALSE(found.has_errors());
  found.error("bad", {}, "bad thing");
  EXPECT_TRUE(found.has_errors());
  EXPECT_EQ(found.items().size(), 2u);
}

TEST(Diagnostics, AppendingTakesTheErrorsAlong) {
  Diagnostics found;
  Diagnostics more;
  more.error("bad", {}, "bad thing");
  found.append(std::move(more));
  EXPECT_TRUE(found.has_errors());
}

TEST(Diagnostics, SortsByPlaceAndKeepsTheOrderOfOnePlace) {
  Diagnostics found;
  found.error("c", {"b.yml", 1, 1}, "");
  found.error("b", {"a.yml", 2, 1}, "");
  found.error("z", {"a.yml", 1, 5}, "");
  found.warning("a", {"a.yml", 1, 5}, "");
  found.sort();
  std::string order;
  for (const auto& item : found.items()) order += item.code;
  EXPECT_EQ(order, "zabc");
}

}  // namespace
}  // namespace millrace
