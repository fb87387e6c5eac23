// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <thread>

#include "millrace/base/text.hpp"
#include "millrace/loop/channel.hpp"

namespace millrace::net {
namespace {

constexpr long kMostRedirects = 10;
constexpr int kPollMilliseconds = 60'000;  // a bound only: poll is woken when there is news

template <auto clean_up>
struct CleanUp {
  template <class T>
  void operator()(T* owned) const {
    clean_up(owned);
  }
};
using Url = std::unique_ptr<CURLU, CleanUp<curl_url_cleanup>>;
using Easy = std::unique_ptr<CURL, CleanUp<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, CleanUp<curl_multi_cleanup>>;
using Text = std::unique_ptr<char, CleanUp<curl_free>>;
using Lines = std::unique_ptr<curl_slist, CleanUp<curl_slist_free_all>>;

// What libcurl's own parser makes of the URL. Messages do not repeat it: it may hold a password.
Result<Url> parse(const std::string& url) {
  Url parsed(curl_url());
  const auto code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(),
                                 CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE);
  if (code != CURLUE_OK)
    return fail(Errc::invalid_settings, "not a URL: {}", curl_url_strerror(code));
  char* scheme = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
    const Text owned(scheme);
    const std::string_view name = scheme;
    if (name != "http" && name != "https")
      return fail(Errc::invalid_settings, "not a URL of http or https");
  }
  return parsed;
}

