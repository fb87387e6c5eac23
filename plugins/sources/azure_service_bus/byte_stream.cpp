// SPDX-License-Identifier: Apache-2.0
#include "byte_stream.hpp"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <utility>

#include "millrace/loop/channel.hpp"

namespace millrace::azure_service_bus {
namespace {

using boost::system::error_code;
namespace ssl = asio::ssl;

// A name that is being looked up: the system cannot be told to stop, so that the outcome may come
// when nobody waits for it any more. Hence shared.
struct LookUp {
  explicit LookUp(const asio::any_io_executor& executor) : resolver(executor) {}
  asio::ip::tcp::resolver resolver;
  asio::ip::tcp::resolver::results_type found;
  error_code error;
  bool done = false;
  Waiters changed;
};

}  // namespace

ByteStream::ByteStream(MainLoop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      socket_(loop.executor()),
      tls_context_(ssl::context::tls_client) {}

Error ByteStream::why(const error_code& error) const {
  if (timed_out_) return fail(Errc::timeout, "no answer from {}:{}", options_.host, options_.port);
  return fail(Errc::unavailable, "{}:{}: {}", options_.host, options_.port, error.message());
}

Task<Result<>> ByteStream::connect() {
  const auto timer = loop_.call_later(options_.patience, [this] {
    timed_out_ = true;
    close();
  });
  Result<> connected = options_.tls ? set_up_tls() : Result<>();
  if (connected) {
    const auto addresses = co_await resolve();
    connected = addresses ? co_await reach(*addresses) : Result<>(addresses.error());
  }
  if (connected && options_.tls) connected = co_await greet();
  loop_.cancel(timer);
  if (!connected && co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  co_return connected;
}

Task<Result<ByteStream::Tcp::resolver::results_type>> ByteStream::resolve() {
  const auto look_up = std::make_shared<LookUp>(loop_.executor());
  look_up->resolver.async_resolve(
      options_.host, std::to_string(options_.port),
      [look_up](const error_code& error, Tcp::resolver::results_type found) {
        look_up->error = error;
        look_up->found = std::move(found);
        look_up->done = true;
        look_up->changed.notify_all();
      });
  const auto timer =
      loop_.call_later(options_.patience, [look_up] { look_up->changed.notify_all(); });
  Result<> waited;
  while (waited && !look_up->done && !timed_out_) waited = co_await look_up->changed.wait();
  loop_.cancel(timer);
  if (!waited) co_return waited.error();
  if (!look_up->done || look_up->error) co_return why(look_up->error);
  co_return look_up->found;
}

Task<Result<>> ByteStream::reach(const Tcp::resolver::results_type& addresses) {
  error_code error;
  co_await asio::async_connect(socket_, addresses,
                               asio::redirect_error(asio::use_awaitable, error));
  if (error || timed_out_) co_return why(error);
  error_code ignored;  // no harm if it cannot be had
  socket_.set_option(Tcp::no_delay(true), ignored);
  co_return Result<>();
}

Result<> ByteStream::set_up_tls() {
  error_code error;
  SSL_CTX_set_min_proto_version(tls_context_.native_handle(), TLS1_2_VERSION);
  if (options_.authorities.empty()) {
    tls_context_.set_default_verify_paths(error);
  } else {
    tls_context_.load_verify_file(options_.authorities, error);
  }
  if (error)
    return fail(Errc::invalid_settings, "cannot read the authorities {}: {}", options_.authorities,
                error.message());
  tls_.emplace(socket_, tls_context_);
  tls_->set_verify_mode(ssl::verify_peer, error);
  tls_->set_verify_callback(ssl::host_name_verification(options_.host), error);
  SSL_set_tlsext_host_name(tls_->native_handle(), options_.host.c_str());
  return {};
}

Task<Result<>> ByteStream::greet() {
  error_code error;
  co_await tls_->async_handshake(ssl::stream_base::client,
                                 asio::redirect_error(asio::use_awaitable, error));
  if (error || timed_out_) co_return why(error);
  co_return Result<>();
}

Task<Result<std::size_t>> ByteStream::read_some(std::span<char> into) {
  if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  error_code error;
  const auto buffer = asio::buffer(into.data(), into.size());
  std::size_t size = 0;
  if (tls_) {
    size = co_await tls_->async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  } else {
    size =
        co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  }
  if (error) co_return why(error);
  co_return size;
}

Task<Result<>> ByteStream::write(std::string_view bytes) {
  if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  error_code error;
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    co_await asio::async_write(*tls_, buffer, asio::redirect_error(asio::use_awaitable, error));
  } else {
    co_await asio::async_write(socket_, buffer, asio::redirect_error(asio::use_awaitable, error));
  }
  if (error) co_return why(error);
  co_return Result<>();
}

void ByteStream::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace millrace::azure_service_bus
