// SPDX-License-Identifier: Apache-2.0
#include "sas_token.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>

#include "millrace/base/text.hpp"
#include "millrace/net/http_client.hpp"

namespace millrace::azure_service_bus {
namespace {

using Digest = std::array<unsigned char, 32>;

Digest hmac_sha256(std::string_view key, std::string_view text) {
  Digest digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return digest;
}

std::string to_base64(const Digest& digest) {
  std::array<unsigned char, (sizeof digest + 2) / 3 * 4 + 1> text{};
  const int size = EVP_EncodeBlock(text.data(), digest.data(), sizeof digest);
  return {text.data(), text.data() + size};
}

}  // namespace

std::string sign_token(std::string_view resource, std::string_view key_name, std::string_view key,
                       WallTime expiry) {
  const auto encoded = net::percent_encode(resource);
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(expiry.time_since_epoch()).count();
  // The key is text, although it looks like base64.
  const auto digest = hmac_sha256(key, fmt::format("{}\n{}", encoded, seconds));
  return fmt::format("SharedAccessSignature sr={}&sig={}&se={}&skn={}", encoded,
                     net::percent_encode(to_base64(digest)), seconds,
                     net::percent_encode(key_name));
}

std::optional<WallTime> expiry_of(std::string_view token) {
  if (const auto blank = token.find(' '); blank != std::string_view::npos)
    token.remove_prefix(blank + 1);
  for (const auto part : split(token, '&')) {
    if (!part.starts_with("se=")) continue;
    const auto digits = part.substr(3);
    std::int64_t seconds = 0;
    const auto* end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, seconds);
    constexpr std::int64_t kMost = 253'402'300'799;  // the end of the year 9999
    if (error != std::errc() || rest != end || seconds < 0 || seconds > kMost) return std::nullopt;
    return WallTime(std::chrono::seconds(seconds));
  }
  return std::nullopt;
}

}  // namespace millrace::azure_service_bus