Result<Lines> make_lines(const HttpRequest& request) {
  Lines lines;
  const auto add = [&lines](const std::string& line) {
    auto* const head = lines.release();
    lines.reset(curl_slist_append(head, line.c_str()));
  };
  // Waits for nothing before the body. Of a signed request libcurl would sign this line, too,
  // which is never sent; bodies for which it would wait are not signed here.
  if (!request.aws) add("Expect:");
  for (const auto& [name, value] : request.headers) {
    const auto is_foul = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
    if (name.empty() || name.find(':') != std::string::npos || std::ranges::any_of(name, is_foul) ||
        std::ranges::any_of(value, is_foul)) {
      return fail(Errc::invalid_settings,
                  "header '{}' cannot be sent: a line end or a colon is in it", printable(name));
    }
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  if (request.aws && !request.aws->session_token.empty())
    add("X-Amz-Security-Token: " + request.aws->session_token);
  return lines;
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

/// One request. The loop thread makes it and takes its outcome, the worker's thread does the rest.
class Transfer {
 public:
  explicit Transfer(HttpRequest request) : request_(std::move(request)) {}

  /// Errors: invalid_settings, io.
  Result<> prepare() {
    auto url = parse(request_.url);
    if (!url) return url.error();
    auto lines = make_lines(request_);
    if (!lines) return lines.error();
    url_ = std::move(*url);
    lines_ = std::move(*lines);
    easy_.reset(curl_easy_init());
    if (!easy_) return fail(Errc::io, "libcurl has no memory");
    set_options();
    return {};
  }

  CURL* easy() const { return easy_.get(); }

  Result<HttpResponse> conclude(CURLcode code) {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    easy_.reset();
    if (too_large_) {
      return fail(Errc::unsupported, "the answer is larger than {}",
                  human_bytes(static_cast<double>(request_.max_body)));
    }
    if (code != CURLE_OK && !headers_done_)
      return fail(Errc::unavailable, "{}",
                  error_.front() != '\0' ? error_.data() : curl_easy_strerror(code));
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }

  // Of the loop thread.
  std::optional<Result<HttpResponse>> outcome;
  Waiters changed;

 private:
  template <class T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(easy_.get(), option, value);
  }
  void set_unless_empty(CURLoption option, const std::string& value) {
    if (!value.empty()) set(option, value.c_str());
  }

  void set_options() {
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_CURLU, url_.get());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTPHEADER, lines_.get());
    set(CURLOPT_USERAGENT, "millrace");
    set(CURLOPT_NOSIGNAL, 1L);
    // The caller's clock is the only one.
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::numeric_limits<int>::max()));
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
    if (!request_.use_proxy) set(CURLOPT_PROXY, "");
    if (request_.follow_redirects) {
      set(CURLOPT_FOLLOWLOCATION, 1L);
      set(CURLOPT_MAXREDIRS, kMostRedirects);
      set(CURLOPT_COOKIEFILE, "");  // pages that redirect may ask for their cookie
    }
    if (request_.only_probe) {
      set(CURLOPT_FRESH_CONNECT, 1L);
      set(CURLOPT_FORBID_REUSE, 1L);
      set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
      set(CURLOPT_QUICK_EXIT, 1L);  // an abort does not wait for a name that is being looked up
    }
    set_method();
    set_identity();
  }

  void set_method() {
    const bool has_body = !request_.body.empty() || request_.method == "POST";
    if (has_body) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      set(CURLOPT_POSTFIELDS, request_.body.data());
    }
    if (request_.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (request_.method == "GET" && !has_body) {
      set(CURLOPT_HTTPGET, 1L);
    } else if (request_.method != "POST") {
      set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }
  }

  void set_identity() {
    const auto& tls = request_.tls;
    set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
    set_unless_empty(CURLOPT_CAINFO, tls.authorities);
    set_unless_empty(CURLOPT_SSLCERT, tls.certificate);
    set_unless_empty(CURLOPT_SSLKEY, tls.key.empty() ? tls.certificate : tls.key);
    set_unless_empty(CURLOPT_KEYPASSWD, tls.key_password);
    if (request_.user_and_password) {
      set(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      set(CURLOPT_USERNAME, request_.user_and_password->first.c_str());
      set(CURLOPT_PASSWORD, request_.user_and_password->second.c_str());
    }
    if (const auto& aws = request_.aws) {
      set(CURLOPT_AWS_SIGV4, fmt::format("aws:amz:{}:{}", aws->region, aws->service).c_str());
      set(CURLOPT_USERNAME, aws->access_key.c_str());
      set(CURLOPT_PASSWORD, aws->secret_key.c_str());
    }
  }

  static std::size_t on_header(char* bytes, std::size_t /*one*/, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->take_header(std::string_view(bytes, size)) ? size : 0;
  }
  bool take_header(std::string_view line) {
    line = trim(line);
    if (line.starts_with("HTTP/")) response_.headers.clear();  // of another answer
    if (line.empty()) return !probe_is_over();
    if (const auto colon = line.find(':'); colon != std::string_view::npos) {
      response_.headers.emplace_back(lower(line.substr(0, colon)),
                                     std::string(trim(line.substr(colon + 1))));
    }
    return true;
  }
  // With the last line of the headers, unless curl goes elsewhere.
  bool probe_is_over() {
    if (!request_.only_probe) return false;
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    headers_done_ = (status >= 200 && status < 300) || status >= 400;
    return headers_done_;
  }

  static std::size_t on_body(char* bytes, std::size_t /*one*/, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.request_.only_probe) {
      transfer.headers_done_ = true;
      return 0;
    }
    auto& body = transfer.response_.body;
    transfer.too_large_ = body.size() + size > transfer.request_.max_body;
    if (transfer.too_large_) return 0;
    body.append(bytes, size);
    return size;
  }

  const HttpRequest request_;
  Url url_;
  Lines lines_;
  Easy easy_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  HttpResponse response_;
  bool headers_done_ = false;  // of a probe: it ended itself
  bool too_large_ = false;
};
using TransferPtr = std::shared_ptr<Transfer>;

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  for (const auto& [its_name, value] : headers) {
    if (its_name == name) return value;
  }
  return std::nullopt;
}

/// libcurl's thread.
class HttpClient::Worker {
 public:
  explicit Worker(MainLoop& loop)
      : loop_(loop), ready_(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
    if (ready_) multi_.reset(curl_multi_init());
    if (multi_) thread_ = std::thread([this] { work(); });
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    if (thread_.joinable()) {
      change([this] { ends_ = true; });
      thread_.join();
    }
    transfers_.clear();
    multi_.reset();
    if (ready_) curl_global_cleanup();
  }

