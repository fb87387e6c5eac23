// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/bearer.hpp"

#include <openssl/crypto.h>

#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::net {
namespace {

HttpAnswer unauthorized(std::string body) { return {401, "Unauthorized", std::move(body)}; }

}  // namespace

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<HttpAnswer> refuse_without_token(const IncomingRequest& request,
                                               std::string_view token) {
  const auto authorization = request.find("Authorization");
  if (!authorization) {
    return HttpAnswer{401, "Missing authorization token", "401: Missing authorization token"};
  }
  // Exactly two words: "Bearer" and the token, one blank between them.
  const auto words = split(trim(*authorization), ' ');
  if (words.size() != 2) return unauthorized("Invalid authorization token");
  if (words[0] != "Bearer") return unauthorized("Only Bearer type is accepted");
  if (token.empty() || !equal_secrets(words[1], token))
    return unauthorized("Invalid authorization token");
  return std::nullopt;
}

}  // namespace millrace::net
