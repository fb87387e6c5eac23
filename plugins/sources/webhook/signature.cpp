// SPDX-License-Identifier: Apache-2.0
#include "signature.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/net/bearer.hpp"

namespace millrace::webhook {
namespace {

using MacContext = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

struct Alias {
  std::string_view name;
  const char* openssl;
};

// Names by which users know digests that OpenSSL calls otherwise.
constexpr auto kAliases = std::to_array<Alias>({
    {"blake2b", "BLAKE2b512"},
    {"blake2s", "BLAKE2s256"},
    {"sha512_224", "SHA512-224"},
    {"sha512_256", "SHA512-256"},
    {"sha3_224", "SHA3-224"},
    {"sha3_256", "SHA3-256"},
    {"sha3_384", "SHA3-384"},
    {"sha3_512", "SHA3-512"},
});

// Nothing for an unknown digest, and for one whose output has no fixed length.
const EVP_MD* find_digest(std::string_view algorithm) {
  const auto* alias = std::ranges::find(kAliases, algorithm, &Alias::name);
  const EVP_MD* digest = EVP_get_digestbyname(
      alias != kAliases.end() ? alias->openssl : std::string(algorithm).c_str());
  if (digest == nullptr || (EVP_MD_get_flags(digest) & EVP_MD_FLAG_XOF) != 0) return nullptr;
  return digest;
}

MacContext make_mac(std::string_view secret, const EVP_MD* digest) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(
      EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
  MacContext context(EVP_MAC_CTX_new(hmac.get()), EVP_MAC_CTX_free);
  std::string name = EVP_MD_get0_name(digest);
  const std::array<OSSL_PARAM, 2> params = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
      OSSL_PARAM_construct_end()};
  // An empty secret still needs an address: without one OpenSSL takes the key as not given.
  const auto* key = reinterpret_cast<const unsigned char*>(secret.empty() ? "" : secret.data());
  if (EVP_MAC_init(context.get(), key, secret.size(), params.data()) != 1) context.reset();
  return context;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace

// The key is set up once; each body starts from a copy of the keyed state.
struct SignatureCheck::Mac {
  MacContext keyed;
};

SignatureCheck::SignatureCheck(std::unique_ptr<Mac> mac, std::string prefix, Format format)
    : mac_(std::move(mac)), prefix_(std::move(prefix)), format_(format) {}
SignatureCheck::SignatureCheck(SignatureCheck&&) noexcept = default;
SignatureCheck& SignatureCheck::operator=(SignatureCheck&&) noexcept = default;
SignatureCheck::~SignatureCheck() = default;

Result<SignatureCheck> SignatureCheck::create(std::string_view secret, std::string_view algorithm,
                                              std::string_view format) {
  if (format != "hex" && format != "base64") {
    return fail(Errc::invalid_settings, "Unsupported HMAC header format {}", format);
  }
  const EVP_MD* digest = find_digest(algorithm);
  auto keyed = digest != nullptr ? make_mac(secret, digest) : MacContext(nullptr, EVP_MAC_CTX_free);
  if (!keyed) return fail(Errc::invalid_settings, "Unsupported HMAC algorithm: {}", algorithm);
  return SignatureCheck(std::make_unique<Mac>(std::move(keyed)), std::string(algorithm) + '=',
                        format == "hex" ? Format::hex : Format::base64);
}

std::string SignatureCheck::sign(std::string_view body) const {
  const MacContext context(EVP_MAC_CTX_dup(mac_->keyed.get()), EVP_MAC_CTX_free);
  std::array<char, EVP_MAX_MD_SIZE> bytes{};
  std::size_t size = 0;
  if (!context ||
      EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(body.data()),
                     body.size()) != 1 ||
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size,
                    bytes.size()) != 1) {
    return {};
  }
  const std::string_view digest(bytes.data(), size);
  return format_ == Format::hex ? to_hex(digest) : to_base64(digest);
}

bool SignatureCheck::matches(std::string_view body, std::string_view signature) const {
  signature = trim(signature);
  if (signature.starts_with(prefix_)) signature.remove_prefix(prefix_.size());
  const auto expected = sign(body);
  return !expected.empty() && net::equal_secrets(expected, signature);
}

}  // namespace millrace::webhook
