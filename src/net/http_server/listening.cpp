// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/listening.hpp"

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace millrace::net {

using Tcp = asio::ip::tcp;
using boost::system::error_code;

Task<Result<std::vector<asio::ip::address>>> resolve_host(MainLoop& loop, std::string host) {
  using Addresses = std::vector<asio::ip::address>;
  error_code error;
  const auto literal = asio::ip::make_address(host, error);
  if (!error) co_return Addresses{literal};
  Tcp::resolver resolver(loop.executor());
  const auto found = co_await resolver.async_resolve(
      host, "", Tcp::resolver::passive, asio::redirect_error(asio::use_awaitable, error));
  if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  if (error) {
    co_return fail(Errc::not_found, "cannot resolve the host {}: {}", host, error.message());
  }
  Addresses addresses;
  for (const auto& entry : found) {
    const auto address = entry.endpoint().address();
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  co_return addresses;
}

Tcp::acceptor listen_on(MainLoop& loop, const Tcp::endpoint& endpoint, error_code& error) {
  Tcp::acceptor acceptor(loop.executor());
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return acceptor;
}

std::string to_text(const asio::ip::address& address, std::uint16_t port) {
  return fmt::format("{}{}{}:{}", address.is_v6() ? "[" : "", address.to_string(),
                     address.is_v6() ? "]" : "", port);
}

}  // namespace millrace::net
