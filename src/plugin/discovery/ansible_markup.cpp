// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>

#include "millrace/base/text.hpp"
#include "millrace/plugin/python_documentation.hpp"

namespace millrace {
namespace {

// `semantic`: a backslash escapes the bracket inside.
struct Markup {
  std::string_view name;
  bool semantic;
};
constexpr std::array<Markup, 12> kMarkups = {{{"RV", true},
                                              {"O", true},
                                              {"V", true},
                                              {"E", true},
                                              {"P", true},
                                              {"B", false},
                                              {"C", false},
                                              {"I", false},
                                              {"U", false},
                                              {"L", false},
                                              {"M", false},
                                              {"R", false}}};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

struct Content {
  std::string text;
  std::size_t length = 0;  // with the closing bracket
};

std::optional<Content> content_of(std::string_view text, bool semantic) {
  Content content;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ')') {
      content.length = at + 1;
      return content.text.empty() ? std::nullopt : std::optional(content);
    }
    if (semantic && text[at] == '\\' && at + 1 < text.size()) ++at;
    content.text += text[at];
  }
  return std::nullopt;
}

// "namespace.collection.plugin#type:option" is the option; of a plugin without its type the name.
std::string plain(std::string_view name, const std::string& content) {
  const auto comma = content.find(',');
  if (name == "L" && comma != std::string::npos) {
    return std::string(trim(content.substr(0, comma))) + " <" +
           std::string(trim(content.substr(comma + 1))) + ">";
  }
  if (name == "R" && comma != std::string::npos) return std::string(trim(content.substr(0, comma)));
  if (name == "O" || name == "RV") {
    const auto equals = std::min(content.find('='), content.size());
    const auto mark = content.find('#');
    const auto colon = mark < equals ? content.find(':', mark) : std::string::npos;
    return colon < equals ? content.substr(colon + 1) : content;
  }
  if (name == "P") return content.substr(0, content.find('#'));
  return content;
}

}  // namespace

std::string without_markup(std::string_view text) {
  std::string out;
  std::size_t unclosed = 0;  // after so many misses there is no bracket left worth looking for
  for (std::size_t at = 0; at < text.size();) {
    const auto rest = text.substr(at);
    const bool after_word = at > 0 && is_word(text[at - 1]);
    const auto* const found = after_word || unclosed > 16
                                  ? kMarkups.end()
                                  : std::ranges::find_if(kMarkups, [&](const Markup& markup) {
                                      return rest.starts_with(markup.name) &&
                                             rest.substr(markup.name.size()).starts_with('(');
                                    });
    std::optional<Content> content;
    if (found != kMarkups.end()) {
      content = content_of(rest.substr(found->name.size() + 1), found->semantic);
      if (!content) ++unclosed;
    }
    if (!content) {
      out += text[at++];
      continue;
    }
    out += plain(found->name, content->text);
    at += found->name.size() + 1 + content->length;
  }
  return out;
}

}  // namespace millrace
