// SPDX-License-Identifier: Apache-2.0
#include "yaml_syntax.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/exceptions.h>

#include <algorithm>
#include <array>
#include <utility>

#include "utf8.hpp"

namespace millrace {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

// The characters that PyYAML's reader accepts.
bool is_allowed(char32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c < 0x7F || c == 0x85 || (c >= 0xA0 && c < 0xFFFE) || c >= 0x10000;
}

std::size_t start_of_line(std::string_view text, std::size_t offset) {
  return offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;  // npos + 1 is 0
}

// Where a quote is opened that nothing closes; npos if there is none. `offset` lies outside quotes.
std::size_t open_quote(std::string_view text, std::size_t offset) {
  bool at_start = true;  // of a token: elsewhere a quote is a character like others
  while (offset < text.size()) {
    const char c = text[offset];
    if (c == '#' && (offset == 0 || kBlank.contains(text[offset - 1]))) {
      offset = std::min(text.find('\n', offset), text.size());
      continue;
    }
    if (at_start && (c == '"' || c == '\'')) {
      const auto length = yaml_quoted_length(text.substr(offset));
      if (length == 0) return offset;
      offset += length;
      continue;
    }
    at_start =
        kBlank.contains(c) ? at_start || c == '\n' : std::string_view(":,-?[]{}").contains(c);
    ++offset;
  }
  return std::string_view::npos;
}

std::string word_at(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of(" \t\r\n,[]{}")));
}

struct Explanation {
  std::string_view fault;  // as yaml-cpp says it
  std::string_view message;
  std::string_view hint;
};

const auto& explanations() {
  static const std::array<Explanation, 13> kExplanations = {{
      {YAML::ErrorMsg::MAP_VALUE, "unexpected `:`",
       "quote a text that contains `: `; otherwise check the indentation of this line and the one "
       "before"},
      {YAML::ErrorMsg::END_OF_MAP, "this does not fit into the mapping around it",
       "check the indentation; a text that begins with a quote must end with it"},
      {YAML::ErrorMsg::END_OF_SEQ, "this does not fit into the list around it",
       "begin every item with `- ` in the same column"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "expected `,` or `}`", {}},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "expected `,` or `]`", {}},
      {YAML::ErrorMsg::TAB_IN_INDENTATION, "a tab in the indentation", "indent with blanks"},
      {YAML::ErrorMsg::BLOCK_ENTRY, "a list item cannot begin here",
       "begin the list on a line of its own, or quote the text"},
      {YAML::ErrorMsg::MAP_KEY, "a key cannot begin here", "quote a text that begins with `? `"},
      {YAML::ErrorMsg::FLOW_END, "this bracket closes nothing",
       "quote a text that begins with a bracket"},
      {YAML::ErrorMsg::CHAR_IN_BLOCK, "unexpected text behind `|` or `>`",
       "begin the text on the next line"},
      {YAML::ErrorMsg::DOC_IN_SCALAR, "the document ends within a quoted text", "close the quote"},
      {YAML::ErrorMsg::INVALID_HEX, "an escape lacks hexadecimal digits",
       R"(`\x` takes two, `\u` four, `\U` eight; write `\\` for a backslash, or use single quotes)"},
      {YAML::ErrorMsg::ALIAS_CONTENT, "an alias cannot have a tag or an anchor", {}},
  }};
  return kExplanations;
}

class Explainer {
 public:
  Explainer(const YAML::ParserException& fault, const YamlSource& source,
            const YamlProgress& progress)
      : fault_(fault),
        source_(source),
        progress_(progress),
        offset_(std::min(static_cast<std::size_t>(std::max(fault.mark.pos, 0)),
                         source.text().size())) {}

  Diagnostic explain() const {
    if (const auto tab = tab_in_indentation(); tab != std::string_view::npos) {
      return made(tab, "a tab in the indentation", "indent with blanks");
    }
    if (fault_.msg == YAML::ErrorMsg::UNKNOWN_ANCHOR) return unknown_anchor();
    if (fault_.msg == YAML::ErrorMsg::EOF_IN_SCALAR) return unclosed_quote();
    if (fault_.msg == YAML::ErrorMsg::UNKNOWN_TOKEN) return unknown_token();
    if (fault_.msg.starts_with(YAML::ErrorMsg::INVALID_ESCAPE)) return unknown_escape();
    if (offset_ == source_.text().size() && !progress_.open_flows.empty())
      return unclosed_bracket();
    for (const auto& known : explanations()) {
      if (fault_.msg == known.fault)
        return made(offset_, std::string(known.message), std::string(known.hint));
    }
    return made(offset_, fault_.msg, {});
  }

