// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::net {

/// The addresses to listen on: that which `host` is, or all that the name has. Errors: not_found;
/// cancelled.
Task<Result<std::vector<asio::ip::address>>> resolve_host(MainLoop& loop, std::string host);

/// Listens on an address; on one of IPv6, for IPv6 alone.
asio::ip::tcp::acceptor listen_on(MainLoop& loop, const asio::ip::tcp::endpoint& endpoint,
                                  boost::system::error_code& error);

/// "127.0.0.1:514", "[::1]:514".
std::string to_text(const asio::ip::address& address, std::uint16_t port);

}  // namespace millrace::net
