// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/websocket.hpp"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <optional>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/loop/channel.hpp"

namespace millrace::net {
namespace {

namespace beast = boost::beast;
namespace ssl = asio::ssl;
namespace websocket = beast::websocket;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Tls = ssl::stream<Tcp::socket>;

constexpr Duration kGoodbyeTime = std::chrono::seconds(2);

// --- where to connect to

struct Address {
  bool secure = false;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string authority;  // as the Host header says it
  std::string target;
};

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK) return {};
  std::string made(text);
  curl_free(text);
  return made;
}

// The message does not repeat the URL: it may hold a password.
Result<Address> parse_address(const std::string& text) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  const auto code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK)
    return fail(Errc::invalid_settings, "not a URL: {}", curl_url_strerror(code));
  const auto scheme = part(url.get(), CURLUPART_SCHEME);
  if (scheme != "ws" && scheme != "wss")
    return fail(Errc::invalid_settings, "not a URL of ws or wss");
  Address address{.secure = scheme == "wss", .host = part(url.get(), CURLUPART_HOST)};
  const auto port = part(url.get(), CURLUPART_PORT);
  address.authority = port.empty() ? address.host : address.host + ":" + port;
  address.port = !port.empty() ? port : address.secure ? "443" : "80";
  if (address.host.starts_with('[')) address.host = address.host.substr(1, address.host.size() - 2);
  address.target = part(url.get(), CURLUPART_PATH);
  if (address.target.empty()) address.target = "/";
  if (const auto query = part(url.get(), CURLUPART_QUERY); !query.empty())
    address.target += "?" + query;
  return address;
}

Result<std::unique_ptr<ssl::context>> make_context(const TlsClientFiles& files) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
  error_code error;
  context->set_verify_mode(files.verify ? ssl::verify_peer : ssl::verify_none, error);
  if (!files.verify) return context;
  if (files.authorities.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(files.authorities, error);
  }
  if (error) {
    return fail(Errc::invalid_settings, "cannot use the authorities' certificates of {}: {}",
                files.authorities.empty() ? "the system" : files.authorities, error.message());
  }
  return context;
}

// --- errors

Error lost(const error_code& error) {
  return fail(Errc::unavailable, "the connection is lost: {}", error.message());
}

Error of_close(const websocket::close_reason& reason) {
  const auto code = static_cast<unsigned>(reason.code);
  const auto text = std::string_view(reason.reason.data(), reason.reason.size());
  const bool come_again =
      code == 1001 || code == 1006 || code == 1011 || code == 1012 || code == 1013;
  return fail(come_again ? Errc::unavailable : Errc::conflict,
              "the server closed the connection: {}{}{}", code, text.empty() ? "" : " ",
              printable(text));
}

Error of_status(unsigned status) {
  const auto code = status == 401 || status == 403   ? Errc::permission_denied
                    : status == 408 || status == 429 ? Errc::unavailable
                    : status >= 500                  ? Errc::unavailable
                                                     : Errc::invalid_settings;
  return fail(code, "the server answered the handshake with HTTP {}", status);
}

Error of_tls(const error_code& error) {
  const bool distrusted =
      error.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (distrusted) {
    return fail(Errc::invalid_settings, "the server's certificate is not to be trusted: {}",
                error.message());
  }
  return fail(Errc::unavailable, "no TLS: {}", error.message());
}

Error asked_to_stop() { return {Errc::cancelled, "asked to stop"}; }

// --- looking names up

// Lives until the look-up has ended, however long nobody waits for it any more.
struct LookUp {
  explicit LookUp(const asio::any_io_executor& executor) : resolver(executor) {}
  Tcp::resolver resolver;
  bool done = false;
  error_code error;
  Tcp::resolver::results_type found;
  Waiters changed;
};

Task<Result<Tcp::resolver::results_type>> resolve(MainLoop& loop, const Address& address,
                                                  Duration timeout) {
  const auto look_up = std::make_shared<LookUp>(loop.executor());
  look_up->resolver.async_resolve(
      address.host, address.port,
      [look_up](const error_code& error, Tcp::resolver::results_type found) {
        look_up->done = true;
        look_up->error = error;
        look_up->found = std::move(found);
        look_up->changed.notify_all();
      });
  const auto timer = loop.call_later(timeout, [look_up] { look_up->changed.notify_all(); });
  Result<> waited;
  if (!look_up->done) waited = co_await look_up->changed.wait();
  loop.cancel(timer);
  if (!waited) co_return waited.error();
  if (!look_up->done)
    co_return fail(Errc::unavailable, "the look-up of {} takes too long", address.host);
  if (look_up->error) {
    co_return fail(Errc::unavailable, "cannot look {} up: {}", address.host,
                   look_up->error.message());
  }
  co_return look_up->found;
}

}  // namespace

