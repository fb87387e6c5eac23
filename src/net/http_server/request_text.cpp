// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/request_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/net/header_names.hpp"

namespace millrace::net {
namespace {

using Byte = unsigned char;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Length of the valid UTF-8 sequence that `text` begins with; 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [text](std::size_t i) { return static_cast<Byte>(text[i]); };
  const Byte lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  // The second byte rules out overlong forms, surrogates and what lies beyond U+10FFFF.
  const Byte second = at(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  return length;
}

// "%41" at the start of `text` is 0x41; -1 if there is no escape.
int escaped_byte(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  const int high = hex_digit(text[1]);
  const int low = hex_digit(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Decodes the escapes that `text` begins with, as far as they make one character. Returns how many
// bytes of `text` that took; 0 if they make none.
std::size_t decode_character(std::string_view text, std::string& out) {
  std::array<char, 4> bytes{};
  std::size_t count = 0;
  while (count < bytes.size()) {
    const int byte = escaped_byte(text.substr(std::min(count * 3, text.size())));
    if (byte < 0) break;
    bytes.at(count++) = static_cast<char>(byte);
  }
  if (count == 0) return 0;
  const std::size_t length = sequence_length({bytes.data(), count});
  out.append(bytes.data(), length);
  return length * 3;
}

}  // namespace

std::string_view path_of(std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  if (target.starts_with('/') || target.empty()) return target;
  const auto authority = target.find("://");  // the absolute form, as sent to a proxy
  if (authority == std::string_view::npos) return target;
  const auto path = target.find('/', authority + 3);
  return path == std::string_view::npos ? std::string_view() : target.substr(path);
}

std::string endpoint_of(std::string_view target) {
  std::string_view path = path_of(target);
  if (path.starts_with('/')) path.remove_prefix(1);
  if (is_ascii(path) && path.find('%') == std::string_view::npos) return std::string(path);
  std::string endpoint;
  endpoint.reserve(path.size());
  while (!path.empty()) {
    std::size_t taken = path[0] == '%' ? decode_character(path, endpoint) : 0;
    if (taken == 0) {
      endpoint += path[0];
      taken = 1;
    }
    path.remove_prefix(taken);
  }
  return valid_utf8(endpoint);
}

Object headers_of(const IncomingRequest& request) {
  Object headers;
  headers.reserve(request.header_count());
  for (std::size_t i = 0; i < request.header_count(); ++i) {
    const auto name = request.header(i).first;
    if (same_name(name, "Authorization")) continue;
    const auto first = *request.find(name);  // of a header sent twice
    if (is_ascii(first)) {
      headers.emplace(canonical_name(name), first);
    } else {
      headers.emplace(canonical_name(name), valid_utf8(first));
    }
  }
  return headers;
}

Charset charset_of(std::string_view content_type) {
  bool is_type = true;
  for (const auto part : split(content_type, ';')) {
    if (std::exchange(is_type, false)) continue;
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || !same_name(trim(part.substr(0, equals)), "charset"))
      continue;
    auto name = trim(part.substr(equals + 1));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
      name = name.substr(1, name.size() - 2);
    const auto is = [name](std::string_view known) { return same_name(name, known); };
    if (is("utf-8") || is("utf8")) return Charset::utf8;
    if (is("us-ascii") || is("ascii")) return Charset::ascii;
    if (is("iso-8859-1") || is("latin-1") || is("latin1")) return Charset::latin1;
    return Charset::unknown;
  }
  return Charset::utf8;
}

std::string latin1_to_utf8(std::string_view text) {
  std::string utf8;
  utf8.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<Byte>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xC0 | (byte >> 6));
      utf8 += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return utf8;
}

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<Byte>(c) >= 0x80; });
}

}  // namespace millrace::net
