// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/python_documentation.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace {
namespace {

using Entry = PythonOutline::Entry;

// ---- outline

TEST(PythonOutline, FindsConstantsOfText) {
  const auto outline = outline_python(
      "#!/usr/bin/env python3\n"
      "\"\"\"What it is.\n\nMore.\"\"\"\n"
      "from x import y\n"
      "DOCUMENTATION = r'''\n---\na: '\\d'\n'''\n"
      "EXAMPLES: str = \"\"\"b\\tc\"\"\"\n");
  ASSERT_TRUE(outline.docstring && outline.documentation && outline.examples);
  EXPECT_EQ(outline.docstring->text, "What it is.\n\nMore.");
  EXPECT_EQ(outline.docstring->line, 2u);
  EXPECT_EQ(outline.documentation->text, "\n---\na: '\\d'\n");
  EXPECT_EQ(outline.documentation->line, 6u);
  EXPECT_EQ(outline.examples->text, "b\tc");
}

TEST(PythonOutline, ReadsEveryWayToWriteAString) {
  const auto text = [](const std::string& written) {
    const auto outline = outline_python("DOCUMENTATION = " + written + "\nx = 1\n");
    return outline.documentation ? outline.documentation->text : "none";
  };
  EXPECT_EQ(text("'a'"), "a");
  EXPECT_EQ(text("\"it's\""), "it's");
  EXPECT_EQ(text("u'a'"), "a");
  EXPECT_EQ(text("R'\\n'"), "\\n");
  EXPECT_EQ(text("rb'a'"), "a");
  EXPECT_EQ(text("''"), "");
  EXPECT_EQ(text("('a'  # one\n  'b'\n)"), "ab");
  EXPECT_EQ(text("'a' \"b\""), "ab");
  EXPECT_EQ(text("'a\\\nb'"), "ab");
  EXPECT_EQ(text("'\\x41\\u00e9\\U0001F600\\101\\0'"), std::string("Aé😀A\0", 9));
  EXPECT_EQ(text("'\\q\\xZZ\\ud800'"), "\\q\\xZZ\uFFFD");
  EXPECT_EQ(text("r'\\''"), "\\'");
  EXPECT_EQ(text("''''a' ''b'''"), "'a' ''b");
  EXPECT_EQ(text("'''a\r\nb'''"), "a\nb");
  EXPECT_EQ(text("'open"), "open");
  EXPECT_EQ(text("'\xFF'"), "\uFFFD");
  EXPECT_EQ(text("5"), "none");
  EXPECT_EQ(text("= 'a'"), "none");
  EXPECT_EQ(text("name"), "none");
}

TEST(PythonOutline, TakesNothingFromStringsCommentsAndBrackets) {
  const auto outline = outline_python(
      "x = '''\nDOCUMENTATION = 'a'\nasync def main(queue, args):\nimport millrace\n'''\n"
      "# DOCUMENTATION = 'b'\n"
      "y = [\nEXAMPLES,\n]\n"
      "z = 1 + \\\nmain == 3\n"
      "class A:\n    DOCUMENTATION = 'c'\n    async def main(self): pass\n"
      "def other():\n    import millrace\n    return 'x\\'y', \"#\"\n");
  EXPECT_FALSE(outline.docstring || outline.documentation || outline.examples);
  EXPECT_EQ(outline.entry, Entry::none);
  EXPECT_FALSE(outline.imports_millrace);
}

TEST(PythonOutline, FindsTheEntryPoint) {
  const auto entry = [](std::string_view text) { return outline_python(text).entry; };
  EXPECT_EQ(entry("async def main(queue, args): pass\n"), Entry::coroutine);
  EXPECT_EQ(entry("async  def  main (queue, args): pass\n"), Entry::coroutine);
  EXPECT_EQ(entry("def main(event): pass\n"), Entry::function);
  EXPECT_EQ(entry("def main2(event): pass\n"), Entry::none);
  EXPECT_EQ(entry("main = functools.partial(run)\n"), Entry::other);
  EXPECT_EQ(entry("main: Main = run\n"), Entry::other);
  EXPECT_EQ(entry("from x import main\n"), Entry::other);
  EXPECT_EQ(entry("from x import (a,\n  run as main, b)\n"), Entry::other);
  EXPECT_EQ(entry("from x import main as run\n"), Entry::none);
  EXPECT_EQ(entry("import run as main\n"), Entry::other);
  EXPECT_EQ(entry("if x:\n    async def main(q, a): pass\n"), Entry::other);
  EXPECT_EQ(entry("if __name__ == '__main__':\n    main(1)\n"), Entry::none);
  EXPECT_EQ(entry("def main(q): pass\nasync def main(q, a): pass\n"), Entry::coroutine);
  EXPECT_EQ(entry("x = (1,\nasync def main(q, a): pass\n"), Entry::coroutine);
}

TEST(PythonOutline, TellsWhereTheEntryPointIsAndWhatItTakes) {
  const auto outline = outline_python(
      "\n@decorated\nasync def main(\n    queue: asyncio.Queue,  # a, b\n"
      "    args: dict[str, Any] = {'a': (1, 2)},\n    *, other=1, **kwargs,\n) -> None:\n"
      "    pass\n");
  EXPECT_EQ(outline.entry, Entry::coroutine);
  EXPECT_EQ(outline.entry_place, (Location{.line = 3, .column = 1, .length = 14}));
  EXPECT_EQ(outline.parameters, (std::vector<std::string>{"queue", "args", "other", "kwargs"}));
}

TEST(PythonOutline, TellsPluginsOfMillrace) {
  const auto outline = outline_python("import os, millrace as m\nplugin = m.Plugin('x')\n");
  EXPECT_TRUE(outline.imports_millrace);
  EXPECT_TRUE(outline.makes_plugin);
  EXPECT_TRUE(outline_python("from millrace import Plugin\n").imports_millrace);
  EXPECT_TRUE(outline_python("try:\n  import millrace\nexcept X: pass\n").imports_millrace);
  EXPECT_FALSE(outline_python("import millrace_other\n").imports_millrace);
  EXPECT_FALSE(outline_python("from x import millrace\n# Plugin(\n").makes_plugin);
}

TEST(PythonOutline, ReadsWindowsLineEndsAndByteOrderMarks) {
  const auto outline = outline_python(
      "\xEF\xBB\xBF\"\"\"Doc.\"\"\"\r\nx = 1 + \\\r\n  2\r\nasync def main(queue, args):\r\n");
  EXPECT_EQ(outline.docstring->text, "Doc.");
  EXPECT_EQ(outline.entry, Entry::coroutine);
  EXPECT_EQ(outline.entry_place.line, 4u);
}

// ---- markup

TEST(AnsibleMarkup, BecomesPlainText) {
  EXPECT_EQ(without_markup("If O(host) is V(true), see C(x y), B(bold), I(it) and E(HOME)."),
            "If host is true, see x y, bold, it and HOME.");
  EXPECT_EQ(without_markup("U(https://a/b) L(here, https://a) R(text,ref) M(a.b.c)"),
            "https://a/b here <https://a> text a.b.c");
  EXPECT_EQ(without_markup("O(a.b.c#module:opt=value) O(opt=a:b) RV(x) P(a.b.c#lookup)"),
            "opt=value opt=a:b x a.b.c");
  EXPECT_EQ(without_markup("V(a\\)b) HALLO(x) C(open"), "a)b HALLO(x) C(open");
  EXPECT_EQ(without_markup("O()"), "O()");
}

// ---- documentation

struct Read {
  PythonDocumentation documentation;
  std::vector<std::string> warnings;
};
Read read(std::string_view text) {
  Diagnostics diagnostics;
  Read out;
  out.documentation = document_python(outline_python(text), "x.py", diagnostics);
  for (const auto& item : diagnostics.items()) {
    EXPECT_EQ(item.severity, Severity::warning);
    out.warnings.push_back(
        fmt::format("{}:{}: {}", item.where.line, item.where.column, item.message));
  }
  return out;
}

std::string line_of(const Setting& setting) {
  std::string out = fmt::format("{} {}", setting.name(), to_string(setting.type()));
  if (setting.is_required()) out += " required";
  if (setting.is_secret()) out += " secret";
  if (setting.default_value()) out += " =" + to_json(*setting.default_value());
  if (!setting.choices().empty()) out += fmt::format(" [{}]", fmt::join(setting.choices(), "|"));
  return out + ": " + setting.meaning();
}

constexpr auto* kDocumented = R"(
DOCUMENTATION = r"""
---
short_description: Receive events via a webhook.
description:
  - An ansible-rulebook event source plugin for V(webhooks).
  - It needs
    two lines.
options:
  host:
    description:
      - The hostname to listen to.
      - Set to V(0.0.0.0) for all.
    type: str
    default: "0.0.0.0"
  port:
    description: The TCP port
    type: int
    required: true
  token:
    type: str
    no_log: true
    description: secret
  hmac_algo:
    type: str
    default: sha256
    choices: [sha256, 1, true]
  ratio: {type: float, default: 1}
  flag: {type: bool, default: yes}
  names: {type: list, elements: str, default: [a]}
  items: {type: list, elements: dict}
  extra: {type: dict, suboptions: {a: {type: int}}}
  file: {type: path}
  anything: {type: raw, default: [1]}
  untyped: {}
  mistaken: {type: int, default: many}
notes:
  - Uses O(port).
"""

EXAMPLES = r"""
    - ansible.eda.webhook:
        port: 5000
"""
)";

