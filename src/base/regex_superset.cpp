// SPDX-License-Identifier: Apache-2.0
//
// Hyperscan's prefilter mode drops look-arounds and turns atomic groups and possessive repeats into
// plain ones. What is left is monotone: an element that matches more makes an expression that
// matches more. So an element on which PCRE2 and Hyperscan disagree need not spoil its pattern; it
// is widened, at worst to "any character" (kAnyCharacter) or "any text" (kAnyText). The pattern is
// read here token by token and written anew with nothing but tokens on which the two are known to
// agree:
//
//   \p{…} \P{…} \X        Hyperscan's character tables are from before Unicode 8: widened
//   letters, ignoring     the same: kept in the blocks that were compared code point by code point,
//   case                  else widened
//   \1 \k<n> (?1) (?R)    Hyperscan repeats the group in the group's own case mode: any text
//   $ \Z, multiline ^     Hyperscan knows \n as line end, PCRE2 \r and \r\n too: "here or at a \r"
//                         if nothing of the pattern is behind (before) it, else left out
//   (?x), (?(1)…), \K …   not read: none
#include "regex_superset.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "millrace/base/text.hpp"

namespace millrace {
namespace {

constexpr std::string_view kNothing = "(?:)";
constexpr std::string_view kAnyText = "(?:(?s:.)*)";
/// What an element adds to the automata, roughly: one that matches multi-byte characters needs some
/// states for them.
constexpr unsigned kNarrow = 1, kWide = 4;
/// A counted repeat weighs no more than this; a higher one becomes "so many or more". Nothing else
/// bounds the time and memory that Hyperscan takes to compile: (.{1,32}x){32} takes it ten seconds.
constexpr unsigned kMaxRepeatWeight = 32;
constexpr unsigned kMaxWeight = 2000;

struct Block {
  char32_t first, last;
};
/// Where Hyperscan's upper and lower case are those of PCRE2 10.42, the letters of
/// kHasOldForm apart.
constexpr std::array kSameCase = {
    Block{0x00, 0x24f},    Block{0x370, 0x52f},     Block{0x531, 0x109f},
    Block{0x1e00, 0x2bff}, Block{0x3000, 0x9fff},   Block{0xac00, 0xd7a3},
    Block{0xff00, 0xffef}, Block{0x1f000, 0x1faff}, Block{0x20000, 0x3ffff}};
/// U+1C80 to U+1C88 are further lower-case forms of these (Unicode 9).
constexpr std::u32string_view kHasOldForm = U"ВДОСТЪѢвдостъѣ";
constexpr std::string_view kOldForms = "\\x{1c80}-\\x{1c88}";
constexpr Block kCyrillic{0x400, 0x52f};

bool within(Block block, char32_t c) { return block.first <= c && c <= block.last; }

/// Both are in one block of kSameCase.
bool same_case(char32_t first, char32_t last) {
  return std::ranges::any_of(kSameCase,
                             [&](Block b) { return within(b, first) && within(b, last); });
}

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_letter(char32_t c) { return c < 0x80 && std::isalpha(static_cast<int>(c)) != 0; }
bool any_of(std::string_view set, char32_t c) {
  return c < 0x80 && set.contains(static_cast<char>(c));
}

/// `text` is valid UTF-8.
std::u32string decoded(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t c = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k)
      c = (c << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    out += c;
    i += length;
  }
  return out;
}

std::string literal(char32_t c) {
  if (c >= 0x80 || c < 0x20 || c == 0x7f)
    return fmt::format("\\x{{{:x}}}", static_cast<std::uint32_t>(c));
  if (is_letter(c) || is_digit(c) || c == '_' || c == ' ') return {static_cast<char>(c)};
  return {'\\', static_cast<char>(c)};
}

/// What stands between the brackets of a class.
struct ClassBody {
  std::string members;
  bool wide = false;        // something whose reach is not known
  bool complement = false;  // \W, [:^alpha:] and their like
  bool foreign = false;     // a code point outside of ASCII
  bool cyrillic = false;
};

class Widener {
 public:
  Widener(std::u32string pattern, Regex::Options options) : in_(std::move(pattern)) {
    result_.ignore_case = ignore_case_ = options.ignore_case;
    result_.multiline = multiline_ = options.multiline;
    anchored_ = options.anchor == Regex::Anchor::start;
    next_opens_ = !anchored_;
  }

