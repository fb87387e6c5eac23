// SPDX-License-Identifier: Apache-2.0
#include "tls.hpp"

#include <openssl/ssl.h>

namespace millrace::webhook {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

error_code load_certificates(ssl::context& context, const TlsFiles& files) {
  error_code error;
  // Also without a password: OpenSSL would ask for one on the terminal.
  context.set_password_callback(
      [password = files.password](std::size_t, ssl::context::password_purpose) { return password; },
      error);
  if (!error) context.use_certificate_chain_file(files.certificates, error);
  if (!error) {
    context.use_private_key_file(files.key.empty() ? files.certificates : files.key,
                                 ssl::context::pem, error);
  }
  return error;
}

error_code load_authorities(ssl::context& context, const TlsFiles& files) {
  error_code error;
  if (!files.authorities.empty()) context.load_verify_file(files.authorities, error);
  if (!error && !files.authorities_folder.empty())
    context.add_verify_path(files.authorities_folder, error);
  if (!error) context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  return error;
}

}  // namespace

Result<std::unique_ptr<ssl::context>> make_tls(const TlsFiles& files) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_options(ssl::context::no_compression | SSL_OP_NO_RENEGOTIATION |
                       SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (const auto error = load_certificates(*context, files)) {
    return fail(Errc::invalid_settings, "Failed to load certificates. Check they are valid: {}",
                error.message());
  }
  if (!files.verifies_clients()) return context;
  if (const auto error = load_authorities(*context, files)) {
    return fail(Errc::invalid_settings, "Failed to load CA certificates. Check they are valid: {}",
                error.message());
  }
  // Sessions are resumed only for clients of this very server.
  constexpr unsigned char kSessions[] = "millrace webhook";
  SSL_CTX_set_session_id_context(context->native_handle(), kSessions, sizeof kSessions - 1);
  return context;
}

}  // namespace millrace::webhook
