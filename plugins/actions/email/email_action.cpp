// SPDX-License-Identifier: Apache-2.0
// Sends mails by SMTP.

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/uuid.hpp"
#include "millrace/loop/backoff.hpp"
#include "millrace/net/mail_message.hpp"
#include "millrace/net/smtp_client.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::email {
namespace {

using Security = net::SmtpServer::Security;

// Of each wait at least half: about 2, 4, 8… seconds.
constexpr Backoff::Limits kPauses{.first = std::chrono::milliseconds(2500),
                                  .longest = std::chrono::seconds(60)};
constexpr std::size_t kMostRecipients = 1000;

std::string text_or_nothing(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

Security security_of(const std::string& name) {
  if (name == "none") return Security::none;
  return name == "tls" ? Security::tls : Security::starttls;
}

std::uint16_t usual_port(Security security) {
  switch (security) {
    case Security::none:
      return 25;
    case Security::starttls:
      return 587;
    case Security::tls:
      return 465;
  }
  std::abort();
}

Result<net::SmtpServer> server_of(const Settings& settings) {
  const bool has_user = settings.has("username");
  if (has_user != settings.has("password"))
    return fail(Errc::invalid_settings, "username and password belong together");
  net::SmtpServer server{.host = settings.string("host"),
                         .security = security_of(settings.string("tls"))};
  server.port = settings.has("port") ? static_cast<std::uint16_t>(settings.integer("port"))
                                     : usual_port(server.security);
  server.tls.verify = settings.boolean("verify");
  server.tls.authorities = text_or_nothing(settings, "authorities");
  if (has_user)
    server.user_and_password = {settings.string("username"), settings.string("password")};
  return server;
}

Result<std::vector<net::Mailbox>> mailboxes(const Settings& settings, std::string_view name) {
  std::vector<net::Mailbox> made;
  for (const auto& text : settings.strings(name)) {
    auto mailbox = net::Mailbox::parse(text);
    if (!mailbox) return std::move(mailbox.error()).with_context(name);
    made.push_back(std::move(*mailbox));
  }
  return made;
}

class EmailAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    const auto server = server_of(settings);
    if (!server) co_return server.error();
    const auto mail = compose(settings, context);
    if (!mail) co_return mail.error();
    if (!client_) {
      auto client = net::SmtpClient::create(context.loop);
      if (!client) co_return client.error();
      client_ = std::move(*client);
    }
    Backoff backoff(kPauses);
    for (auto left = settings.integer("retries");; --left) {
      auto sent = co_await client_->send(*server, *mail, settings.seconds("timeout"));
      if (sent) co_return sent;
      const auto code = sent.error().code();
      const bool may_pass = code == Errc::unavailable || code == Errc::timeout;
      if (!may_pass || left <= 0) co_return sent;
      context.log.info("action.email", "the mail could not be sent: {}; trying again",
                       sent.error().message());
      if (auto slept = co_await context.loop.sleep_for(backoff.next()); !slept) co_return slept;
    }
  }

 private:
  Result<net::Mail> compose(const Settings& settings, const ActionContext& context) {
    auto from = net::Mailbox::parse(settings.string("from"));
    if (!from) return std::move(from.error()).with_context("from");
    auto to = mailboxes(settings, "to");
    if (!to) return to.error();
    auto cc = mailboxes(settings, "cc");
    if (!cc) return cc.error();
    auto bcc = mailboxes(settings, "bcc");
    if (!bcc) return bcc.error();
    net::Mail mail{.from = from->address};
    for (const auto* list : {&*to, &*cc, &*bcc}) {
      for (const auto& mailbox : *list) mail.recipients.push_back(mailbox.address);
    }
    if (mail.recipients.empty())
      return fail(Errc::invalid_settings, "one of to, cc and bcc is required");
    if (mail.recipients.size() > kMostRecipients)
      return fail(Errc::invalid_settings, "more than {} recipients", kMostRecipients);
    mail.message = net::make_message({.from = std::move(*from),
                                      .to = std::move(*to),
                                      .cc = std::move(*cc),
                                      .subject = settings.string("subject"),
                                      .body = settings.string("body"),
                                      .html = text_or_nothing(settings, "html"),
                                      .date = context.loop.clock().wall(),
                                      .id = uuids_.next()});
    return mail;
  }

  UuidGenerator uuids_;
  std::unique_ptr<net::SmtpClient> client_;
};

SettingsSchema schema() {
  using enum SettingType;
  const auto addresses = [](const char* name, const char* meaning) {
    return Setting(name, strings, meaning).by_default(Array()).nullable();
  };
  return {.settings = {
              Setting("host", string, "The server").by_default("localhost"),
              Setting("port", integer, "Its port; by default 25, 587 or 465, by tls")
                  .at_least(1)
                  .at_most(65535)
                  .nullable(),
              Setting("tls", string, "none, starttls (it must offer it), or tls from the beginning")
                  .one_of({"none", "starttls", "tls"})
                  .by_default("starttls"),
              Setting("verify", boolean, "The server's certificate must be valid").by_default(true),
              Setting("authorities", string, "PEM file of those who may have signed it").nullable(),
              Setting("username", string, "Who we are to the server").nullable(),
              Setting("password", string, "The user's password").secret().nullable(),
              Setting("from", string, "The sender: an address, or Name <address>").required(),
              addresses("to", "The recipients"),
              addresses("cc", "Further recipients"),
              addresses("bcc", "Recipients whom the others do not see"),
              Setting("subject", string, "What it is about").by_default(""),
              Setting("body", string, "What it says, as plain text").by_default(""),
              Setting("html", string, "The same as HTML").nullable(),
              Setting("timeout", seconds, "How long one try may take")
                  .by_default(30)
                  .at_least(0.001)
                  .at_most(1e6),
              Setting("retries", integer, "Further tries when the server cannot take it now")
                  .by_default(3)
                  .at_least(0)
                  .at_most(1000),
          }};
}

}  // namespace
}  // namespace millrace::email

MILLRACE_PLUGIN(email_action, plugin) {
  plugin.action<millrace::email::EmailAction>("email", "Sends a mail.", millrace::email::schema());
}