// --- the connection, with and without TLS

class Websocket::Link : public std::enable_shared_from_this<Link> {
 public:
  explicit Link(MainLoop& loop) : loop_(loop) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  virtual ~Link() = default;

  virtual Tcp::socket& socket() = 0;
  virtual Task<Result<>> shake_hands(const Address& address, const WebsocketOptions& options) = 0;
  virtual Task<Result<>> send(std::string_view text) = 0;
  virtual Task<Result<>> ping(std::string_view payload) = 0;
  virtual Task<Result<std::string>> receive() = 0;
  virtual Task<> close() = 0;

  // Whatever is under way ends with an error, and whatever is begun afterwards.
  void drop() {
    if (timer_) loop_.cancel(*timer_);
    timer_.reset();
    error_code ignored;
    socket().close(ignored);
  }

  void keep_alive(Duration every) {
    heard_ = true;
    timer_ = loop_.call_later(every, [this, every] { on_tick(every); });
  }

  void heard() { heard_ = true; }

  std::function<void(std::string_view)> on_pong;

 protected:
  virtual void ping_unasked() = 0;
  MainLoop& loop_;
  bool pinging_ = false;
  bool silent_ = false;

 private:
  void on_tick(Duration every) {
    timer_.reset();
    if (!std::exchange(heard_, false)) {
      silent_ = true;
      return drop();
    }
    if (!pinging_) ping_unasked();
    timer_ = loop_.call_later(every, [this, every] { on_tick(every); });
  }

  std::optional<MainLoop::TimerId> timer_;
  bool heard_ = false;
};