  std::optional<RegexSuperset> run() {
    if (anchored_) {
      caret();
      emit("(?:");
    }
    while (i_ < in_.size())
      if (!token()) return std::nullopt;
    if (!groups_.empty() || weight_ > kMaxWeight) return std::nullopt;
    if (anchored_) emit(")");
    return std::move(result_);
  }

 private:
  char32_t peek(std::size_t ahead = 0) const {
    return i_ + ahead < in_.size() ? in_[i_ + ahead] : U'\0';
  }
  bool at_end() const { return i_ >= in_.size(); }
  bool take(char32_t c) {
    if (at_end() || in_[i_] != c) return false;
    ++i_;
    return true;
  }
  bool take(std::u32string_view text) {
    if (!std::u32string_view(in_).substr(i_).starts_with(text)) return false;
    i_ += text.size();
    return true;
  }
  bool skip_past(char32_t c) {
    const auto found = in_.find(c, i_);
    if (found == std::u32string::npos) return false;
    i_ = found + 1;
    return true;
  }
  bool emit(std::string_view text) {
    result_.elements.push_back({std::string(text)});
    return true;
  }
  /// Something that a repeat can follow.
  bool element(std::string_view text, unsigned weight) {
    element_start_ = weight_;
    weight_ += weight;
    return emit(text);
  }
  bool emit_literal(char32_t c) {
    if (c < 0x80) {
      element(literal(c), kNarrow);
      result_.elements.back().letter = static_cast<char>(c);
      return true;
    }
    if (ignore_case_ && !same_case(c, c)) return element(kAnyCharacter, kWide);
    if (ignore_case_ && kHasOldForm.contains(c))
      return element(fmt::format("[{}{}]", literal(c), kOldForms), kWide);
    return element(literal(c), kWide);
  }

  bool token() {
    opening_ = std::exchange(next_opens_, false);
    const char32_t c = in_[i_++];
    switch (c) {
      case '\\':
        return escape();
      case '[':
        return bracket();
      case '(':
        return group();
      case ')':
        return close();
      case '^':
        return caret();
      case '$':
        return line_end("$");
      case '.':
        return element(".", kWide);
      case '|':
        next_opens_ = groups_.empty() && !anchored_;
        return emit("|");
      case '*':
      case '+':
      case '?':
        return quantifier(std::string(1, static_cast<char>(c)));
      case '{':
        return braces();
      default:
        return emit_literal(c);
    }
  }

  bool caret() {
    if (!multiline_) return emit("^");
    return emit(opening_ ? "(?:^|\\r)" : kNothing);
  }
  bool line_end(std::string_view assertion) {
    const bool closing = in_.find_first_not_of(U')', i_) == std::u32string::npos ||
                         (groups_.empty() && peek() == U'|');
    return emit(closing ? fmt::format("(?:{}|\\r)", assertion) : std::string(kNothing));
  }

  /// Lazy and possessive make no difference to whether something is found.
  bool quantifier(std::string_view text) {
    if (peek() == U'?' || peek() == U'+') ++i_;
    if (!result_.elements.empty()) result_.elements.back().letter = '\0';
    return emit(text);
  }
  std::optional<unsigned> number() {
    if (!is_digit(peek())) return std::nullopt;
    unsigned value = 0;
    while (is_digit(peek())) value = std::min(value * 10 + (in_[i_++] - U'0'), 1'000'000u);
    return value;
  }
  bool braces() {
    // Newer releases of PCRE2 also read {,3} and { 2, 3 } as repeats.
    if (!is_digit(peek())) return !any_of(" \t,", peek()) && element("\\{", kNarrow);
    unsigned low = *number();
    std::optional<unsigned> high = low;
    if (take(U',')) high = number();
    if (!take(U'}')) return false;
    const unsigned once = std::max(weight_ - element_start_, 1u);
    const unsigned most = std::max(kMaxRepeatWeight / once, 1u);
    low = std::min(low, most);
    if (high && *high > most) high.reset();
    weight_ = element_start_ + once * std::max(high.value_or(low), 1u);
    if (!high) return quantifier(fmt::format("{{{},}}", low));
    return quantifier(fmt::format("{{{},{}}}", low, *high));
  }

