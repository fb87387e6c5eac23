// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"

namespace millrace::net {

/// Whom a mail is from or to.
struct Mailbox {
  std::string name;  ///< may be empty
  std::string address;

  /// "ann@example.com", "Ann Lee <ann@example.com>". Errors: invalid_settings for anything that is
  /// not one address of plain ASCII.
  static Result<Mailbox> parse(std::string_view text);
};

/// What a mail says. Texts are UTF-8, their lines end in any way.
struct MailContent {
  Mailbox from;
  std::vector<Mailbox> to = {};
  std::vector<Mailbox> cc = {};
  std::string subject = {};  ///< control characters become blanks
  std::string body = {};     ///< plain text
  std::string html = {};     ///< besides, or instead of, the body; empty: none
  WallTime date = {};
  std::string id = {};  ///< unique, of letters, digits and dashes
};

/// The message as RFC 5322 and MIME want it: plain ASCII, short lines that end with CR LF. Nothing
/// in the content can add a header.
std::string make_message(const MailContent& content);

}  // namespace millrace::net
