// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/http_client.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "curl_thread.hpp"
#include "millrace/base/text.hpp"

namespace millrace::net {
namespace {

constexpr long kMostRedirects = 10;

using Url = std::unique_ptr<CURLU, CleanUp<curl_url_cleanup>>;
using Easy = std::unique_ptr<CURL, CleanUp<curl_easy_cleanup>>;
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

/// One request.
class Transfer final : public CurlTransfer {
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

  CURL* easy() const override { return easy_.get(); }
  void conclude(CURLcode code) override { outcome_ = judge(code); }
  Result<HttpResponse> take_outcome() { return std::move(*outcome_); }

 private:
  Result<HttpResponse> judge(CURLcode code) {
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
  std::optional<Result<HttpResponse>> outcome_;
};

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  for (const auto& [its_name, value] : headers) {
    if (its_name == name) return value;
  }
  return std::nullopt;
}

class HttpClient::Worker final : public CurlThread {
 public:
  using CurlThread::CurlThread;
};

Result<std::unique_ptr<HttpClient>> HttpClient::create(MainLoop& loop) {
  auto worker = std::make_unique<Worker>(loop);
  if (!worker->is_ready()) return fail(Errc::io, "libcurl cannot be set up");
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(worker)));
}

HttpClient::HttpClient(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}

HttpClient::~HttpClient() = default;

Task<Result<HttpResponse>> HttpClient::send(HttpRequest request) {
  const Duration timeout = request.timeout;
  const auto transfer = std::make_shared<Transfer>(std::move(request));
  if (auto prepared = transfer->prepare(); !prepared) co_return prepared.error();
  if (auto ran = co_await worker_->run(transfer, timeout); !ran) co_return ran.error();
  co_return transfer->take_outcome();
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