TEST(PythonDocumentation, IsReadFromItsConstants) {
  const auto [documentation, warnings] = read(kDocumented);
  EXPECT_EQ(documentation.summary, "Receive events via a webhook.");
  EXPECT_EQ(documentation.text,
            (std::vector<std::string>{"An ansible-rulebook event source plugin for webhooks.",
                                      "It needs two lines."}));
  EXPECT_EQ(documentation.notes, (std::vector<std::string>{"Uses port."}));
  EXPECT_EQ(documentation.examples, "- ansible.eda.webhook:\n    port: 5000\n");
  EXPECT_EQ(warnings, std::vector<std::string>());
}

TEST(PythonDocumentation, GivesASchema) {
  const auto documentation = read(kDocumented).documentation;
  ASSERT_TRUE(documentation.schema);
  EXPECT_EQ(documentation.schema->unknown, Unknown::warning);
  std::string out;
  for (const auto& setting : documentation.schema->settings) out += line_of(setting) + "\n";
  EXPECT_EQ(out,
            "host string =\"0.0.0.0\": The hostname to listen to. Set to 0.0.0.0 for all.\n"
            "port integer required: The TCP port\n"
            "token string secret: secret\n"
            "hmac_algo string =\"sha256\" [sha256|1|true]: \n"
            "ratio number =1: \n"
            "flag boolean =true: \n"
            "names strings =[\"a\"]: \n"
            "items list: \n"
            "extra object: \n"
            "file string: \n"
            "anything any =[1]: \n"
            "untyped any: \n"
            "mistaken integer: \n");
}

