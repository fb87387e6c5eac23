// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/header_names.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace millrace::net {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// The names that the original spells itself. Others reach the rules as they were sent, so a name
// added here changes what existing conditions see.
constexpr auto kNames = std::to_array<std::string_view>({
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Ranges",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Access-Control-Max-Age",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Age",
    "Allow",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-MD5",
    "Content-Range",
    "Content-Transfer-Encoding",
    "Content-Type",
    "Cookie",
    "Date",
    "Destination",
    "Digest",
    "ETag",
    "Expect",
    "Expires",
    "Forwarded",
    "From",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Last-Event-ID",
    "Last-Modified",
    "Link",
    "Location",
    "Max-Forwards",
    "Origin",
    "Pragma",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Range",
    "Referer",
    "Retry-After",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Key1",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
    "Server",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "URI",
    "Upgrade",
    "User-Agent",
    "Vary",
    "Via",
    "WWW-Authenticate",
    "Want-Digest",
    "Warning",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
});

constexpr std::size_t kLongest =
    std::ranges::max(kNames, {}, [](std::string_view name) { return name.size(); }).size();

// Names sorted by length, and where each length begins: a lookup compares a handful of names at
// most.
struct ByLength {
  std::array<std::string_view, kNames.size()> names = kNames;
  std::array<std::size_t, kLongest + 2> begin{};

  constexpr ByLength() {
    std::ranges::sort(names, {}, [](std::string_view name) { return name.size(); });
    for (std::size_t length = 0; length < begin.size(); ++length) {
      begin.at(length) = static_cast<std::size_t>(
          std::ranges::lower_bound(names, length, {},
                                   [](std::string_view name) { return name.size(); }) -
          names.begin());
    }
  }
};
constexpr ByLength kByLength;

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view canonical_name(std::string_view sent) {
  if (sent.size() > kLongest) return sent;
  for (std::size_t i = kByLength.begin.at(sent.size()); i < kByLength.begin.at(sent.size() + 1);
       ++i) {
    if (same_name(kByLength.names.at(i), sent)) return kByLength.names.at(i);
  }
  return sent;
}

}  // namespace millrace::net
