// SPDX-License-Identifier: Apache-2.0
#include "syslog_source.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "datagram_receiver.hpp"
#include "stream_receiver.hpp"

namespace millrace::syslog {
namespace {

constexpr int kLeastMessage = 480;  // what RFC 5424 asks of every receiver
constexpr int kMostMessage = 1'000'000;
constexpr int kMostConnections = 100'000;

ReceiverOptions receiver_options(const Settings& settings) {
  return {.host = settings.string("host"),
          .port = static_cast<std::uint16_t>(settings.integer("port")),
          .max_message = static_cast<std::size_t>(settings.integer("max_message")),
          .max_connections = static_cast<std::size_t>(settings.integer("max_connections")),
          .idle_timeout = settings.seconds("idle_timeout")};
}

net::TlsServerFiles tls_files(const Settings& settings) {
  net::TlsServerFiles files{.certificates = settings.string("certfile")};
  if (settings.has("keyfile")) files.key = settings.string("keyfile");
  if (settings.has("cafile")) files.authorities = settings.string("cafile");
  return files;
}

}  // namespace

SettingsSchema SyslogSource::schema() {
  using enum SettingType;
  // `certfile` and `cafile` are not nullable: null must not open the door.
  return {
      .settings = {
          Setting("host", string, "Address or name to listen on").by_default("127.0.0.1"),
          Setting("port", integer, "Port to listen on; 0 is any free one")
              .by_default(514)
              .at_least(0)
              .at_most(65535),
          Setting("transport", string, "How messages come")
              .by_default("udp")
              .one_of({"udp", "tcp", "tls"}),
          Setting("max_message", integer, "Most bytes of a message; longer ones are refused")
              .by_default(8192)
              .at_least(kLeastMessage)
              .at_most(kMostMessage),
          Setting("max_connections", integer, "Connections served at once; more wait")
              .by_default(100)
              .at_least(1)
              .at_most(kMostConnections),
          Setting("idle_timeout", seconds,
                  "How long a connection may take until its next message is whole")
              .by_default(300)
              .at_least(0.1)
              .at_most(1e9),
          Setting("certfile", string, "PEM file of the server's certificate; required for tls"),
          Setting("keyfile", string, "PEM file of its key, unless it is in certfile").nullable(),
          Setting("cafile", string,
                  "PEM file of authorities; clients must show a certificate of one"),
      }};
}

Result<std::unique_ptr<SyslogSource>> SyslogSource::create(const Settings& settings) {
  const auto transport = settings.string("transport");
  const bool secured = transport == "tls";
  if (secured && !settings.has("certfile")) {
    return fail(Errc::invalid_settings, "transport: tls requires certfile");
  }
  for (const std::string_view name : {"certfile", "keyfile", "cafile"}) {
    if (!secured && settings.has(name)) {
      return fail(Errc::invalid_settings, "{} is of use with transport: tls only, not with {}",
                  name, transport);
    }
  }
  std::optional<net::TlsServerFiles> files;
  if (secured) files = tls_files(settings);
  return std::unique_ptr<SyslogSource>(
      new SyslogSource(transport == "udp" ? Transport::datagrams : Transport::streams,
                       receiver_options(settings), std::move(files)));
}

SyslogSource::SyslogSource(Transport transport, ReceiverOptions options,
                           std::optional<net::TlsServerFiles> tls)
    : transport_(transport), options_(std::move(options)), tls_files_(std::move(tls)) {}

Task<Result<>> SyslogSource::run(SourceContext& context) {
  std::unique_ptr<asio::ssl::context> tls;
  if (tls_files_) {
    auto made = net::make_server_tls(*tls_files_);
    if (!made) co_return made.error();
    tls = std::move(*made);
  }
  const auto receiver = make_receiver(context, tls.get());
  if (auto listening = co_await receiver->listen(); !listening) co_return listening.error();
  port_ = receiver->port();
  co_return co_await receiver->serve();
}

std::unique_ptr<Receiver> SyslogSource::make_receiver(SourceContext& context,
                                                      asio::ssl::context* tls) const {
  if (transport_ == Transport::datagrams) {
    return std::make_unique<DatagramReceiver>(context, options_);
  }
  return std::make_unique<StreamReceiver>(context, options_, tls);
}

}  // namespace millrace::syslog

MILLRACE_PLUGIN(syslog_source, plugin) {
  using millrace::syslog::SyslogSource;
  plugin.source<SyslogSource>("syslog", "Takes syslog messages by UDP, TCP or TLS.",
                              SyslogSource::schema());
}