  bool escape() {
    if (at_end()) return false;
    const char32_t c = in_[i_++];
    const std::string same = {'\\', static_cast<char>(c)};
    if (any_of("dwsbBAzaefnrt", c)) return element(same, kNarrow);
    if (any_of("DWShHvV", c)) return element(same, kWide);
    switch (c) {
      case 'Z':
        return line_end("\\Z");
      case 'N':
        return peek() != U'{' && element("[^\\n]", kWide);
      case 'R':
        return element("(?:\\r\\n|[\\x{a}-\\x{d}\\x{85}\\x{2028}\\x{2029}])", kWide);
      case 'X':
        return element("(?:(?s:.)+)", kWide);
      case 'p':
      case 'P':
        return property() && element(kAnyCharacter, kWide);
      case 'x':
        return hexadecimal() && emit_literal(code_point_);
      case 'Q':
        return quoted();
      case 'E':
        return true;
      case 'g':
      case 'k':
        return reference() && element(kAnyText, kWide);
      default:
        break;
    }
    if (is_digit(c)) return c != U'0' && !is_digit(peek()) && element(kAnyText, kWide);
    if (is_letter(c)) return false;
    return emit_literal(c);
  }
  bool property() { return take(U'{') ? skip_past(U'}') : !at_end() && (++i_, true); }
  bool reference() {
    if (take(U'{')) return skip_past(U'}');
    if (take(U'<')) return skip_past(U'>');
    if (take(U'\'')) return skip_past(U'\'');
    if (peek() == U'-' || peek() == U'+') ++i_;
    return number().has_value();
  }
  bool quoted() {
    while (!at_end() && !take(U"\\E")) emit_literal(in_[i_++]);
    return true;
  }
  /// The digits after \x, to code_point_.
  bool hexadecimal() {
    const bool braced = take(U'{');
    code_point_ = 0;
    const std::size_t start = i_;
    while (any_of("0123456789abcdefABCDEF", peek()) && i_ - start < (braced ? 8u : 2u)) {
      const char32_t digit = in_[i_++];
      code_point_ =
          code_point_ * 16 + (is_digit(digit) ? digit - U'0' : (digit | 0x20) - U'a' + 10);
    }
    if (braced && !take(U'}')) return false;
    return (!braced || i_ - start > 1) && code_point_ <= 0x10ffff;
  }

  bool open(std::string_view text) {
    groups_.push_back(weight_);
    return emit(text);
  }
  bool close() {
    if (groups_.empty()) return false;
    element_start_ = groups_.back();
    groups_.pop_back();
    return emit(")");
  }
  bool group() {
    if (peek() == U'*') return false;
    if (!take(U'?')) return open("(?:");
    // Kept as it is; prefilter mode drops it.
    if (take(U"<=")) return open("(?<=");
    if (take(U"<!")) return open("(?<!");
    if (take(U'=')) return open("(?=");
    if (take(U'!')) return open("(?!");
    if (take(U':') || take(U'>') || take(U'|')) return open("(?:");
    if (take(U'<') || take(U"P<")) return skip_past(U'>') && open("(?:");
    if (take(U'\'')) return skip_past(U'\'') && open("(?:");
    if (take(U'#')) return skip_past(U')');
    const bool calls = any_of("R&+", peek()) || is_digit(peek()) ||
                       (peek() == U'-' && is_digit(peek(1))) || take(U"P=") || take(U"P>");
    if (calls) return skip_past(U')') && element(kAnyText, kWide);
    return modes();
  }
  /// (?i) and its like; i_ is behind the question mark.
  bool modes() {
    std::string kept;
    while (any_of("imsU-", peek())) {
      const auto mode = static_cast<char>(in_[i_++]);
      if (mode == 'i') ignore_case_ = true;  // from here on, to be on the safe side
      if (mode == 'm') multiline_ = true;
      if (mode != 'U') kept += mode;
    }
    const bool group = take(U':');
    if (!group && !take(U')')) return false;
    if (kept.ends_with('-')) kept.pop_back();
    if (group) return open("(?" + kept + ":");
    next_opens_ = opening_;
    return kept.empty() || emit("(?" + kept + ")");
  }

