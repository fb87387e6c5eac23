// SPDX-License-Identifier: Apache-2.0
#include "stream.hpp"

#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <utility>

namespace millrace::messaging {

namespace ssl = asio::ssl;

namespace {

constexpr std::size_t kInput = std::size_t{256} << 10;

Error bad_file(std::string_view what, const std::string& file,
               const boost::system::error_code& why) {
  return fail(Errc::invalid_settings, "cannot use the {} {}: {}", what, file, why.message());
}

}  // namespace

Result<std::shared_ptr<Stream>> Stream::create(MainLoop& loop, StreamOptions options) {
  std::shared_ptr<Stream> stream(new Stream(loop, std::move(options)));
  if (stream->options_.tls) {
    if (auto prepared = stream->prepare_tls(*stream->options_.tls); !prepared)
      return prepared.error();
  }
  return stream;
}

Stream::Stream(MainLoop& loop, StreamOptions options)
    : loop_(loop),
      options_(std::move(options)),
      resolver_(loop.executor()),
      socket_(loop.executor()),
      input_(kInput) {}

Result<> Stream::prepare_tls(const TlsOptions& tls) {
  tls_ = std::make_unique<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(tls_->native_handle(), TLS1_2_VERSION);
  Failure failed;
  // Also without a password: OpenSSL would ask for one on the terminal.
  tls_->set_password_callback([password = tls.key_password](
                                  std::size_t, ssl::context::password_purpose) { return password; },
                              failed);
  if (tls.ca_file.empty()) {
    tls_->set_default_verify_paths(failed);
  } else if (tls_->load_verify_file(tls.ca_file, failed); failed) {
    return bad_file("authorities in", tls.ca_file, failed);
  }
  if (!tls.certificate_file.empty()) {
    tls_->use_certificate_chain_file(tls.certificate_file, failed);
    if (failed) return bad_file("certificate in", tls.certificate_file, failed);
    const auto& key = tls.key_file.empty() ? tls.certificate_file : tls.key_file;
    tls_->use_private_key_file(key, ssl::context::pem, failed);
    if (failed) return bad_file("key in", key, failed);
  }
  secure_ = std::make_unique<Secure>(socket_, *tls_);
  secure_->set_verify_mode(tls.verify ? ssl::verify_peer : ssl::verify_none, failed);
  if (tls.verify && tls.check_hostname)
    secure_->set_verify_callback(ssl::host_name_verification(options_.host), failed);
  if (failed) return fail(Errc::invalid_settings, "cannot set TLS up: {}", failed.message());
  return {};
}

void Stream::open(Listener& listener) {
  listener_ = &listener;
  resolver_.async_resolve(
      options_.host, std::to_string(options_.port),
      [self = shared_from_this()](const Failure& failed, const Tcp::resolver::results_type& found) {
        if (failed) return self->end(failed, "cannot find");
        self->connect(found);
      });
}

void Stream::connect(const Tcp::resolver::results_type& addresses) {
  if (listener_ == nullptr) return;
  asio::async_connect(socket_, addresses,
                      [self = shared_from_this()](const Failure& failed, const Tcp::endpoint&) {
                        if (failed) return self->end(failed, "cannot connect to");
                        self->connected();
                      });
}

void Stream::connected() {
  if (listener_ == nullptr) return;
  Failure ignored;
  socket_.set_option(Tcp::no_delay(true), ignored);
  if (secure_) return shake_hands();
  ready();
}

void Stream::shake_hands() {
  Failure not_a_name;
  asio::ip::make_address(options_.host, not_a_name);
  if (not_a_name) SSL_set_tlsext_host_name(secure_->native_handle(), options_.host.c_str());
  secure_->async_handshake(ssl::stream_base::client,
                           [self = shared_from_this()](const Failure& failed) {
                             if (failed) return self->end(failed, "no TLS with");
                             self->ready();
                           });
}

void Stream::ready() {
  if (listener_ == nullptr) return;
  listener_->on_open();
  read();
}

void Stream::read() {
  if ((listener_ == nullptr && !is_finishing_) || reading_ || paused_) return;
  reading_ = true;
  const auto room = asio::buffer(input_.data() + filled_, input_.size() - filled_);
  auto then = [self = shared_from_this()](const Failure& failed, std::size_t bytes) {
    self->reading_ = false;
    if (failed) return self->end(failed, "lost");
    self->on_read(bytes);
  };
  if (secure_) {
    secure_->async_read_some(room, std::move(then));
  } else {
    socket_.async_read_some(room, std::move(then));
  }
}

void Stream::on_read(std::size_t bytes) {
  if (listener_ == nullptr) return read();  // what comes while finishing is dropped
  filled_ += bytes;
  const auto used = listener_->on_bytes({input_.data(), filled_});
  if (listener_ == nullptr) return;
  filled_ -= used;
  std::memmove(input_.data(), input_.data() + used, filled_);
  read();
}

void Stream::pause() { paused_ = true; }

void Stream::resume() {
  paused_ = false;
  read();
}

std::string& Stream::output() {
  if (!is_flush_due_) {
    is_flush_due_ = true;
    loop_.call_soon([self = shared_from_this()] { self->flush(); });
  }
  return waiting_;
}

void Stream::flush() {
  is_flush_due_ = false;
  if (going_.empty()) write();
}

void Stream::write() {
  if ((listener_ == nullptr && !is_finishing_) || waiting_.empty()) return;
  going_.swap(waiting_);
  auto then = [self = shared_from_this()](const Failure& failed, std::size_t) {
    self->going_.clear();
    if (failed) return self->end(failed, "lost");
    self->written();
  };
  if (secure_) {
    asio::async_write(*secure_, asio::buffer(going_), std::move(then));
  } else {
    asio::async_write(socket_, asio::buffer(going_), std::move(then));
  }
}

void Stream::written() {
  write();
  // The other side hears of the end only behind the last byte; what it sends meanwhile must be
  // read, or the system would drop both.
  Failure ignored;
  if (is_finishing_ && going_.empty()) socket_.shutdown(Tcp::socket::shutdown_send, ignored);
}

void Stream::finish() {
  if (listener_ == nullptr || unsent() == 0) return close();
  listener_ = nullptr;
  is_finishing_ = true;
  filled_ = 0;
  if (going_.empty()) write();
  resume();
  loop_.call_later(std::chrono::seconds(1), [self = shared_from_this()] { self->close(); });
}

void Stream::close() {
  listener_ = nullptr;
  is_finishing_ = false;
  resolver_.cancel();
  Failure ignored;
  socket_.close(ignored);
}

void Stream::end(const Failure& why, std::string_view doing) {
  if (listener_ == nullptr) return close();
  auto& listener = *std::exchange(listener_, nullptr);
  close();
  const bool is_over = why == asio::error::eof || why == ssl::error::stream_truncated;
  const bool refused = why.category() == asio::error::get_ssl_category() &&
                       why.message().find("certificate verify failed") != std::string::npos;
  listener.on_end(fail(refused ? Errc::permission_denied : Errc::unavailable, "{} {}:{}: {}", doing,
                       options_.host, options_.port,
                       is_over ? "it has closed the connection" : why.message()));
}

}  // namespace millrace::messaging