TEST(PythonDocumentation, ASchemaCanBeCheckedWithoutABug) {
  const auto schema = *read(kDocumented).documentation.schema;
  const auto settings = Settings::check(schema, Object{{"port", 1}, {"x", 2}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->string("host"), "0.0.0.0");
  EXPECT_FALSE(settings->has("mistaken"));
}

TEST(PythonDocumentation, OfOldPluginsIsTheDocstring) {
  const auto [documentation, warnings] = read(
      "\"\"\"\n\nwatch.py\n\nAn event source that watches\nfiles.\n\nArguments:\n"
      "    path: the path\n\"\"\"\n");
  EXPECT_EQ(documentation.summary, "watch.py");
  EXPECT_EQ(documentation.text,
            (std::vector<std::string>{"An event source that watches\nfiles.\n\nArguments:\n"
                                      "    path: the path"}));
  EXPECT_FALSE(documentation.schema);
  EXPECT_FALSE(read("x = 1\n").documentation.schema);
}

TEST(PythonDocumentation, WithoutOptionsThePluginTakesNothing) {
  const auto documentation = read("DOCUMENTATION = 'short_description: x'\n").documentation;
  ASSERT_TRUE(documentation.schema);
  EXPECT_TRUE(documentation.schema->settings.empty());
}

TEST(PythonDocumentation, ThatIsNoYamlIsOneWarningAtItsPlace) {
  const auto [documentation, warnings] = read("import x\nDOCUMENTATION = '''\na: 1\nb: [\n'''\n");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(warnings[0].starts_with("5:1: DOCUMENTATION cannot be read: ") ||
              warnings[0].starts_with("4:4: DOCUMENTATION cannot be read: "))
      << warnings[0];
  EXPECT_FALSE(documentation.schema);
}

TEST(PythonDocumentation, OfAnotherShapeIsOneWarning) {
  EXPECT_EQ(read("DOCUMENTATION = '[1]'\n").warnings,
            (std::vector<std::string>{"1:0: DOCUMENTATION cannot be read: it must be a mapping"}));
  const auto [documentation, warnings] =
      read("DOCUMENTATION = '''\nshort_description: x\noptions: [a]\n'''\n");
  EXPECT_EQ(
      warnings,
      (std::vector<std::string>{"3:10: DOCUMENTATION cannot be read: options must be a mapping"}));
  EXPECT_EQ(documentation.summary, "x");
  EXPECT_FALSE(documentation.schema);
}

TEST(PythonDocumentation, HoldsNoControlCharacters) {
  const auto documentation =
      read("DOCUMENTATION = 'short_description: \"a\\\\eb\"'\nEXAMPLES = '\\x1b[31m'\n")
          .documentation;
  EXPECT_EQ(documentation.summary, "a?b");
  EXPECT_EQ(documentation.examples, "?[31m\n");
}

// ---- warnings

std::vector<std::string> warnings_about(std::string_view settings) {
  const auto schema = *read(kDocumented).documentation.schema;
  Diagnostics diagnostics;
  const auto given = parse_yaml(settings, "rules.yml", diagnostics);
  warn_about_settings(schema, *given, "source x", {.file = "rules.yml", .line = 9}, diagnostics);
  std::vector<std::string> out;
  for (const auto& item : diagnostics.items()) {
    EXPECT_EQ(item.severity, Severity::warning);
    out.push_back(fmt::format("{}: {} ({})", item.where.line, item.message,
                              item.hint.substr(0, item.hint.find('?') + 1)));
  }
  return out;
}

TEST(WarnAboutSettings, TellsUnknownAndMissingOnes) {
  EXPECT_EQ(warnings_about("hots: x\nzzz: 1\n"),
            (std::vector<std::string>{"9: source x: port is required ()",
                                      "1: source x: hots is not a known setting (did you mean "
                                      "`host`?)",
                                      "2: source x: zzz is not a known setting ()"}));
}

TEST(WarnAboutSettings, LeavesTheRestToThePlugin) {
  EXPECT_EQ(warnings_about("port: many\nhmac_algo: other\nfeedback: true\nhost: null\n"),
            std::vector<std::string>());
  EXPECT_EQ(warnings_about("port: '{{ port }}'\n"), std::vector<std::string>());
}

}  // namespace
}  // namespace millrace
