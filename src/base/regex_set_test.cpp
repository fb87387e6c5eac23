// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/regex_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace millrace {
namespace {

using Indices = std::vector<std::uint32_t>;
using Options = Regex::Options;

Indices scan(const RegexSet& set, std::string_view text) {
  Indices found = {99};  // scan() replaces it
  set.scan(text, found);
  std::ranges::sort(found);
  return found;
}

Indices scan(std::vector<RegexSet::Pattern> patterns, std::string_view text) {
  return scan(RegexSet::compile(patterns), text);
}

bool is_filtered(std::string_view pattern, Options options = {}) {
  const RegexSet::Pattern only{pattern, options};
  return RegexSet::compile({&only, 1}).unfiltered().empty();
}

/// Regex and RegexSet agree that the pattern matches.
bool both_find(std::string_view pattern, std::string_view text, Options options = {}) {
  const auto regex = Regex::compile(pattern, options);
  EXPECT_TRUE(regex) << pattern;
  return regex && regex->search(text) == Regex::Outcome::match &&
         !scan({{pattern, options}}, text).empty();
}

TEST(RegexSet, NamesEveryPatternThatMayMatchOnce) {
  const std::vector<RegexSet::Pattern> patterns = {{"error", {}},
                                                   {"ERROR", {}},
                                                   {"ERROR", {.ignore_case = true}},
                                                   {"^code", {}},
                                                   {"e.*r.*o", {}}};
  const auto set = RegexSet::compile(patterns);
  EXPECT_EQ(set.size(), 5u);
  EXPECT_TRUE(set.unfiltered().empty());
  EXPECT_EQ(scan(set, "error: error code"), (Indices{0, 2, 4}));
  EXPECT_EQ(scan(set, "code ERROR"), (Indices{1, 2, 3}));
  EXPECT_EQ(scan(set, ""), Indices{});
}

TEST(RegexSet, MayBeEmptyAndMayBeMoved) {
  EXPECT_EQ(scan(std::vector<RegexSet::Pattern>{}, "text"), Indices{});
  auto set = RegexSet::compile(std::vector<RegexSet::Pattern>{{"a", {}}});
  const RegexSet moved = std::move(set);
  EXPECT_EQ(scan(moved, "bab"), Indices{0});
}

TEST(RegexSet, AlwaysNamesAPatternThatCanMatchTheEmptyText) {
  const std::vector<RegexSet::Pattern> patterns = {
      {"", {}}, {"a*", {}}, {"abc", {}}, {"^$", {}}, {"a|", {}}, {"(?=a)", {}}, {"\\b", {}}};
  const auto set = RegexSet::compile(patterns);
  EXPECT_EQ(scan(set, "xyz"), (Indices{0, 1, 3, 4, 5, 6}));
  EXPECT_EQ(Indices(set.unfiltered().begin(), set.unfiltered().end()), scan(set, ""));
}

TEST(RegexSet, AlwaysNamesAPatternThatItCannotRead) {
  for (const auto* pattern : {"(a)?(?(1)b|c)", "(?x) a b", "a\\Kb", "(*UCP)\\w", "\\cA", "\\101",
                              "a(*SKIP)b", "(?C)a", "[\\Qa\\E]", "\\o{101}", "\\N{U+41}"}) {
    EXPECT_TRUE(Regex::compile(pattern, {})) << pattern;
    EXPECT_FALSE(is_filtered(pattern)) << pattern;
  }
  EXPECT_FALSE(is_filtered(std::string(3000, 'a'))) << "too large";
  const RegexSet set = RegexSet::compile(
      std::vector<RegexSet::Pattern>{{"abc", {}}, {"a\\Kb", {}}, {"abd", {}}, {"a(", {}}});
  EXPECT_EQ(scan(set, "abd"), (Indices{1, 2, 3}));
}

TEST(RegexSet, SurvivesDamagedPatterns) {
  for (const auto* pattern :
       {"a(",  "a)",    "[",      "[a-",  "[^",          "[]",          "[[:alpha:]",
        "\\",  "[\\",   "a{2,1}", "\xff", "\\x{",        "\\x{110000}", "(?",
        "(?<", "(?P<n", "\\p",    "\\p{", "**",          "\\Qa",        "[z-a]",
        "(?i", "\\k<",  "\\g",    "(?#",  "\xed\xa0\x80"})
    scan({{pattern, {}}, {pattern, {.ignore_case = true, .anchor = Regex::Anchor::start}}}, "text");
}

TEST(RegexSet, KnowsTheLineEndsThatRegexKnows) {
  const Options multiline{.multiline = true};
  for (const auto* text : {"one", "one\n", "one\r", "one\r\n"}) {
    EXPECT_TRUE(both_find("one$", text));
    EXPECT_TRUE(both_find("(on|one$)", text));
    EXPECT_TRUE(both_find("one$|two", text));
    EXPECT_TRUE(both_find("one\\Z", text));
    EXPECT_TRUE(both_find("one$\\s*", text));
  }
  for (const auto* text : {"zero\none\ntwo", "zero\rone\rtwo", "zero\r\none\r\ntwo"}) {
    EXPECT_TRUE(both_find("^one$", text, multiline));
    EXPECT_TRUE(both_find("one", text, {.multiline = true, .anchor = Regex::Anchor::start}));
    EXPECT_TRUE(both_find("one$\\s+^two", text, multiline));
    EXPECT_TRUE(both_find("(?m)^one$", text));
    EXPECT_TRUE(both_find("x|^one$", text, multiline));
    EXPECT_TRUE(both_find("x|^one$", text, {.multiline = true, .anchor = Regex::Anchor::start}));
    EXPECT_TRUE(both_find("one\\R+two", text));
  }
  EXPECT_TRUE(scan({{"^one$", multiline}, {"e$|xs", {}}}, "onesie\n!").empty());
}

TEST(RegexSet, IgnoresCaseAsRegexDoes) {
  const Options ignore_case{.ignore_case = true};
  EXPECT_TRUE(both_find("STRAẞE|ÉTÉ", "été", ignore_case));
  EXPECT_TRUE(both_find("(?i)été", "ÉTÉ"));
  EXPECT_TRUE(both_find("ask", "A\u017F\u212A", ignore_case));
  EXPECT_TRUE(both_find("[a-z]+[k]", "a\u017F\u212A", ignore_case));
  EXPECT_TRUE(both_find("ВОДА", "вода", ignore_case));
  EXPECT_TRUE(both_find("вода", "\u1C80\u1C82\u1C81а", ignore_case)) << "Unicode 9";
  EXPECT_TRUE(both_find("[а-я]{4}", "\u1C80\u1C82\u1C81а", ignore_case));
  EXPECT_TRUE(both_find("\u10D0\u13A0", "\u1C90\uAB70", ignore_case)) << "Unicode 11, Unicode 8";
  EXPECT_TRUE(both_find("[\u10D0-\u10F0]", "\u1C90", ignore_case));
  EXPECT_TRUE(both_find("(a)(?i)\\1", "aA"));
  EXPECT_TRUE(scan({{"ВОДА", ignore_case}, {"日本", ignore_case}}, "огонь 中国").empty());
}

TEST(RegexSet, WidensWhatItsEngineKnowsLess) {
  EXPECT_TRUE(both_find("x\\p{L}y", "x\U0001E922y"));
  EXPECT_TRUE(both_find("x[\\p{Lu}_]y", "x\u13A0y"));
  EXPECT_TRUE(both_find("x\\Xy", "xe\u0301y"));
  EXPECT_TRUE(both_find("[[:<:]]abc", "an abc"));
  EXPECT_TRUE(both_find("a{300}", std::string(300, 'a')));
  EXPECT_TRUE(both_find("\\é", "é"));
  EXPECT_TRUE(both_find(std::string_view("a\0b", 3), std::string_view("a\0b", 3)));
  EXPECT_TRUE(both_find("(a(?:b(?R)|c))", "abac"));
  for (const auto* pattern : {"code \\p{N}+", "(\\w)x\\1", "(?<n>a)b(?P=n)", "a++b", "(?>a+)b",
                              "a(?=b)", "(?<!x)ab", "\\Qa.b\\E", "[[:alpha:]]", "a{2,}", "(?i:a)b"})
    EXPECT_TRUE(is_filtered(pattern)) << pattern;
}

TEST(RegexSet, LooksInLongTexts) {
  const std::string filler(100'000, 'x');
  EXPECT_TRUE(both_find("needle\\d", filler + "needle7" + filler));
  EXPECT_TRUE(scan({{"needle\\d", {}}}, filler + "needle" + filler).empty());
}

/// Vectorscan, which goes by the same library name, misses all of these.
TEST(RegexSet, IsNotBuiltWithAnEngineThatMissesMatches) {
  EXPECT_TRUE(both_find("(?s)curl.*\\|\\s*python", "curl http://xxxx:8000/ 2>&1 | python"));
  const std::vector<RegexSet::Pattern> tags = {
      {"<%[\\s\\S]+%>", {}},
      {"<[^<>]+:(include|forward|invoke|plugin|element|attribute|body|param|output|root)", {}},
      {"[\\$#]{[\\s\\S]+\\([\\s\\S]*\\)[\\s\\S]*}", {}}};
  EXPECT_EQ(scan(tags, "<%out.print();int a%>"), Indices{0});
}

std::vector<RegexSet::Pattern> patterns_of(const std::vector<std::string>& texts, Options options) {
  std::vector<RegexSet::Pattern> patterns;
  for (const std::string& text : texts) patterns.push_back({text, options});
  return patterns;
}

TEST(RegexSet, FiltersMostOfAThousandPatterns) {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back(fmt::format("alarm {}[a-f]", i));
  const auto set = RegexSet::compile(patterns_of(texts, {}));
  EXPECT_TRUE(set.unfiltered().empty());
  EXPECT_EQ(scan(set, "alarm 123d, then alarm 99a"), (Indices{99, 123}));
  EXPECT_EQ(scan(set, "alarm 1234"), Indices{});
  EXPECT_EQ(scan(set, "all is well"), Indices{});
}

TEST(RegexSet, FiltersPatternsThatShareTheirLongestWords) {
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back(fmt::format("error code {}[0-9]7 at host-\\d+", i));
  const auto set = RegexSet::compile(patterns_of(texts, {.ignore_case = true}));
  EXPECT_TRUE(set.unfiltered().empty());
  EXPECT_EQ(scan(set, "Error code 1247 AT host-5"), Indices{12});
  EXPECT_EQ(scan(set, "Error code 1247 at host-x"), Indices{});
}

/// Patterns from a small grammar, made of what the texts are made of so that they often match.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::string pattern(int depth = 2) {
    std::string out;
    for (int parts = 1 + below(3); parts > 0; --parts) out += alternative(depth);
    return out;
  }
  std::string text() {
    std::string out;
    for (int length = below(24); length > 0; --length) out += letter();
    return out;
  }
  Options options() {
    return {.ignore_case = below(3) == 0,
            .multiline = below(3) == 0,
            .anchor = below(5) == 0 ? Regex::Anchor::start : Regex::Anchor::none};
  }

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  template <std::size_t N>
  std::string one_of(const std::array<std::string_view, N>& choices) {
    return std::string(choices[static_cast<std::size_t>(below(static_cast<int>(N)))]);
  }
  std::string letter() {
    static constexpr std::array<std::string_view, 24> kLetters = {
        "a", "b", "k", "S", "A", "K",  "1",  "_",  " ",      "-",      "\n",     "\r",
        "a", "b", "é", "É", "в", "日", "\n", "\t", "\u1C80", "\u212A", "\u017F", "\r\n"};
    return one_of(kLetters);
  }
  std::string alternative(int depth) {
    std::string out = repeated(depth);
    while (below(3) != 0) out += repeated(depth);
    if (below(8) == 0) out += "|" + repeated(depth);
    return out;
  }
  std::string repeated(int depth) {
    static constexpr std::array<std::string_view, 9> kRepeats = {"*",  "+",  "?",    "{2}", "{1,3}",
                                                                 "+?", "*+", "{2,}", "??"};
    const std::string out = element(depth);
    return below(4) == 0 && !out.empty() ? "(?:" + out + ")" + one_of(kRepeats) : out;
  }
  std::string element(int depth) {
    static constexpr std::array<std::string_view, 30> kElements = {".",      "\\w",
                                                                   "\\W",    "\\d",
                                                                   "\\s",    "\\S",
                                                                   "\\b",    "\\B",
                                                                   "^",      "$",
                                                                   "\\A",    "\\z",
                                                                   "\\Z",    "\\h",
                                                                   "\\v",    "\\R",
                                                                   "\\N",    "\\X",
                                                                   "\\p{L}", "\\P{Lu}",
                                                                   "(a)\\1", "(?<n>b|é)(?:\\k<n>)",
                                                                   "\\x61",  "\\x{432}",
                                                                   "(?i)",   "(?m)",
                                                                   "(?-i)",  "\\Qa|\\E",
                                                                   "\\-",    "(?#c)"};
    static constexpr std::array<std::string_view, 24> kClasses = {
        "[ab]",    "[^a]",       "[a-z]",     "[^a-z]",       "[\\w-]",       "[]a]",
        "[^]a]",   "[é-я]",      "[^é]",      "[[:alpha:]]",  "[[:^upper:]]", "[^[:^upper:]]",
        "[^\\Wk]", "[^\\Sa]",    "[\\p{L}1]", "[^\\P{L}]",    "[\\r\\n]",     "[^\\n]",
        "[В-Я]",   "[\\x{432}]", "[a\\-b]",   "[[:space:]b]", "[^ksé]",       "[[:upper:]_]"};
    static constexpr std::array<std::string_view, 9> kGroups = {
        "(", "(?:", "(?>", "(?=", "(?!", "(?<=", "(?<!", "(?i:", "(?s-i:"};
    const int kind = below(depth > 0 ? 12 : 10);
    if (kind < 5) return escaped(letter());
    if (kind < 8) return one_of(kElements);
    if (kind < 10) return one_of(kClasses);
    return one_of(kGroups) + alternative(depth - 1) + ")";
  }
  static std::string escaped(const std::string& letter) { return letter == "-" ? "\\-" : letter; }

