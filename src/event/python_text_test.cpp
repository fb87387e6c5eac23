// SPDX-License-Identifier: Apache-2.0
#include "millrace/event/python_text.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "millrace/event/json.hpp"

namespace millrace {
namespace {

struct Case {
  std::string_view json;
  std::string_view expected;
};

Value value_of(std::string_view json) {
  auto value = parse_json(json);
  EXPECT_TRUE(value) << json;
  return value ? *std::move(value) : Value();
}

std::string repr_of_text(std::string_view text) {
  return python_repr(Value(boost::json::string_view(text.data(), text.size())));
}

std::string literal(std::string_view text) {
  const auto value = python_literal(text);
  return value ? to_json(*value) : "nothing";
}

// What Python 3.11 prints for pprint.pformat(json.loads(text)).
const std::vector<Case> kPformat = {
    {R"json({})json", R"py({})py"},
    {R"json([])json", R"py([])py"},
    {R"json("")json", R"py('')py"},
    {R"json(5)json", R"py(5)py"},
    {R"json(null)json", R"py(None)py"},
    {R"json({"b": 1, "a": [1, 2.0, null, true], "c": {"z": "it's", "y": "\""}})json",
     R"py({'a': [1, 2.0, None, True], 'b': 1, 'c': {'y': '"', 'z': "it's"}})py"},
    {R"json({"meta": {"source": {"name": "webhook", "type": "ansible.eda.webhook"}, "received_at": "2026-11-21T11:18:02.836006Z", "uuid": "8d9f4a52-7d2f-4c0e-8d44-3c3d3a1c2a10"}, "payload": {"alerts": [{"status": "firing", "labels": {"severity": "critical", "instance": "host-1.example.com:9100"}}]}})json",
     R"py({'meta': {'received_at': '2026-11-21T11:18:02.836006Z',
          'source': {'name': 'webhook', 'type': 'ansible.eda.webhook'},
          'uuid': '8d9f4a52-7d2f-4c0e-8d44-3c3d3a1c2a10'},
 'payload': {'alerts': [{'labels': {'instance': 'host-1.example.com:9100',
                                    'severity': 'critical'},
                         'status': 'firing'}]}})py"},
    {R"json("The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls")json",
     R"py(('The quick brown fox jumps over the lazy dog and keeps running through the '
 'forest until night falls'))py"},
    {R"json("The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls\nThe quick brown fox jumps over the lazy dog and keeps running through the forest until night falls")json",
     R"py(('The quick brown fox jumps over the lazy dog and keeps running through the '
 'forest until night falls\n'
 'The quick brown fox jumps over the lazy dog and keeps running through the '
 'forest until night falls'))py"},
    {R"json(["The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls"])json",
     R"py(['The quick brown fox jumps over the lazy dog and keeps running through the '
 'forest until night falls'])py"},
    {R"json({"text": "The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls", "n": 1})json",
     R"py({'n': 1,
 'text': 'The quick brown fox jumps over the lazy dog and keeps running '
         'through the forest until night falls'})py"},
    {R"json({"a": {"b": {"c": "The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls"}}})json",
     R"py({'a': {'b': {'c': 'The quick brown fox jumps over the lazy dog and keeps '
                  'running through the forest until night falls'}}})py"},
    {R"json([["The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls"], ["The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls", "The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls"]])json",
     R"py([['The quick brown fox jumps over the lazy dog and keeps running through the '
  'forest until night falls'],
 ['The quick brown fox jumps over the lazy dog and keeps running through the '
  'forest until night falls',
  'The quick brown fox jumps over the lazy dog and keeps running through the '
  'forest until night falls']])py"},
    {R"json("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")json",
     R"py('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')py"},
    {R"json(["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "y z"])json",
     R"py(['xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
 'y z'])py"},
    {R"json({"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk": 1})json",
     R"py({'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk': 1})py"},
    {R"json({"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk": [1, 2, 3]})json",
     R"py({'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk': [1,
                                                                            2,
                                                                            3]})py"},
    {R"json([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39]])json",
     R"py([[0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
  17,
  18,
  19,
  20,
  21,
  22,
  23,
  24,
  25,
  26,
  27,
  28,
  29,
  30,
  31,
  32,
  33,
  34,
  35,
  36,
  37,
  38,
  39]])py"},
    {R"json(["éééééééééééééééééééééééééééééééééééééé", "éééééééééééééééééééééééééééééééééééééééé"])json",
     R"py(['éééééééééééééééééééééééééééééééééééééé',
 'éééééééééééééééééééééééééééééééééééééééé'])py"},
    {R"json(["日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 "])json",
     R"py(['日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 '
 '日本語 '])py"},
    {R"json({"m": "line one\nline two\r\nline three\u2028The quick brown fox jumps over the lazy dog and keeps running through the forest until night falls"})json",
     R"py({'m': 'line one\n'
      'line two\r\n'
      'line three\u2028'
      'The quick brown fox jumps over the lazy dog and keeps running through '
      'the forest until night falls'})py"},
    {R"json(["tab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\t", "a\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0ba\u00a0b"])json",
     R"py(['tab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\t',
 'a\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0'
 'ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0ba\xa0b'])py"},
    {R"json([[[[[[{"deep": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], "deeper": "word word word word word word word word word word word word word word word word word word word word "}]]]]]])json",
     R"py([[[[[[{'deep': [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
       'deeper': 'word word word word word word word word word word word word '
                 'word word word word word word word word '}]]]]]])py"},
    {R"json([1e+16, 1e-05, 0.1, -0.0, 123456789.125, 1e+16, 1e-05, 0.1, -0.0, 123456789.125, 1e+16, 1e-05, 0.1, -0.0, 123456789.125, 1e+16, 1e-05, 0.1, -0.0, 123456789.125, 1e+16, 1e-05, 0.1, -0.0, 123456789.125])json",
     R"py([1e+16,
 1e-05,
 0.1,
 -0.0,
 123456789.125,
 1e+16,
 1e-05,
 0.1,
 -0.0,
 123456789.125,
 1e+16,
 1e-05,
 0.1,
 -0.0,
 123456789.125,
 1e+16,
 1e-05,
 0.1,
 -0.0,
 123456789.125,
 1e+16,
 1e-05,
 0.1,
 -0.0,
 123456789.125])py"},
    {R"json(["\u0007\u007f\u200b\ue000\udb40\udc01\\\u0007\u007f\u200b\ue000\udb40\udc01\\\u0007\u007f\u200b\ue000\udb40\udc01\\\u0007\u007f\u200b\ue000\udb40\udc01\\"])json",
     R"py(['\x07\x7f\u200b\ue000\U000e0001\\\x07\x7f\u200b\ue000\U000e0001\\\x07\x7f\u200b\ue000\U000e0001\\\x07\x7f\u200b\ue000\U000e0001\\'])py"},
    {R"json([{"a": []}, {"b": {}}, {"a": []}, {"b": {}}, {"a": []}, {"b": {}}, {"a": []}, {"b": {}}, {"a": []}, {"b": {}}, {"a": []}, {"b": {}}, {"a": []}, {"b": {}}, {"a": []}, {"b": {}}])json",
     R"py([{'a': []},
 {'b': {}},
 {'a': []},
 {'b': {}},
 {'a': []},
 {'b': {}},
 {'a': []},
 {'b': {}},
 {'a': []},
 {'b': {}},
 {'a': []},
 {'b': {}},
 {'a': []},
 {'b': {}},
 {'a': []},
 {'b': {}}])py"},
};