  bool is_ready() const { return multi_ != nullptr; }
  void start(TransferPtr transfer) {
    change([&] { to_start_.push_back(std::move(transfer)); });
  }
  void abort(TransferPtr transfer) {
    change([&] { to_abort_.push_back(std::move(transfer)); });
  }

 private:
  template <class Change>
  void change(Change what) {
    {
      const std::scoped_lock lock(mutex_);
      what();
    }
    curl_multi_wakeup(multi_.get());
  }

  void work() {
    int running = 0;
    while (take_orders()) {
      curl_multi_perform(multi_.get(), &running);
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg == CURLMSG_DONE) conclude(message->easy_handle, message->data.result);
      }
      curl_multi_poll(multi_.get(), nullptr, 0, kPollMilliseconds, nullptr);
    }
    for (const auto& [easy, transfer] : transfers_) curl_multi_remove_handle(multi_.get(), easy);
  }

  bool take_orders() {
    std::vector<TransferPtr> starting;
    std::vector<TransferPtr> aborted;
    {
      const std::scoped_lock lock(mutex_);
      if (ends_) return false;
      starting.swap(to_start_);
      aborted.swap(to_abort_);
    }
    for (auto& transfer : starting) {
      CURL* easy = transfer->easy();
      transfers_[easy] = std::move(transfer);
      curl_multi_add_handle(multi_.get(), easy);
    }
    for (const auto& transfer : aborted) {
      if (transfers_.contains(transfer->easy())) forget(transfer->easy());
    }
    return true;
  }

  void conclude(CURL* easy, CURLcode code) {
    auto transfer = forget(easy);
    // Shared: the task that waits for it may have gone.
    const auto outcome = std::make_shared<Result<HttpResponse>>(transfer->conclude(code));
    loop_.call_soon_threadsafe([transfer = std::move(transfer), outcome] {
      transfer->outcome = std::move(*outcome);
      transfer->changed.notify_all();
    });
  }

  TransferPtr forget(CURL* easy) {
    const auto found = transfers_.find(easy);
    auto transfer = std::move(found->second);
    transfers_.erase(found);
    curl_multi_remove_handle(multi_.get(), easy);
    return transfer;
  }

  MainLoop& loop_;
  const bool ready_;
  Multi multi_;
  std::map<CURL*, TransferPtr> transfers_;  // of the thread
  std::mutex mutex_;
  std::vector<TransferPtr> to_start_;
  std::vector<TransferPtr> to_abort_;
  bool ends_ = false;
  std::thread thread_;
};

Result<std::unique_ptr<HttpClient>> HttpClient::create(MainLoop& loop) {
  auto worker = std::make_unique<Worker>(loop);
  if (!worker->is_ready()) return fail(Errc::io, "libcurl cannot be set up");
  return std::unique_ptr<HttpClient>(new HttpClient(loop, std::move(worker)));
}

HttpClient::HttpClient(MainLoop& loop, std::unique_ptr<Worker> worker)
    : loop_(loop), worker_(std::move(worker)) {}

HttpClient::~HttpClient() = default;

Task<Result<HttpResponse>> HttpClient::send(HttpRequest request) {
  const Duration timeout = request.timeout;
  const auto transfer = std::make_shared<Transfer>(std::move(request));
  if (auto prepared = transfer->prepare(); !prepared) co_return prepared.error();
  bool timed_out = false;
  const auto timer = loop_.call_later(timeout, [&timed_out, &transfer] {
    timed_out = true;
    transfer->changed.notify_all();
  });
  worker_->start(transfer);
  Result<> waited;
  while (waited && !transfer->outcome && !timed_out) waited = co_await transfer->changed.wait();
  loop_.cancel(timer);
  if (transfer->outcome) co_return std::move(*transfer->outcome);
  worker_->abort(transfer);
  if (!waited) co_return waited.error();
  const std::chrono::duration<double> limit = timeout;
  co_return fail(Errc::timeout, "no answer within {:g} seconds", limit.count());
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (is_plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace millrace::net
