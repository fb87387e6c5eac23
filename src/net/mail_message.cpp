// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/mail_message.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>

#include "millrace/base/text.hpp"

namespace millrace::net {
namespace {

constexpr std::size_t kMostAddress = 254;
constexpr std::size_t kPlainHeader = 60;    // characters that need no folding
constexpr std::size_t kWordBytes = 39;      // of an encoded word: 64 characters in all
constexpr std::size_t kLineBytes = 57;      // 76 characters of base64
constexpr std::size_t kLongestPlain = 900;  // bytes of a line; SMTP takes 998

bool is_plain(char c) { return c >= ' ' && c <= '~'; }

std::string base64(std::string_view bytes) {
  std::string made((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(made.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  made.resize(static_cast<std::size_t>(size));
  return made;
}

// The bytes of the next part that has at most `most`: whole characters.
std::size_t cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  std::size_t at = most;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at > 0 ? at : most;
}

// RFC 2047.
std::string encoded_words(std::string_view text) {
  std::string made;
  while (!text.empty()) {
    const auto size = cut(text, kWordBytes);
    if (!made.empty()) made += "\r\n ";
    made += fmt::format("=?utf-8?B?{}?=", base64(text.substr(0, size)));
    text.remove_prefix(size);
  }
  return made;
}

bool needs_words(std::string_view text) {
  return text.size() > kPlainHeader || text.contains("=?") || !std::ranges::all_of(text, is_plain);
}

std::string one_line(std::string_view text) {
  auto made = valid_utf8(text);
  std::ranges::replace_if(
      made, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }, ' ');
  return std::string(trim(made));
}

std::string header_text(std::string_view text) {
  const auto line = one_line(text);
  return needs_words(line) ? encoded_words(line) : line;
}

std::string phrase(std::string_view name) {
  const auto line = one_line(name);
  if (needs_words(line)) return encoded_words(line);
  std::string made = "\"";
  for (const char c : line) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made + '"';
}

std::string mailbox_text(const Mailbox& mailbox) {
  if (mailbox.name.empty()) return mailbox.address;
  return fmt::format("{} <{}>", phrase(mailbox.name), mailbox.address);
}

std::string mailbox_list(std::string_view header, const std::vector<Mailbox>& mailboxes) {
  std::string made;
  for (const auto& mailbox : mailboxes) {
    made += made.empty() ? fmt::format("{}: ", header) : ",\r\n ";
    made += mailbox_text(mailbox);
  }
  return made.empty() ? made : made + "\r\n";
}

std::string with_line_ends(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\n' || text[i] == '\r') {
      made += "\r\n";
    } else {
      made += text[i];
    }
  }
  if (!made.ends_with("\r\n")) made += "\r\n";
  return made;
}

bool can_go_plain(std::string_view text) {
  std::size_t line = 0;
  for (const char c : text) {
    line = c == '\n' ? 0 : line + 1;
    if (line > kLongestPlain) return false;
    if (!is_plain(c) && c != '\t' && c != '\r' && c != '\n') return false;
  }
  return true;
}

std::string part(std::string_view type, std::string_view raw) {
  const auto text = with_line_ends(valid_utf8(raw));
  const bool plain = can_go_plain(text);
  auto made =
      fmt::format("Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: {}\r\n\r\n", type,
                  plain ? "7bit" : "base64");
  if (plain) return made + text;
  for (std::size_t at = 0; at < text.size(); at += kLineBytes)
    made += base64(std::string_view(text).substr(at, kLineBytes)) + "\r\n";
  return made;
}

bool is_address(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  return text.size() <= kMostAddress && std::ranges::all_of(text, [](char c) {
           return is_plain(c) && !std::string_view(" <>()[],;:\\\"").contains(c);
         });
}

}  // namespace

Result<Mailbox> Mailbox::parse(std::string_view text) {
  const auto wrong = [&] {
    return fail(Errc::invalid_settings, "not an address: {}", printable(text.substr(0, 100)));
  };
  Mailbox mailbox;
  const auto whole = trim(text);
  const auto open = whole.rfind('<');
  if (whole.ends_with('>') && open != std::string_view::npos) {
    auto name = trim(whole.substr(0, open));
    if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"'))
      name = name.substr(1, name.size() - 2);
    if (name.contains('\r') || name.contains('\n')) return wrong();
    mailbox.name = name;
    mailbox.address = whole.substr(open + 1, whole.size() - open - 2);
  } else {
    mailbox.address = whole;
  }
  if (!is_address(mailbox.address)) return wrong();
  return mailbox;
}

std::string make_message(const MailContent& content) {
  const auto domain = content.from.address.substr(content.from.address.rfind('@') + 1);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(content.date);
  auto made = fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\n", seconds);
  made += mailbox_list("From", {content.from});
  made += mailbox_list("To", content.to);
  made += mailbox_list("Cc", content.cc);
  made += fmt::format("Subject: {}\r\n", header_text(content.subject));
  made += fmt::format("Message-ID: <{}@{}>\r\n", content.id, domain);
  made += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
  if (content.html.empty()) return made + part("text/plain", content.body);
  if (content.body.empty()) return made + part("text/html", content.html);
  const auto boundary = fmt::format("=_{}", content.id);
  made += fmt::format("Content-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n", boundary);
  made += fmt::format("--{}\r\n{}", boundary, part("text/plain", content.body));
  made += fmt::format("--{}\r\n{}", boundary, part("text/html", content.html));
  return made + fmt::format("--{}--\r\n", boundary);
}

}  // namespace millrace::net
