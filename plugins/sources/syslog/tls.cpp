// SPDX-License-Identifier: Apache-2.0
#include "tls.hpp"

#include <openssl/ssl.h>

namespace millrace::syslog {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Result<> use_authorities(ssl::context& context, const std::string& file) {
  error_code error;
  context.load_verify_file(file, error);
  if (error) {
    return fail(Errc::invalid_settings, "cafile: cannot use {}: {}", file, error.message());
  }
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  // Sessions are resumed only for clients of this very server.
  constexpr unsigned char kSessions[] = "millrace syslog";
  SSL_CTX_set_session_id_context(context.native_handle(), kSessions, sizeof kSessions - 1);
  return Result<>();
}

}  // namespace

Result<std::unique_ptr<ssl::context>> make_tls(const TlsFiles& files) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_options(ssl::context::no_compression | SSL_OP_NO_RENEGOTIATION |
                       SSL_OP_CIPHER_SERVER_PREFERENCE);
  error_code error;
  // OpenSSL would ask for the password of a locked key on the terminal.
  context->set_password_callback(
      [](std::size_t, ssl::context::password_purpose) { return std::string(); }, error);
  context->use_certificate_chain_file(files.certificates, error);
  if (error) {
    return fail(Errc::invalid_settings, "certfile: cannot use {}: {}", files.certificates,
                error.message());
  }
  context->use_private_key_file(files.key, ssl::context::pem, error);
  if (error) {
    return fail(Errc::invalid_settings, "keyfile: cannot use {}: {}", files.key, error.message());
  }
  if (!files.authorities) return context;
  if (auto used = use_authorities(*context, *files.authorities); !used) return used.error();
  return context;
}

}  // namespace millrace::syslog
