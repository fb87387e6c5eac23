// SPDX-License-Identifier: Apache-2.0
#include "connection_string.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "millrace/base/text.hpp"

namespace millrace::azure_service_bus {
namespace {

constexpr std::uint16_t kAmqpPort = 5672;
constexpr std::uint16_t kAmqpsPort = 5671;

using Parts = std::map<std::string, std::string, std::less<>>;

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return made;
}

Error wrong(std::string_view what) { return fail(Errc::invalid_settings, "conn_str: {}", what); }

Result<Parts> parts_of(std::string_view text) {
  Parts parts;
  for (const auto entry : split(text, ';')) {
    const auto part = trim(entry);
    if (part.empty()) continue;
    const auto equals = part.find('=');  // the first: keys and signatures hold further ones
    if (equals == std::string_view::npos || equals == 0)
      return wrong("each part must be KEY=VALUE, separated by ';'");
    const auto key = lower(trim(part.substr(0, equals)));
    if (!parts.emplace(key, trim(part.substr(equals + 1))).second)
      return wrong("a key is there twice");
  }
  return parts;
}

std::string take(Parts& parts, std::string_view key) {
  const auto found = parts.find(key);
  return found == parts.end() ? std::string() : found->second;
}

// "sb://host:port/…", or the host alone.
Result<> read_endpoint(std::string_view endpoint, ConnectionString& into) {
  if (const auto scheme = endpoint.find("://"); scheme != std::string_view::npos)
    endpoint.remove_prefix(scheme + 3);
  endpoint = endpoint.substr(0, endpoint.find('/'));
  const auto bracket = endpoint.rfind(']');  // "[::1]:5672"
  const auto colon = endpoint.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) {
    const auto digits = endpoint.substr(colon + 1);
    const auto* end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, into.port);
    if (error != std::errc() || rest != end || into.port == 0)
      return wrong("the port of Endpoint is none");
    endpoint = endpoint.substr(0, colon);
  }
  if (endpoint.starts_with('[') && endpoint.ends_with(']'))
    endpoint = endpoint.substr(1, endpoint.size() - 2);
  if (endpoint.empty()) return wrong("Endpoint has no host");
  into.host = endpoint;
  return {};
}

Result<> check_key(const ConnectionString& parsed) {
  if (!parsed.signature.empty()) {
    if (!parsed.key.empty())
      return wrong("SharedAccessKey and SharedAccessSignature exclude each other");
    return {};
  }
  if (parsed.key.empty() || parsed.key_name.empty())
    return wrong("SharedAccessKeyName and SharedAccessKey are required, or SharedAccessSignature");
  return {};
}

}  // namespace

Result<ConnectionString> parse_connection_string(std::string_view text) {
  auto parts = parts_of(text);
  if (!parts) return parts.error();
  auto endpoint = take(*parts, "endpoint");
  if (endpoint.empty()) endpoint = take(*parts, "hostname");
  if (endpoint.empty()) return wrong("Endpoint is required");
  ConnectionString parsed{.tls = lower(take(*parts, "usedevelopmentemulator")) != "true",
                          .key_name = take(*parts, "sharedaccesskeyname"),
                          .key = take(*parts, "sharedaccesskey"),
                          .signature = take(*parts, "sharedaccesssignature"),
                          .entity = take(*parts, "entitypath")};
  parsed.port = parsed.tls ? kAmqpsPort : kAmqpPort;
  if (auto read = read_endpoint(endpoint, parsed); !read) return read.error();
  if (auto checked = check_key(parsed); !checked) return checked.error();
  return parsed;
}

}  // namespace millrace::azure_service_bus
