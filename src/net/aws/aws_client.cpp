// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/aws_client.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::net {
namespace {

constexpr int kOk = 200;
constexpr std::size_t kMostText = 300;  // of what the service says, in a message

// Parts of the names of errors.
constexpr auto kBusy = std::to_array<std::string_view>(
    {"Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "InternalFailure",
     "ServiceUnavailable", "RequestTimeout"});
constexpr auto kForbidden = std::to_array<std::string_view>(
    {"AccessDenied", "InvalidClientTokenId", "UnrecognizedClient", "SignatureDoesNotMatch",
     "InvalidSignature", "IncompleteSignature", "ExpiredToken", "RequestExpired",
     "MissingAuthenticationToken", "InvalidAccessKeyId", "AuthFailure", "OptInRequired"});
constexpr auto kMissing =
    std::to_array<std::string_view>({"QueueDoesNotExist", "NonExistentQueue", "ResourceNotFound"});

std::string url_of(const AwsService& service, const AwsAccount& account) {
  if (!account.endpoint_url.empty()) return account.endpoint_url;
  const bool is_china = account.region.starts_with("cn-");
  return fmt::format("https://{}.{}.amazonaws.com{}/", service.name, account.region,
                     is_china ? ".cn" : "");
}

Errc code_of(int status, std::string_view name) {
  const auto is_one_of = [name](const auto& parts) {
    return std::ranges::any_of(parts, [name](auto part) { return name.contains(part); });
  };
  if (status >= 500 || status == 429 || is_one_of(kBusy)) return Errc::unavailable;
  if (is_one_of(kMissing)) return Errc::not_found;
  if (status == 401 || status == 403 || is_one_of(kForbidden)) return Errc::permission_denied;
  return Errc::invalid_settings;
}

std::string text_at(const Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(view(found->get_string())) : "";
}

Error error_of(std::string_view operation, const HttpResponse& response) {
  const auto body = parse_json(response.body);
  const Object empty;
  const auto& object = body && body->is_object() ? body->get_object() : empty;
  auto name = text_at(object, "__type");  // "com.amazonaws.sqs#QueueDoesNotExist"
  name = name.substr(name.find('#') + 1);
  auto text = text_at(object, "message");
  if (text.empty()) text = text_at(object, "Message");
  if (name.empty()) name = "no reason given";
  return fail(code_of(response.status, name), "{}: {} {}: {}", operation, response.status,
              printable(name), printable(text.substr(0, kMostText)));
}

}  // namespace

AwsClient::AwsClient(HttpClient& http, AwsService service, AwsAccount account)
    : http_(http),
      service_(std::move(service)),
      account_(std::move(account)),
      url_(url_of(service_, account_)) {}

Task<Result<Object>> AwsClient::call(std::string_view operation, Object input, Duration timeout) {
  HttpRequest request{
      .method = "POST",
      .url = url_,
      .headers = {{"Content-Type", "application/x-amz-json-" + service_.json_version},
                  {"X-Amz-Target", fmt::format("{}.{}", service_.target, operation)}},
      .body = to_json(std::move(input)),
      .timeout = timeout,
      .aws = AwsSignature{.region = account_.region,
                          .service = service_.name,
                          .access_key = account_.access_key,
                          .secret_key = account_.secret_key,
                          .session_token = account_.session_token}};
  const std::string name(operation);
  const auto response = co_await http_.send(std::move(request));
  if (!response) co_return response.error();
  if (response->status != kOk) co_return error_of(name, *response);
  auto answer = parse_json(response->body);
  if (!answer || !answer->is_object())
    co_return fail(Errc::unavailable, "{}: the answer is no JSON object", name);
  co_return std::move(answer->get_object());
}

}  // namespace millrace::net
