// SPDX-License-Identifier: Apache-2.0
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "millrace/messaging/amqp_connection.hpp"

namespace millrace::messaging {
namespace {

constexpr std::uint16_t kPort = 5672;
constexpr std::uint16_t kTlsPort = 5671;

}  // namespace

Result<AmqpOptions> read_amqp_url(std::string_view url, AmqpOptions options) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || (parsed->scheme() != "amqp" && parsed->scheme() != "amqps") ||
      parsed->host_address().empty())
    return fail(Errc::invalid_settings,
                "url is not of the form amqp://user:password@host:port/vhost");
  if (parsed->has_query() || parsed->has_fragment())
    return fail(Errc::invalid_settings, "url must not have a query: there are settings for it");
  const bool secure = parsed->scheme() == "amqps";
  if (secure && !options.tls) options.tls.emplace();
  options.host = parsed->host_address();
  options.port = secure ? kTlsPort : kPort;
  if (!parsed->port().empty()) {
    options.port = parsed->port_number();
    if (std::to_string(options.port) != std::string_view(parsed->port()))
      return fail(Errc::invalid_settings, "url has a port that is none");
  }
  if (parsed->has_userinfo()) options.username = parsed->user();
  if (parsed->has_password()) options.password = parsed->password();
  // "amqp://host/%2F" is the virtual host "/"; without a path the setting says which.
  const auto path = parsed->segments();
  if (path.size() > 1)
    return fail(Errc::invalid_settings, "url has a slash in its virtual host: write it as %2F");
  if (!path.empty() && !path.front().empty()) options.virtual_host = path.front();
  return options;
}

}  // namespace millrace::messaging
