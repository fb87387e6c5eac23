// SPDX-License-Identifier: Apache-2.0
#include "rest_client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/backoff.hpp"

namespace millrace::controller {
namespace {

constexpr std::string_view kLogName = "controller";
constexpr std::size_t kShownAnswer = 300;  // bytes of what the controller says, in messages
constexpr Duration kFirstPause = std::chrono::seconds(2);

constexpr std::array kRetriedOfGet = {429, 500, 502, 503, 504};
// A request that was refused in this way was not begun.
constexpr std::array kRetriedOfPost = {429, 502, 503};

struct Address {
  std::string origin;
  std::string path;  ///< without a slash at its end
};

Result<Address> read_url(std::string_view url) {
  const auto invalid = fail(Errc::invalid_settings, "Invalid controller url.");
  const auto scheme = url.substr(0, url.find("://"));
  if (scheme.size() == url.size() || (scheme != "http" && scheme != "https")) return invalid;
  const auto begin = scheme.size() + 3;
  const auto end = std::min(url.find_first_of("/?#", begin), url.size());
  const auto authority = url.substr(begin, end - begin);
  if (authority.empty() || authority.contains('@')) return invalid;
  auto path = url.substr(end, url.find_first_of("?#", end) - end);
  while (path.ends_with('/')) path.remove_suffix(1);
  return Address{std::string(url.substr(0, end)), std::string(path)};
}

std::optional<Duration> retry_after(const Result<net::HttpResponse>& answer) {
  if (!answer) return std::nullopt;
  const auto text = answer->header("retry-after");
  std::uint32_t seconds = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), seconds).ec != std::errc())
    return std::nullopt;
  return std::chrono::seconds(seconds);
}

// What went wrong, in a few words that hold no line ends.
std::string reason_of(const Result<net::HttpResponse>& answer) {
  if (!answer) return answer.error().message();
  auto said = printable(std::string_view(answer->body).substr(0, kShownAnswer));
  std::ranges::replace(said, '\n', ' ');
  return fmt::format("status {}{}{}", answer->status, said.empty() ? "" : ": ", said);
}

Errc code_of(int status) {
  if (status == 401 || status == 403) return Errc::permission_denied;
  if (status == 404) return Errc::not_found;
  return status == 429 || status >= 500 ? Errc::unavailable : Errc::invalid_settings;
}

Result<Object> read(const Result<net::HttpResponse>& answer, std::string_view what) {
  if (!answer) return fail(answer.error().code(), "{}: {}", what, answer.error().message());
  if (answer->status >= 300 || answer->status < 200)
    return fail(code_of(answer->status), "{}: {}", what, reason_of(answer));
  auto value = parse_json(answer->body);
  if (!value || !value->is_object())
    return fail(Errc::invalid_event, "{}: the answer is no JSON object", what);
  return std::move(value->get_object());
}

bool is_worth_another_try(const Result<net::HttpResponse>& answer, std::span<const int> retried) {
  if (answer) return std::ranges::find(retried, answer->status) != retried.end();
  return answer.error().code() == Errc::unavailable || answer.error().code() == Errc::timeout;
}

std::string without_query(std::string_view where) {
  return std::string(where.substr(0, where.find('?')));
}

}  // namespace

Result<std::unique_ptr<RestClient>> RestClient::create(MainLoop& loop, Log& log,
                                                       const ControllerOptions& options) {
  const auto address = read_url(options.url);
  if (!address) return address.error();
  if (options.token.empty() && (options.username.empty() || options.password.empty())) {
    return fail(Errc::invalid_settings,
                "Error: controller_token or controller_username and controller_password is "
                "required");
  }
  auto http = net::HttpClient::create(loop);
  if (!http) return http.error();
  std::unique_ptr<RestClient> made(new RestClient(loop, log, options, std::move(*http)));
  made->origin_ = address->origin;
  made->base_ = address->origin + (address->path.empty() ? "/api/v2/" : address->path + "/v2/");
  return made;
}

RestClient::RestClient(MainLoop& loop, Log& log, const ControllerOptions& options,
                       std::unique_ptr<net::HttpClient> http)
    : loop_(loop), log_(log), options_(options), http_(std::move(http)) {}

Result<std::string> RestClient::resolve(std::string_view where) const {
  if (where.starts_with("http://") || where.starts_with("https://")) {
    // Credentials go to nobody else, whatever an answer says.
    if (!where.starts_with(origin_ + "/"))
      return fail(Errc::permission_denied, "the controller names a URL of another host");
    return std::string(where);
  }
  return where.starts_with('/') ? origin_ + std::string(where) : base_ + std::string(where);
}

Task<Result<Object>> RestClient::get(std::string where, Attempts attempts) {
  auto url = resolve(where);
  if (!url) co_return url.error();
  co_return co_await send({.url = std::move(*url)}, "GET " + without_query(where), attempts);
}

Task<Result<Object>> RestClient::post(std::string where, Object body) {
  auto url = resolve(where);
  if (!url) co_return url.error();
  net::HttpRequest request{.method = "POST", .url = std::move(*url), .body = to_json(Value(body))};
  request.headers.emplace_back("Content-Type", "application/json");
  co_return co_await send(std::move(request), "POST " + without_query(where), Attempts::several);
}

Task<Result<Object>> RestClient::send(net::HttpRequest request, std::string what,
                                      Attempts attempts) {
  const std::span<const int> retried =
      request.method == "POST" ? std::span<const int>(kRetriedOfPost) : kRetriedOfGet;
  request.headers.emplace_back("Accept", "application/json");
  if (!options_.token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + options_.token);
  } else {
    request.user_and_password = {options_.username, options_.password};
  }
  request.tls.verify = options_.ssl_verify != "no";
  if (request.tls.verify && options_.ssl_verify != "yes")
    request.tls.authorities = options_.ssl_verify;
  Backoff backoff(
      {.first = std::min(kFirstPause, options_.longest_pause), .longest = options_.longest_pause});
  const std::size_t most = attempts == Attempts::one ? 1 : options_.attempts;
  for (std::size_t attempt = 1;; ++attempt) {
    const auto answer = co_await send_once(request);
    if (attempt >= most || !is_worth_another_try(answer, retried)) co_return read(answer, what);
    const auto pause =
        std::min(std::max(backoff.next(), retry_after(answer).value_or(Duration::zero())),
                 options_.longest_pause);
    log_.warning(kLogName, "{}: {}; again in {:.1f} s", what, reason_of(answer),
                 std::chrono::duration<double>(pause).count());
    if (auto slept = co_await loop_.sleep_for(pause); !slept) co_return slept.error();
  }
}

Task<Result<net::HttpResponse>> RestClient::send_once(net::HttpRequest request) {
  while (under_way_ >= options_.connections) {
    if (auto waited = co_await ended_.wait(); !waited) co_return waited.error();
  }
  ++under_way_;
  auto answer = co_await http_->send(std::move(request));
  --under_way_;
  ended_.notify_one();
  co_return answer;
}

}  // namespace millrace::controller
