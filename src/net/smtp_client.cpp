// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/smtp_client.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string_view>

#include "curl_thread.hpp"
#include "millrace/base/text.hpp"

namespace millrace::net {
namespace {

constexpr std::size_t kShownReply = 300;
constexpr long kBadCredentials = 535;
constexpr long kRefused = 400;
constexpr long kPermanent = 500;

bool is_foul(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

/// One mail.
class Delivery final : public CurlTransfer {
 public:
  Delivery(SmtpServer server, Mail mail) : server_(std::move(server)), mail_(std::move(mail)) {}

  /// Errors: invalid_settings, io.
  Result<> prepare() {
    if (mail_.recipients.empty()) return fail(Errc::invalid_settings, "the mail is for nobody");
    if (is_foul(mail_.from) || std::ranges::any_of(mail_.recipients, is_foul))
      return fail(Errc::invalid_settings, "a line end is in an address");
    const bool is_host = std::ranges::all_of(server_.host, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view(".-_:[]").contains(c);
    });
    if (server_.host.empty() || !is_host)
      return fail(Errc::invalid_settings, "not a host: {}", printable(server_.host));
    easy_.reset(curl_easy_init());
    if (!easy_) return fail(Errc::io, "libcurl has no memory");
    set_options();
    return {};
  }

  CURL* easy() const override { return easy_.get(); }
  void conclude(CURLcode code) override { outcome_ = judge(code); }
  // libcurl blocks for the answers to the mail's end and to QUIT.
  void give_up() override {
    const std::scoped_lock lock(mutex_);
    given_up_ = true;
    for (const int open : sockets_) ::shutdown(open, SHUT_RDWR);
  }
  const Result<>& outcome() const { return outcome_; }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(easy_.get(), option, value);
  }

  void set_options() {
    const bool is_v6 = server_.host.contains(':') && !server_.host.starts_with('[');
    const auto url = fmt::format("{}://{}{}{}:{}",
                                 server_.security == SmtpServer::Security::tls ? "smtps" : "smtp",
                                 is_v6 ? "[" : "", server_.host, is_v6 ? "]" : "", server_.port);
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // an abort does not wait for a name that is being looked up
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    // The caller's clock is the only one.
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::numeric_limits<int>::max()));
    set(CURLOPT_OPENSOCKETFUNCTION, &Delivery::on_open);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_CLOSESOCKETFUNCTION, &Delivery::on_close);
    set(CURLOPT_CLOSESOCKETDATA, this);
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_HEADERFUNCTION, &Delivery::on_reply);
    set(CURLOPT_HEADERDATA, this);
    set_security();
    set(CURLOPT_MAIL_FROM, fmt::format("<{}>", mail_.from).c_str());
    for (const auto& recipient : mail_.recipients) {
      auto* list = curl_slist_append(recipients_.release(), fmt::format("<{}>", recipient).c_str());
      recipients_.reset(list);
    }
    set(CURLOPT_MAIL_RCPT, recipients_.get());
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &Delivery::on_read);
    set(CURLOPT_READDATA, this);
  }

  void set_security() {
    using Security = SmtpServer::Security;
    const auto& tls = server_.tls;
    set(CURLOPT_USE_SSL, server_.security == Security::none ? CURLUSESSL_NONE : CURLUSESSL_ALL);
    set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
    if (!tls.authorities.empty()) set(CURLOPT_CAINFO, tls.authorities.c_str());
    if (!server_.user_and_password) return;
    set(CURLOPT_USERNAME, server_.user_and_password->first.c_str());
    set(CURLOPT_PASSWORD, server_.user_and_password->second.c_str());
  }

  static std::size_t on_read(char* room, std::size_t /*one*/, std::size_t size, void* self) {
    auto& delivery = *static_cast<Delivery*>(self);
    const auto part = std::string_view(delivery.mail_.message).substr(delivery.read_, size);
    std::ranges::copy(part, room);
    delivery.read_ += part.size();
    return part.size();
  }

  static std::size_t on_reply(char* bytes, std::size_t /*one*/, std::size_t size, void* self) {
    const auto line = trim(std::string_view(bytes, size));
    if (line.starts_with('4') || line.starts_with('5'))
      static_cast<Delivery*>(self)->refusal_ = line.substr(0, kShownReply);
    return size;
  }

  static curl_socket_t on_open(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
    auto& delivery = *static_cast<Delivery*>(self);
    const std::scoped_lock lock(delivery.mutex_);
    if (delivery.given_up_) return CURL_SOCKET_BAD;
    const int made = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (made < 0) return CURL_SOCKET_BAD;
    delivery.sockets_.insert(made);
    return made;
  }
  static int on_close(void* self, curl_socket_t closed) {
    auto& delivery = *static_cast<Delivery*>(self);
    const std::scoped_lock lock(delivery.mutex_);
    delivery.sockets_.erase(closed);
    return ::close(closed);
  }

  Result<> judge(CURLcode code) {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    easy_.reset();
    if (code == CURLE_OK) return {};
    std::string why = error_.front() != '\0' ? error_.data() : curl_easy_strerror(code);
    if (status >= kRefused && !refusal_.empty())
      why = fmt::format("the server says: {}", printable(refusal_));
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_USE_SSL_FAILED ||
        status == kBadCredentials || (code == CURLE_LOGIN_DENIED && status >= kPermanent))
      return Error(Errc::permission_denied, std::move(why));
    if (status >= kPermanent) return Error(Errc::invalid_settings, std::move(why));
    return Error(Errc::unavailable, std::move(why));
  }

  const SmtpServer server_;
  const Mail mail_;
  std::unique_ptr<CURL, CleanUp<curl_easy_cleanup>> easy_;
  std::unique_ptr<curl_slist, CleanUp<curl_slist_free_all>> recipients_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::size_t read_ = 0;
  std::string refusal_;  // the last line of the last
  Result<> outcome_;
  std::mutex mutex_;
  std::set<int> sockets_;  // that are open
  bool given_up_ = false;
};

}  // namespace

class SmtpClient::Worker final : public CurlThread {
 public:
  using CurlThread::CurlThread;
};

Result<std::unique_ptr<SmtpClient>> SmtpClient::create(MainLoop& loop) {
  auto worker = std::make_unique<Worker>(loop);
  if (!worker->is_ready()) return fail(Errc::io, "libcurl cannot be set up");
  return std::unique_ptr<SmtpClient>(new SmtpClient(std::move(worker)));
}

SmtpClient::SmtpClient(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
SmtpClient::~SmtpClient() = default;

Task<Result<>> SmtpClient::send(SmtpServer server, Mail mail, Duration timeout) {
  const auto delivery = std::make_shared<Delivery>(std::move(server), std::move(mail));
  if (auto prepared = delivery->prepare(); !prepared) co_return prepared;
  if (auto ran = co_await worker_->run(delivery, timeout); !ran) co_return ran;
  co_return delivery->outcome();
}

}  // namespace millrace::net