  std::mt19937 random_;
};

TEST(RegexSet, NeverMissesWhatRegexFinds) {
  constexpr int kSets = 12, kPatterns = 25, kTexts = 120;
  int pairs = 0, matches = 0, named = 0, filtered = 0;
  for (unsigned round = 0; round < kSets; ++round) {
    Maker maker(round);
    std::vector<std::string> texts;
    std::vector<Options> options;
    std::vector<Regex> regexes;
    while (regexes.size() < kPatterns) {
      const std::string pattern = maker.pattern();
      const Options how = maker.options();
      auto regex = Regex::compile(pattern, how);
      if (!regex) continue;  // such as a look-behind without a fixed length
      texts.push_back(pattern);
      options.push_back(how);
      regexes.push_back(*std::move(regex));
    }
    std::vector<RegexSet::Pattern> patterns;
    for (std::size_t i = 0; i < kPatterns; ++i) patterns.push_back({texts[i], options[i]});
    const auto set = RegexSet::compile(patterns);
    filtered += kPatterns - static_cast<int>(set.unfiltered().size());
    for (int i = 0; i < kTexts; ++i) {
      const std::string text = maker.text();
      const Indices found = scan(set, text);
      ASSERT_EQ(std::ranges::adjacent_find(found), found.end()) << "named twice";
      named += static_cast<int>(found.size());
      for (std::uint32_t index = 0; index < kPatterns; ++index) {
        ++pairs;
        if (regexes[index].search(text) != Regex::Outcome::match) continue;
        ++matches;
        ASSERT_TRUE(std::ranges::binary_search(found, index))
            << "round " << round << ": `" << texts[index] << "` (ignore case "
            << options[index].ignore_case << ", multiline " << options[index].multiline
            << ", anchored " << (options[index].anchor == Regex::Anchor::start) << ") in `"
            << ::testing::PrintToString(text) << "`";
      }
    }
  }
  // The comparison is worth something: many matches, and many non-matches that were filtered out.
  EXPECT_GT(matches, pairs / 10);
  EXPECT_LT(named, pairs * 3 / 4);
  EXPECT_GT(filtered, kSets * kPatterns / 2);
  RecordProperty("matches", matches);
  RecordProperty("named", named);
}

}  // namespace
}  // namespace millrace
