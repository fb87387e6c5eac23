// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/mail_message.hpp"

#include <gtest/gtest.h>

#include "millrace/base/text.hpp"

namespace millrace::net {
namespace {

MailContent content() {
  return {.from = {"", "eda@example.com"},
          .to = {{"", "ann@example.com"}},
          .subject = "Disk full",
          .body = "one\ntwo",
          .date = WallTime(std::chrono::seconds(1'700'000'000)),
          .id = "some-id"};
}

TEST(MailMessage, HasItsHeadersAndItsBody) {
  EXPECT_EQ(make_message(content()),
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: eda@example.com\r\n"
            "To: ann@example.com\r\nSubject: Disk full\r\nMessage-ID: <some-id@example.com>\r\n"
            "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
            "one\r\ntwo\r\n");
}

TEST(MailMessage, EncodesWhatIsNotAscii) {
  auto mail = content();
  mail.subject = "Größe";
  mail.body = "ü";
  mail.to[0].name = "Jörg";
  const auto message = make_message(mail);
  EXPECT_TRUE(message.contains("Subject: =?utf-8?B?R3LDtsOfZQ==?=\r\n")) << message;
  EXPECT_TRUE(message.contains("To: =?utf-8?B?SsO2cmc=?= <ann@example.com>\r\n")) << message;
  EXPECT_TRUE(message.contains("Content-Transfer-Encoding: base64\r\n\r\nw7wNCg==\r\n")) << message;
}

TEST(MailMessage, HasNoLongLines) {
  auto mail = content();
  mail.subject = std::string(500, 'x') + "€€€€€€€€€€€€€€€€€€€€€€€€";
  mail.body = std::string(5000, 'y');
  const auto message = make_message(mail);
  for (const auto line : split(message, '\n')) EXPECT_LE(line.size(), 79u) << line;
}

TEST(MailMessage, TakesNoHeaderFromItsTexts) {
  auto mail = content();
  mail.subject = "a\r\nBcc: eve@example.com\r\n\r\nb";
  mail.to[0].name = "a\"\r\nBcc: eve@example.com";
  const auto message = make_message(mail);
  EXPECT_FALSE(message.contains("\nBcc")) << message;
  EXPECT_TRUE(message.contains("Subject: a  Bcc: eve@example.com    b\r\n")) << message;
}

TEST(MailMessage, DoesNotDecodeTwice) {
  auto mail = content();
  mail.subject = "=?utf-8?B?eA==?=";
  EXPECT_FALSE(make_message(mail).contains("Subject: =?utf-8?B?eA==?="));
}

TEST(MailMessage, MayHaveTwoForms) {
  auto mail = content();
  mail.html = "<p>one";
  const auto message = make_message(mail);
  EXPECT_TRUE(message.contains("Content-Type: multipart/alternative; boundary=\"=_some-id\"\r\n"));
  EXPECT_TRUE(message.contains("--=_some-id\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_TRUE(message.ends_with("<p>one\r\n--=_some-id--\r\n"));
  mail.body.clear();
  EXPECT_TRUE(make_message(mail).contains("MIME-Version: 1.0\r\nContent-Type: text/html"));
}

TEST(Mailbox, IsAnAddressPerhapsWithAName) {
  EXPECT_EQ(Mailbox::parse(" a.b+c@example.com ")->address, "a.b+c@example.com");
  const auto named = Mailbox::parse("\"Lee, Ann\" <ann@example.com>");
  EXPECT_EQ(named->name, "Lee, Ann");
  EXPECT_EQ(named->address, "ann@example.com");
}

TEST(Mailbox, IsNothingElse) {
  for (const auto* text :
       {"", "ann", "@example.com", "ann@", "a b@example.com", "a@example.com, b@example.com",
        "a@example.com\r\nBcc: b@example.com", "x\nBcc: y <a@example.com>", "<a@example.com> x",
        "a@example.com> SIZE=1", "jörg@example.com", "a <b@example.com> <c>"}) {
    EXPECT_FALSE(Mailbox::parse(text)) << text;
  }
}

}  // namespace
}  // namespace millrace::net