 private:
  Diagnostic made(std::size_t offset, std::string message, std::string hint,
                  std::size_t length = 1) const {
    return {Severity::error, "yaml-syntax", source_.at(offset, length), std::move(message),
            std::move(hint)};
  }

  std::size_t tab_in_indentation() const {
    const auto text = source_.text();
    const auto start = start_of_line(text, offset_);
    const auto first = std::min(text.find_first_not_of(" \t", start), text.size());
    const auto tab = text.find('\t', start);
    return tab < first ? tab : std::string_view::npos;
  }

  Diagnostic unknown_anchor() const {
    const auto alias = word_at(source_.from(offset_));
    auto out = made(offset_, fmt::format("alias `{}` stands for nothing known", alias),
                    fmt::format("name a node before it with `&{}`, or quote the text",
                                alias.substr(std::min<std::size_t>(1, alias.size()))),
                    std::max<std::size_t>(alias.size(), 1));
    out.code = "undefined-alias";
    return out;
  }

  Diagnostic unclosed_quote() const {
    const auto quote = open_quote(source_.text(), progress_.offset);
    return made(quote == std::string_view::npos ? offset_ : quote, "the quote is not closed",
                "end the text with the quote it begins with");
  }

  Diagnostic unclosed_bracket() const {
    const auto where = progress_.open_flows.back();
    return made(where, fmt::format("`{}` is not closed", source_.from(where).substr(0, 1)), {});
  }

  Diagnostic unknown_token() const {
    const auto rest = source_.from(offset_);
    if (rest.empty()) return made(offset_, "the text ends too early", {});
    const auto character = rest.substr(0, std::max<std::size_t>(decode_utf8(rest).length, 1));
    return made(offset_, fmt::format("a text cannot begin with `{}`", character), "quote the text");
  }

  Diagnostic unknown_escape() const {
    const auto character =
        fault_.msg.substr(std::string_view(YAML::ErrorMsg::INVALID_ESCAPE).size());
    return made(offset_, fmt::format("unknown escape `\\{}`", character == "\n" ? "" : character),
                R"(write `\\` for a backslash, or use single quotes)");
  }

  const YAML::ParserException& fault_;
  const YamlSource& source_;
  const YamlProgress& progress_;
  const std::size_t offset_;
};

}  // namespace

YamlSource::YamlSource(std::string_view text, std::string file)
    : text_(text), file_(std::move(file)), lines_{0} {
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1))
    lines_.push_back(end + 1);
}

Location YamlSource::at(std::size_t offset, std::size_t length) const {
  const auto line = std::ranges::upper_bound(lines_, offset) - 1;
  return {file_, static_cast<std::size_t>(line - lines_.begin()) + 1, offset - *line + 1, length};
}

std::size_t skip_yaml_properties(std::string_view text, std::size_t offset) {
  while (offset < text.size()) {
    const char c = text[offset];
    if (kBlank.contains(c)) {
      ++offset;
    } else if (c == '#') {
      offset = std::min(text.find('\n', offset), text.size());
    } else if (c == '!' || c == '&') {
      offset =
          std::min(text.find_first_of(c == '!' ? " \t\r\n" : " \t\r\n,[]{}", offset), text.size());
    } else {
      break;
    }
  }
  return offset;
}

std::size_t yaml_quoted_length(std::string_view text) {
  const char quote = text[0];
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\' && quote == '"') {
      ++at;
    } else if (text[at] == quote) {
      const bool doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
      if (!doubled) return at + 1;
      ++at;
    }
  }
  return 0;
}

bool check_yaml_characters(const YamlSource& source, Diagnostics& diagnostics) {
  const auto text = source.text();
  for (std::size_t at = 0; at < text.size();) {
    const auto found = decode_utf8(text.substr(at));
    if (found.length == 0) {
      diagnostics.error("yaml-encoding", source.at(at), "invalid UTF-8", "save the file as UTF-8");
      return false;
    }
    if (!is_allowed(found.value)) {
      diagnostics.error(
          "yaml-encoding", source.at(at),
          fmt::format("the character U+{:04X} is not allowed", static_cast<unsigned>(found.value)),
          R"(write it as an escape, such as "\x07", within double quotes)");
      return false;
    }
    at += found.length;
  }
  return true;
}

Diagnostic explain_yaml_fault(const YAML::ParserException& fault, const YamlSource& source,
                              const YamlProgress& progress) {
  return Explainer(fault, source, progress).explain();
}

}  // namespace millrace
