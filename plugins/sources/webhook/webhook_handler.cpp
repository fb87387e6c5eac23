// SPDX-License-Identifier: Apache-2.0
#include "webhook_handler.hpp"

#include <string_view>
#include <utility>

#include "header_names.hpp"
#include "millrace/base/text.hpp"
#include "request_text.hpp"

namespace millrace::webhook {
namespace {

Response unauthorized(std::string body) { return {401, "Unauthorized", std::move(body)}; }
Response bad_request(std::string body) { return {400, "Bad Request", std::move(body)}; }
Response invalid_payload() { return bad_request("Invalid JSON payload"); }

std::optional<Response> check_token(const Request& request, std::string_view token) {
  const auto authorization = request.find("Authorization");
  if (!authorization) {
    return Response{401, "Missing authorization token", "401: Missing authorization token"};
  }
  // Exactly two words: "Bearer" and the token, one blank between them.
  const auto words = split(trim(*authorization), ' ');
  if (words.size() != 2) return unauthorized("Invalid authorization token");
  if (words[0] != "Bearer") return unauthorized("Only Bearer type is accepted");
  if (token.empty() || !equal_secrets(words[1], token))
    return unauthorized("Invalid authorization token");
  return std::nullopt;
}

std::optional<Response> check_method(const Request& request) {
  if (request.method() == "POST") return std::nullopt;
  return Response{405, "Method Not Allowed", "405: Method Not Allowed", "Allow: POST\r\n"};
}

Object meta_of(const Request& request, std::string_view endpoint) {
  Object headers;
  headers.reserve(request.header_count());
  for (std::size_t i = 0; i < request.header_count(); ++i) {
    const auto name = request.header(i).first;
    if (same_name(name, "Authorization")) continue;
    const auto first = *request.find(name);  // of a header sent twice
    if (is_ascii(first)) {
      headers.emplace(canonical_name(name), first);
    } else {
      headers.emplace(canonical_name(name), valid_utf8(first));
    }
  }
  Object meta;
  meta.reserve(2);
  meta.emplace("endpoint", endpoint);
  meta.emplace("headers", std::move(headers));
  return meta;
}

}  // namespace

// The order of the checks is part of what clients see: token, signature, method, body.
std::optional<Response> WebhookHandler::refuse(const Request& request) {
  if (rules_.token) {
    if (auto refusal = check_token(request, *rules_.token)) return refusal;
  }
  if (!rules_.signature) return check_method(request);
  if (!request.find(rules_.signature_header)) return bad_request("Signature header not found");
  return std::nullopt;
}

Task<Result<Response>> WebhookHandler::answer(Request& request) {
  const auto charset = charset_of(request.find("Content-Type").value_or(""));
  Body recoded;
  if (charset == Charset::latin1) recoded.append(latin1_to_utf8(request.body().text()));
  if (rules_.signature) {
    // Over the bytes as they were sent, or as the original reads them: as UTF-8.
    const auto signature = *request.find(rules_.signature_header);
    bool signed_well = rules_.signature->matches(request.body().text(), signature);
    if (!signed_well && charset == Charset::latin1) {
      signed_well = rules_.signature->matches(recoded.text(), signature);
    }
    if (!signed_well) co_return unauthorized("HMAC verification failed");
    if (auto refusal = check_method(request)) co_return std::move(*refusal);
  }
  if (charset == Charset::unknown ||
      (charset == Charset::ascii && !is_ascii(request.body().text()))) {
    context_.log().warning(context_.log_name(), "a request's body is not of the charset it claims");
    co_return invalid_payload();
  }
  std::string endpoint = endpoint_of(request.target());
  Object meta = meta_of(request, endpoint);
  Body& body = charset == Charset::latin1 ? recoded : request.body();
  co_return co_await accept(std::move(endpoint), std::move(meta), body);
}

Task<Result<Response>> WebhookHandler::accept(std::string endpoint, Object meta, Body& body) {
  if (pending_ >= rules_.max_pending && context_.room() == 0) {
    co_return Response{503, "Service Unavailable", "503: Service Unavailable",
                       "Retry-After: 1\r\n"};
  }
  body.reserve(0);  // an empty body, too, is a text with padding behind
  const std::string_view text = body.text();
  ++pending_;
  const auto accepted = co_await context_.accept(
      Event::from_text(text).wrap("payload").with_meta(std::move(meta)), body.take_memory());
  --pending_;
  if (accepted) co_return Response{.body = std::move(endpoint)};
  if (accepted.error().code() == Errc::invalid_event) co_return invalid_payload();
  co_return accepted.error();
}

}  // namespace millrace::webhook
