// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/server_tls.hpp"

#include <openssl/ssl.h>

#include <string_view>

namespace millrace::net {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

// In the words of the original, and what it does not say: which file.
Error unusable(std::string_view what, std::string_view setting, std::string_view file,
               const error_code& error) {
  return fail(Errc::invalid_settings,
              "Failed to load {}. Check they are valid: {}: cannot use {}: {}", what, setting, file,
              error.message());
}

Result<> load_certificates(ssl::context& context, const TlsServerFiles& files) {
  error_code error;
  // Also without a password: OpenSSL would ask for one on the terminal.
  context.set_password_callback(
      [password = files.password](std::size_t, ssl::context::password_purpose) { return password; },
      error);
  context.use_certificate_chain_file(files.certificates, error);
  if (error) return unusable("certificates", "certfile", files.certificates, error);
  const auto& key = files.key.empty() ? files.certificates : files.key;
  context.use_private_key_file(key, ssl::context::pem, error);
  if (error) return unusable("certificates", "keyfile", key, error);
  return {};
}

Result<> load_authorities(ssl::context& context, const TlsServerFiles& files) {
  constexpr std::string_view kWhat = "CA certificates";
  error_code error;
  if (files.authorities) context.load_verify_file(*files.authorities, error);
  if (error) return unusable(kWhat, "cafile", *files.authorities, error);
  if (files.authorities_folder) context.add_verify_path(*files.authorities_folder, error);
  if (error) return unusable(kWhat, "capath", *files.authorities_folder, error);
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  // OpenSSL resumes no session of a verified client without a name of whose sessions these are;
  // contexts share none, whatever it is.
  constexpr unsigned char kSessions[] = "millrace";
  SSL_CTX_set_session_id_context(context.native_handle(), kSessions, sizeof kSessions - 1);
  return {};
}

}  // namespace

Result<std::unique_ptr<ssl::context>> make_server_tls(const TlsServerFiles& files) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_options(ssl::context::no_compression | SSL_OP_NO_RENEGOTIATION |
                       SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (auto loaded = load_certificates(*context, files); !loaded) return loaded.error();
  if (!files.verifies_clients()) return context;
  if (auto loaded = load_authorities(*context, files); !loaded) return loaded.error();
  return context;
}

}  // namespace millrace::net