  bool bracket() {
    if (take(U"[:<:]]") || take(U"[:>:]]")) return emit("\\b");
    const bool negated = take(U'^');
    ClassBody body;
    if (!class_members(body)) return false;
    // Case folding may add more to what stands behind the ^ in Hyperscan than in PCRE2.
    const bool wide = ignore_case_ && negated && (body.foreign || body.complement);
    if (body.wide || wide) return element(kAnyCharacter, kWide);
    if (ignore_case_ && body.cyrillic) body.members += kOldForms;
    const bool narrow = !negated && !body.foreign && !body.complement;
    return element(fmt::format("[{}{}]", negated ? "^" : "", body.members),
                   narrow ? kNarrow : kWide);
  }

  bool class_members(ClassBody& body) {
    bool first = true;
    bool after_single = false;  // a - makes a range only behind a single character
    char32_t single = 0;
    while (first || peek() != U']') {
      if (at_end()) return false;
      if (after_single && peek() == U'-' && peek(1) != U']') {
        ++i_;
        bool end_is_single = false;
        char32_t last = 0;
        if (!class_member(body, end_is_single, last) || !end_is_single) return false;
        add(body, single, last);
        after_single = false;
        continue;
      }
      if (after_single) add(body, single, single);
      first = false;
      if (!class_member(body, after_single, single)) return false;
    }
    if (after_single) add(body, single, single);
    ++i_;
    return true;
  }
  void add(ClassBody& body, char32_t first, char32_t last) const {
    if (last >= 0x80) body.foreign = true;
    if (within(kCyrillic, first)) body.cyrillic = true;
    if (last >= 0x80 && ignore_case_ && !same_case(first, last)) body.wide = true;
    // A range like Ā-я in the block of Greek and Cyrillic.
    if (first < kCyrillic.first && last >= kCyrillic.first) body.cyrillic = true;
    body.members += literal(first);
    if (first != last) body.members += "-" + literal(last);
  }

  /// One member: a single character, left to the caller, or a class, added to the body.
  bool class_member(ClassBody& body, bool& is_single, char32_t& single) {
    if (at_end()) return false;
    is_single = true;
    single = in_[i_++];
    if (single == U'[' && peek() == U':') {
      is_single = !posix_class(body);
      return true;
    }
    if (single != U'\\') return true;
    if (at_end()) return false;
    single = in_[i_++];
    constexpr std::string_view kNames = "nrtfaeb";
    constexpr std::u32string_view kValues = U"\n\r\t\f\a\x1b\b";
    if (any_of(kNames, single)) {
      single = kValues[kNames.find(static_cast<char>(single))];
      return true;
    }
    if (single == U'x') {
      if (!hexadecimal()) return false;
      single = code_point_;
      return true;
    }
    if (!is_letter(single)) return !is_digit(single);
    is_single = false;
    if (any_of("pP", single)) return body.wide = true, property();
    if (!any_of("dDwWsShHvV", single)) return false;
    body.members += {'\\', static_cast<char>(single)};
    if (any_of("DWSHV", single)) body.complement = true;
    return true;
  }
  /// [:alpha:] and its like, to the body; i_ is behind the bracket. False: it is none, nothing
  /// taken.
  bool posix_class(ClassBody& body) {
    std::size_t end = i_ + 1;
    if (end < in_.size() && in_[end] == U'^') ++end;
    while (end < in_.size() && is_letter(in_[end])) ++end;
    if (!std::u32string_view(in_).substr(end).starts_with(U":]")) return false;
    if (in_[i_ + 1] == U'^') body.complement = true;
    body.members += '[';
    for (; i_ < end; ++i_) body.members += static_cast<char>(in_[i_]);
    body.members += ":]";
    i_ = end + 2;
    return true;
  }

  std::u32string in_;
  std::size_t i_ = 0;
  RegexSuperset result_;
  std::vector<unsigned> groups_;  // the weight in front of each open one
  unsigned weight_ = 0;
  unsigned element_start_ = 0;  // the weight in front of the last element
  char32_t code_point_ = 0;
  bool ignore_case_ = false;
  bool multiline_ = false;
  bool anchored_ = false;
  // Nothing of the pattern, or of this alternative of it, comes before this token, the next token.
  bool opening_ = true;
  bool next_opens_ = false;
};

}  // namespace

std::string RegexSuperset::expression() const {
  std::string out;
  for (const Element& element : elements) out += element.text;
  return out;
}

std::optional<RegexSuperset> superset_of(std::string_view pattern, Regex::Options options) {
  if (valid_utf8(pattern) != pattern) return std::nullopt;
  return Widener(decoded(pattern), options).run();
}

}  // namespace millrace