TEST(PythonText, ReprWritesWhatPythonWrites) {
  EXPECT_EQ(python_repr(value_of(R"({"i":1,"ok":true,"no":false,"n":null,"f":1.0,"s":"it's"})")),
            R"({'i': 1, 'ok': True, 'no': False, 'n': None, 'f': 1.0, 's': "it's"})");
  EXPECT_EQ(python_repr(value_of(R"([[],{},"",18446744073709551615,-9223372036854775808])")),
            "[[], {}, '', 18446744073709551615, -9223372036854775808]");
}

TEST(PythonText, ReprChoosesTheQuoteThatNeedsNoEscape) {
  EXPECT_EQ(repr_of_text("plain"), "'plain'");
  EXPECT_EQ(repr_of_text("it's"), "\"it's\"");
  EXPECT_EQ(repr_of_text("\"q\""), "'\"q\"'");
  EXPECT_EQ(repr_of_text("it's \"q\""), R"('it\'s "q"')");
}

TEST(PythonText, ReprEscapesWhatIsNotPrintable) {
  EXPECT_EQ(repr_of_text("\\\n\r\t\a\x7f"), R"('\\\n\r\t\x07\x7f')");
  EXPECT_EQ(repr_of_text("\u00a0\u00ad\u200b\u2028\ue000\ufeff\U000e0001"),
            R"('\xa0\xad\u200b\u2028\ue000\ufeff\U000e0001')");
  EXPECT_EQ(repr_of_text("é日本\U0001F600"), "'é日本\U0001F600'");
  EXPECT_EQ(repr_of_text(std::string_view("\0", 1)), R"('\x00')");
}

TEST(PythonText, ReprWritesDoublesAsPythonDoes) {
  const std::vector<std::pair<double, std::string_view>> cases = {
      {1.0, "1.0"},
      {-0.0, "-0.0"},
      {0.1, "0.1"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {1.5e16, "1.5e+16"},
      {1e-4, "0.0001"},
      {1e-5, "1e-05"},
      {1e300, "1e+300"},
      {5e-324, "5e-324"},
      {INFINITY, "inf"},
      {-INFINITY, "-inf"},
      {std::nan(""), "nan"},
      {9999999999999998.0, "9999999999999998.0"},
      {0.30000000000000004, "0.30000000000000004"}};
  for (const auto& [number, text] : cases) EXPECT_EQ(python_repr(Value(number)), text);
}

TEST(PythonText, StrLeavesStringsBare) {
  EXPECT_EQ(python_str(Value("it's")), "it's");
  EXPECT_EQ(python_str(Value(nullptr)), "None");
  EXPECT_EQ(python_str(value_of(R"(["a"])")), "['a']");
}

TEST(PythonText, PformatWrapsAsPprintDoes) {
  for (const auto& [json, expected] : kPformat)
    EXPECT_EQ(python_pformat(value_of(json)), expected) << json;
}

TEST(PythonText, PformatHonoursTheWidth) {
  EXPECT_EQ(python_pformat(value_of("[1,22,333]"), 12), "[1, 22, 333]");
  EXPECT_EQ(python_pformat(value_of("[1,22,333]"), 11), "[1,\n 22,\n 333]");
}

TEST(PythonText, LiteralsOfEveryKind) {
  const std::vector<Case> cases = {{"5", "5"},
                                   {"-5", "-5"},
                                   {"+5", "5"},
                                   {"True", "true"},
                                   {"False", "false"},
                                   {"None", "null"},
                                   {"1,2", "[1,2]"},
                                   {"1,", "[1]"},
                                   {"[1,2]", "[1,2]"},
                                   {"(1, 2)", "[1,2]"},
                                   {"(1)", "1"},
                                   {"(1,)", "[1]"},
                                   {"()", "[]"},
                                   {"{}", "{}"},
                                   {"1e3", "1000.0"},
                                   {".5", "0.5"},
                                   {"1_000", "1000"},
                                   {"0x10", "16"},
                                   {"0o17", "15"},
                                   {"0b11", "3"},
                                   {"00", "0"},
                                   {"007.5", "7.5"},
                                   {"-0.0", "-0.0"},
                                   {"\"q\"", "\"q\""},
                                   {"{'a': [1, None,],}", R"({"a":[1,null]})"},
                                   {"{1: 2, None: 3}", R"({"1":2,"null":3})"},
                                   {"[1,\n 2 # two\n]", "[1,2]"},
                                   {"18446744073709551616", "18446744073709551616.0"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(literal(text), expected) << text;
}

TEST(PythonText, LiteralStrings) {
  const std::vector<Case> cases = {{R"('a' "b")", R"("ab")"},
                                   {"('a'\n 'b')", R"("ab")"},
                                   {R"('\x41\101\u00e9\n\'')", R"("AAé\n'")"},
                                   {R"(r'\d')", R"("\\d")"},
                                   {R"('\d')", R"("\\d")"},
                                   {"u'x'", R"("x")"},
                                   {"'''a\r\n'b'''", R"("a\n'b")"},
                                   {"'a\\\nb'", R"("ab")"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(literal(text), expected) << text;
}

TEST(PythonText, WhatPythonWouldNotTakeForALiteralIsNothing) {
  for (const std::string_view text :
       {"",         " ",      " 5",     "\t5",       "true",  "null",     "007",       "1__0",
        "1_",       "0x",     "0o.5",   "5a",        "--5",   "-True",    "1+2",       "2j",
        "b'x'",     "f'x'",   "{1}",    "set()",     "[1 2]", "[,]",      "[1,,2]",    "[1",
        "'a",       "'a\nb'", "'\\x4'", "'\\ud800'", "{'a'}", "{[1]: 2}", "{(1,): 2}", "1,\n2",
        "'a'\n'b'", "...",    "a",      "{{ x }}",   "[*a]",  "1 2",      "None1"}) {
    EXPECT_EQ(literal(text), "nothing") << text;
  }
}

TEST(PythonText, LiteralsMayBeFollowedButNotPrecededByBlanks) {
  EXPECT_EQ(literal("5 "), "5");
  EXPECT_EQ(literal("5\n"), "5");
  EXPECT_EQ(literal("5 # five"), "5");
  EXPECT_EQ(literal("\n# five\n5"), "5");
  EXPECT_EQ(literal("\n 5"), "nothing");
}

TEST(PythonText, LiteralsAreBoundedInDepth) {
  EXPECT_TRUE(python_literal(std::string(100, '[') + std::string(100, ']')));
  EXPECT_FALSE(python_literal(std::string(101, '[') + std::string(101, ']')));
  EXPECT_FALSE(python_literal(std::string(1'000'000, '(')));
}

TEST(PythonText, LiteralReadsBackWhatReprWrote) {
  for (const auto& [json, expected] : kPformat) {
    const auto value = value_of(json);
    const auto read = python_literal(python_repr(value));
    ASSERT_TRUE(read) << json;
    EXPECT_TRUE(identical(*read, value)) << json;
  }
}

TEST(PythonText, LiteralReadsBackWhatPformatWrote) {
  for (const auto& [json, expected] : kPformat) {
    const auto read = python_literal(expected);
    ASSERT_TRUE(read) << expected;
    EXPECT_TRUE(identical(*read, value_of(json))) << expected;
  }
}

TEST(PythonText, NamesTheTypesOfPython) {
  const auto values = value_of(R"([null,true,1,18446744073709551615,1.5,"",[],{}])");
  const std::vector<std::string_view> names = {"NoneType", "bool", "int",  "int",
                                               "float",    "str",  "list", "dict"};
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(python_type(values.at(i)), names[i]);
}

}  // namespace
}  // namespace millrace
