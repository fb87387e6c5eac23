// SPDX-License-Identifier: Apache-2.0
#include "fetcher.hpp"

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <limits>
#include <string_view>
#include <utility>

namespace millrace::url_check {
namespace {

constexpr long kMostRedirects = 10;
constexpr int kPollMilliseconds = 1000;  // a bound only: poll is woken when there is news

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

// What libcurl's own parser makes of the URL; otherwise `error` says what is wrong, in words that
// do not repeat it.
Url parse(const std::string& url, std::string& error) {
  Url parsed(curl_url());
  const auto code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(),
                                 CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE);
  char* scheme = nullptr;
  if (code != CURLUE_OK) {
    error = fmt::format("not a URL that can be checked: {}", curl_url_strerror(code));
  } else if (curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
    const Text owned(scheme);
    const std::string_view name = scheme;
    if (name != "http" && name != "https") error = "only http and https can be checked";
  }
  if (!error.empty()) parsed.reset();
  return parsed;
}

std::size_t drop_body(char* /*bytes*/, std::size_t /*one*/, std::size_t /*size*/, void* answered) {
  *static_cast<bool*>(answered) = true;
  return 0;  // ends the transfer
}

}  // namespace

/// The state that transfers share: certificates of authorities are read once.
class Fetcher::Library {
 public:
  Library() : ready_(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
    if (ready_) multi_.reset(curl_multi_init());
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    multi_.reset();
    if (ready_) curl_global_cleanup();
  }

  CURLM* multi() const { return multi_.get(); }

 private:
  const bool ready_;
  Multi multi_;
};

/// One request. run() is called on the fetcher's thread, abort() on the loop thread.
class Fetcher::Transfer {
 public:
  Transfer(CURLM* multi, std::string url, bool verify_ssl)
      : multi_(multi), url_(std::move(url)), verify_ssl_(verify_ssl) {}

  Answer run() {
    Answer answer;
    const auto parsed = parse(url_, answer.error);
    if (!parsed) return answer;
    easy_.reset(curl_easy_init());
    if (!easy_) return {.error = "libcurl has no memory"};
    set_options(parsed.get());
    curl_multi_add_handle(multi_, easy_.get());
    const CURLcode outcome = drive();
    if (outcome == CURLE_OK || answered_) {
      long status = 0;
      curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
      answer.status_code = static_cast<int>(status);
    }
    if (answer.status_code == 0) {
      answer.error = error_.front() != '\0' ? error_.data() : curl_easy_strerror(outcome);
    }
    curl_multi_remove_handle(multi_, easy_.get());
    easy_.reset();
    return answer;
  }

  void abort() {
    aborted_ = true;
    curl_multi_wakeup(multi_);
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(easy_.get(), option, value);
  }

  void set_options(CURLU* url) {
    set(CURLOPT_CURLU, url);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTPGET, 1L);
    set(CURLOPT_USERAGENT, "millrace");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kMostRedirects);
    set(CURLOPT_COOKIEFILE, "");  // pages that redirect may ask for their cookie
    set(CURLOPT_PROXY, "");  // the check is of the way from here, whatever the environment says
    set(CURLOPT_SSL_VERIFYPEER, verify_ssl_ ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, verify_ssl_ ? 2L : 0L);
    // A check that finds an old connection or an old address finds nothing out.
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // an abort does not wait for a name that is being looked up
    // The fetcher's timeout is the only one.
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::numeric_limits<int>::max()));
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &drop_body);
    set(CURLOPT_WRITEDATA, &answered_);
  }

  CURLcode drive() {
    int running = 1;
    while (!aborted_) {
      if (curl_multi_perform(multi_, &running) != CURLM_OK) return CURLE_FAILED_INIT;
      if (running == 0) break;
      curl_multi_poll(multi_, nullptr, 0, kPollMilliseconds, nullptr);
    }
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(multi_, &left);
    return message != nullptr ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
  }

  // The headers say it all: with their last line the transfer ends, unless curl goes elsewhere.
  static std::size_t on_header(char* bytes, std::size_t /*one*/, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::string_view line(bytes, size);
    if (line != "\r\n" && line != "\n") return size;
    long status = 0;
    curl_easy_getinfo(transfer.easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    transfer.answered_ = (status >= 200 && status < 300) || status >= 400;
    return transfer.answered_ ? 0 : size;
  }

  CURLM* const multi_;
  const std::string url_;
  const bool verify_ssl_;
  std::atomic<bool> aborted_ = false;
  // Of the fetcher's thread.
  Easy easy_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  bool answered_ = false;
};

Result<std::unique_ptr<Fetcher>> Fetcher::create(MainLoop& loop, FetchOptions options) {
  auto library = std::make_unique<Library>();
  if (library->multi() == nullptr) return fail(Errc::io, "libcurl cannot be set up");
  return std::unique_ptr<Fetcher>(new Fetcher(loop, options, std::move(library)));
}

Fetcher::Fetcher(MainLoop& loop, FetchOptions options, std::unique_ptr<Library> library)
    : loop_(loop),
      options_(options),
      library_(std::move(library)),
      tasks_(loop.executor(),
             [](std::string_view, const std::exception_ptr& why) { std::rethrow_exception(why); }) {
}

Fetcher::~Fetcher() = default;

Task<Result<Answer>> Fetcher::get(std::string url) {
  const auto transfer =
      std::make_shared<Transfer>(library_->multi(), std::move(url), options_.verify_ssl);
  bool timed_out = false;
  const auto timer = loop_.call_later(options_.timeout, [&timed_out, &transfer] {
    timed_out = true;
    transfer->abort();
  });
  Answer answer;
  tasks_.spawn("transfer", perform(transfer, answer), [this] { ended_.notify_all(); });
  const auto waited = co_await ended_.wait();
  if (!waited) transfer->abort();
  co_await tasks_.join();
  loop_.cancel(timer);
  if (!waited) co_return waited.error();
  if (timed_out && answer.status_code == 0) {
    const std::chrono::duration<double> limit = options_.timeout;
    answer.error = fmt::format("no answer within {:g} seconds", limit.count());
  }
  co_return answer;
}

Task<> Fetcher::perform(std::shared_ptr<Transfer> transfer, Answer& answer) {
  const auto job = [transfer] { return transfer->run(); };
  answer = co_await thread_.run(job);
}

}  // namespace millrace::url_check
