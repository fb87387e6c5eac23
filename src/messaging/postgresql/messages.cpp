// SPDX-License-Identifier: Apache-2.0
#include "messages.hpp"

#include <algorithm>

#include "millrace/base/text.hpp"

namespace millrace::messaging {
namespace {

constexpr std::size_t kCodeSize = 5;

bool is_code(std::string_view text) {
  return text.size() == kCodeSize && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// Where ":  28P01: " stands, if anywhere.
std::size_t find_code(std::string_view line) {
  constexpr std::string_view kBefore = ":  ";
  for (auto at = line.find(kBefore); at != std::string_view::npos;
       at = line.find(kBefore, at + 1)) {
    const auto rest = line.substr(at + kBefore.size());
    if (rest.size() > kCodeSize && rest[kCodeSize] == ':' && is_code(rest.substr(0, kCodeSize)))
      return at + kBefore.size();
  }
  return std::string_view::npos;
}

}  // namespace

bool denies_access(std::string_view message) {
  return std::ranges::any_of(split(message, '\n'), [](std::string_view line) {
    const auto at = find_code(line);
    return at != std::string_view::npos && line.substr(at, 2) == "28";
  });
}

std::string one_line(std::string_view message) {
  std::string made;
  for (auto line : split(message, '\n')) {
    line = trim(line);
    if (line.empty() || line.starts_with("LOCATION:")) continue;
    if (!made.empty()) made += made.back() == ':' ? " " : "; ";
    const auto at = find_code(line);
    if (at == std::string_view::npos) {
      made += printable(line);
    } else {
      made += printable(line.substr(0, at));
      made += printable(trim(line.substr(at + kCodeSize + 1)));
    }
  }
  return made.empty() ? "the server gave no reason" : made;
}

}  // namespace millrace::messaging