template <class Stream>
class Websocket::LinkOver final : public Link {
 public:
  LinkOver(MainLoop& loop, std::unique_ptr<ssl::context> tls, std::size_t max_message)
      : Link(loop), tls_(std::move(tls)), stream_(make(loop, tls_.get())) {
    stream_.read_message_max(max_message);
    stream_.set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                       websocket::stream_base::none(), false});
    stream_.control_callback([this](websocket::frame_type type, beast::string_view payload) {
      heard();
      if (type == websocket::frame_type::pong && on_pong) on_pong({payload.data(), payload.size()});
    });
  }

  Tcp::socket& socket() override {
    if constexpr (std::is_same_v<Stream, Tls>) {
      return stream_.next_layer().next_layer();
    } else {
      return stream_.next_layer();
    }
  }

  Task<Result<>> shake_hands(const Address& address, const WebsocketOptions& options) override {
    error_code error;
    if constexpr (std::is_same_v<Stream, Tls>) {
      auto& tls = stream_.next_layer();
      asio::ip::make_address(address.host, error);
      if (error) SSL_set_tlsext_host_name(tls.native_handle(), address.host.c_str());  // a name
      if (options.tls.verify)
        tls.set_verify_callback(ssl::host_name_verification(address.host), error);
      co_await tls.async_handshake(ssl::stream_base::client,
                                   asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return of_tls(error);
    }
    stream_.set_option(websocket::stream_base::decorator(
        [bearer = options.bearer](websocket::request_type& request) {
          request.set(beast::http::field::user_agent, "millrace");
          if (!bearer.empty()) request.set(beast::http::field::authorization, "Bearer " + bearer);
        }));
    websocket::response_type response;
    co_await stream_.async_handshake(response, address.authority, address.target,
                                     asio::redirect_error(asio::use_awaitable, error));
    if (error == websocket::error::upgrade_declined) co_return of_status(response.result_int());
    if (error) co_return fail(Errc::unavailable, "no handshake: {}", error.message());
    stream_.text(true);
    co_return Result<>();
  }

  Task<Result<>> send(std::string_view text) override {
    error_code error;
    co_await stream_.async_write(asio::buffer(text.data(), text.size()),
                                 asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return co_await failed(error);
    co_return Result<>();
  }

  Task<Result<>> ping(std::string_view payload) override {
    while (pinging_) {
      if (auto waited = co_await ping_ended_.wait(); !waited) co_return waited;
    }
    pinging_ = true;
    error_code error;
    co_await stream_.async_ping(websocket::ping_data(payload.data(), payload.size()),
                                asio::redirect_error(asio::use_awaitable, error));
    pinging_ = false;
    ping_ended_.notify_all();
    if (error) co_return co_await failed(error);
    co_return Result<>();
  }

  Task<Result<std::string>> receive() override {
    error_code error;
    co_await stream_.async_read(buffer_, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return co_await failed(error);
    heard();
    std::string text(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    buffer_.consume(buffer_.size());
    co_return text;
  }

  Task<> close() override {
    const auto timer = loop_.call_later(kGoodbyeTime, [this] { drop(); });
    error_code ignored;
    co_await stream_.async_close(websocket::close_code::normal,
                                 asio::redirect_error(asio::use_awaitable, ignored));
    loop_.cancel(timer);
    drop();
  }

 private:
  static auto make(MainLoop& loop, ssl::context* tls) {
    if constexpr (std::is_same_v<Stream, Tls>) {
      return websocket::stream<Stream>(loop.executor(), *tls);
    } else {
      return websocket::stream<Stream>(loop.executor());
    }
  }

  Task<Error> failed(error_code error) {
    if (co_await stop_requested()) co_return asked_to_stop();
    if (error == websocket::error::closed) co_return of_close(stream_.reason());
    if (error == websocket::error::message_too_big)
      co_return fail(Errc::conflict, "the server sent a message that is too long");
    if (silent_) co_return fail(Errc::unavailable, "the server is silent");
    co_return lost(error);
  }

  void ping_unasked() override {
    pinging_ = true;
    stream_.async_ping({}, [self = this->shared_from_this(), this](const error_code&) {
      pinging_ = false;
      ping_ended_.notify_all();
    });
  }

  const std::unique_ptr<ssl::context> tls_;
  websocket::stream<Stream> stream_;
  beast::flat_buffer buffer_;
  Waiters ping_ended_;
};

Task<Result<std::unique_ptr<Websocket>>> Websocket::connect(MainLoop& loop,
                                                            WebsocketOptions options) {
  const auto address = parse_address(options.url);
  if (!address) co_return address.error();
  std::shared_ptr<Link> link;
  if (address->secure) {
    auto tls = make_context(options.tls);
    if (!tls) co_return tls.error();
    link = std::make_shared<LinkOver<Tls>>(loop, std::move(*tls), options.max_message);
  } else {
    link = std::make_shared<LinkOver<Tcp::socket>>(loop, nullptr, options.max_message);
  }
  const auto found = co_await resolve(loop, *address, options.open_timeout);
  if (!found) co_return found.error();
  bool late = false;
  const auto timer = loop.call_later(options.open_timeout, [&link, &late] {
    late = true;
    link->drop();
  });
  error_code error;
  co_await asio::async_connect(link->socket(), *found,
                               asio::redirect_error(asio::use_awaitable, error));
  Result<> opened;
  if (error) {
    opened = fail(Errc::unavailable, "cannot connect to {}:{}: {}", address->host, address->port,
                  error.message());
  } else {
    error_code ignored;
    link->socket().set_option(Tcp::no_delay(true), ignored);
    opened = co_await link->shake_hands(*address, options);
  }
  loop.cancel(timer);
  if (co_await stop_requested()) co_return asked_to_stop();
  if (late)
    co_return fail(Errc::unavailable, "{}:{} does not answer", address->host, address->port);
  if (!opened) co_return opened.error();
  if (options.keep_alive > Duration::zero()) link->keep_alive(options.keep_alive);
  co_return std::unique_ptr<Websocket>(new Websocket(std::move(link)));
}

Websocket::~Websocket() { link_->drop(); }

Task<Result<>> Websocket::send(std::string_view text) { return link_->send(text); }
Task<Result<>> Websocket::ping(std::string_view payload) { return link_->ping(payload); }
void Websocket::on_pong(std::function<void(std::string_view)> callback) {
  link_->on_pong = std::move(callback);
}
Task<Result<std::string>> Websocket::receive() { return link_->receive(); }
Task<> Websocket::close() { return link_->close(); }
void Websocket::drop() { link_->drop(); }

}  // namespace millrace::net
