// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "millrace/net/server_tls.hpp"
#include "millrace/plugin/plugin.hpp"
#include "receiver.hpp"

namespace millrace::syslog {

/// Takes the messages that other machines and programs send to a log.
class SyslogSource final : public Source {
 public:
  static SettingsSchema schema();
  /// Errors: invalid_settings.
  static Result<std::unique_ptr<SyslogSource>> create(const Settings& settings);

  Task<Result<>> run(SourceContext& context) override;

  /// Where it listens; 0 until it does.
  std::uint16_t port() const { return port_; }

 private:
  enum class Transport { datagrams, streams };

  SyslogSource(Transport transport, ReceiverOptions options,
               std::optional<net::TlsServerFiles> tls);
  std::unique_ptr<Receiver> make_receiver(SourceContext& context, asio::ssl::context* tls) const;

  const Transport transport_;
  const ReceiverOptions options_;
  const std::optional<net::TlsServerFiles> tls_files_;
  std::uint16_t port_ = 0;
};

}  // namespace millrace::syslog
