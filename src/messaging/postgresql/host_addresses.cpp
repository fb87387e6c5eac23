// SPDX-License-Identifier: Apache-2.0
#include "host_addresses.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>

#include "millrace/base/text.hpp"
#include "millrace/loop/channel.hpp"

namespace millrace::messaging {
namespace {

using Resolver = asio::ip::tcp::resolver;

// Shared with the look-up, which cannot be interrupted: it ends when it ends.
struct LookUp {
  explicit LookUp(const asio::any_io_executor& executor) : resolver(executor) {}
  Resolver resolver;
  Waiters done;
  bool is_done = false;
  boost::system::error_code error;
  std::vector<std::string> addresses;
};

Task<Result<std::vector<std::string>>> look_up(std::string name) {
  const auto look = std::make_shared<LookUp>(co_await asio::this_coro::executor);
  look->resolver.async_resolve(
      name, "",
      [look](const boost::system::error_code& error, const Resolver::results_type& found) {
        look->is_done = true;
        look->error = error;
        for (const auto& entry : found)
          look->addresses.push_back(entry.endpoint().address().to_string());
        look->done.notify_all();
      });
  while (!look->is_done) {
    if (auto waited = co_await look->done.wait(); !waited) co_return waited.error();
  }
  if (look->error)
    co_return fail(Errc::unavailable, "cannot look up {}: {}", printable(name),
                   look->error.message());
  co_return std::move(look->addresses);
}

std::vector<std::string> list_of(const std::string* text) {
  std::vector<std::string> parts;
  if (text == nullptr || text->empty()) return parts;
  for (const auto part : split(*text, ',')) parts.emplace_back(trim(part));
  return parts;
}

bool is_name(const std::string& host) {
  if (host.empty() || host.front() == '/' || host.front() == '@') return false;
  boost::system::error_code error;
  asio::ip::make_address(host, error);
  return error.failed();
}

void append(std::string& list, std::string_view item) {
  list += item;
  list += ',';
}

}  // namespace

Task<Result<PostgresParameters>> with_addresses(PostgresParameters parameters) {
  if (parameters.find("host") == nullptr) {
    // clang-format off
    if (const char* host = std::getenv("PGHOST"); host != nullptr) parameters.set("host", host);  // NOLINT(concurrency-mt-unsafe)
    // clang-format on
  }
  if (parameters.find("hostaddr") != nullptr) co_return parameters;
  const auto hosts = list_of(parameters.find("host"));
  const auto ports = list_of(parameters.find("port"));
  if (ports.size() > 1 && ports.size() != hosts.size()) co_return parameters;  // libpq complains
  std::string all_hosts;
  std::string all_ports;
  std::string all_addresses;
  std::optional<Error> why;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    std::vector<std::string> addresses{""};
    if (is_name(hosts[i])) {
      auto found = co_await look_up(hosts[i]);
      if (!found && found.error().code() == Errc::cancelled) co_return found.error();
      if (!found) why = found.error();
      addresses = found ? std::move(*found) : std::vector<std::string>();
    }
    for (const auto& address : addresses) {
      append(all_hosts, hosts[i]);
      append(all_addresses, address);
      append(all_ports, ports.empty() ? "" : ports.size() == 1 ? ports[0] : ports[i]);
    }
  }
  if (all_hosts.empty()) {
    if (why) co_return *why;
    co_return parameters;
  }
  for (auto* list : {&all_hosts, &all_ports, &all_addresses}) list->pop_back();
  parameters.set("host", all_hosts);
  parameters.set("hostaddr", all_addresses);
  if (!ports.empty()) parameters.set("port", all_ports);
  co_return parameters;
}

}  // namespace millrace::messaging
