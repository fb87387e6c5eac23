// SPDX-License-Identifier: Apache-2.0
#include "webhook_handler.hpp"

#include <string_view>
#include <utility>

#include "millrace/net/bearer.hpp"
#include "millrace/net/request_text.hpp"

namespace millrace::webhook {
namespace {

net::HttpAnswer unauthorized(std::string body) { return {401, "Unauthorized", std::move(body)}; }
net::HttpAnswer bad_request(std::string body) { return {400, "Bad Request", std::move(body)}; }
net::HttpAnswer invalid_payload() { return bad_request("Invalid JSON payload"); }

std::optional<net::HttpAnswer> check_method(const net::IncomingRequest& request) {
  if (request.method() == "POST") return std::nullopt;
  return net::HttpAnswer{405, "Method Not Allowed", "405: Method Not Allowed", "Allow: POST\r\n"};
}

Object meta_of(const net::IncomingRequest& request, std::string_view endpoint) {
  Object meta;
  meta.reserve(2);
  meta.emplace("endpoint", endpoint);
  meta.emplace("headers", net::headers_of(request));
  return meta;
}

}  // namespace

// The order of the checks is part of what clients see: token, signature, method, body.
std::optional<net::HttpAnswer> WebhookHandler::refuse(const net::IncomingRequest& request) {
  if (rules_.token) {
    if (auto refusal = net::refuse_without_token(request, *rules_.token)) return refusal;
  }
  if (!rules_.signature) return check_method(request);
  if (!request.find(rules_.signature_header)) return bad_request("Signature header not found");
  return std::nullopt;
}

Task<Result<net::HttpAnswer>> WebhookHandler::answer(net::IncomingRequest& request) {
  const auto charset = net::charset_of(request.find("Content-Type").value_or(""));
  net::RequestBody recoded;
  if (charset == net::Charset::latin1) recoded.append(net::latin1_to_utf8(request.body().text()));
  if (rules_.signature) {
    // Over the bytes as they were sent, or as the original reads them: as UTF-8.
    const auto signature = *request.find(rules_.signature_header);
    bool signed_well = rules_.signature->matches(request.body().text(), signature);
    if (!signed_well && charset == net::Charset::latin1) {
      signed_well = rules_.signature->matches(recoded.text(), signature);
    }
    if (!signed_well) co_return unauthorized("HMAC verification failed");
    if (auto refusal = check_method(request)) co_return std::move(*refusal);
  }
  if (charset == net::Charset::unknown ||
      (charset == net::Charset::ascii && !net::is_ascii(request.body().text()))) {
    context_.log().warning(context_.log_name(), "a request's body is not of the charset it claims");
    co_return invalid_payload();
  }
  std::string endpoint = net::endpoint_of(request.target());
  Object meta = meta_of(request, endpoint);
  net::RequestBody& body = charset == net::Charset::latin1 ? recoded : request.body();
  co_return co_await accept(std::move(endpoint), std::move(meta), body);
}

Task<Result<net::HttpAnswer>> WebhookHandler::accept(std::string endpoint, Object meta,
                                                     net::RequestBody& body) {
  if (pending_ >= rules_.max_pending && context_.room() == 0) {
    co_return net::HttpAnswer{503, "Service Unavailable", "503: Service Unavailable",
                              "Retry-After: 1\r\n"};
  }
  body.reserve(0);  // an empty body, too, is a text with padding behind
  const std::string_view text = body.text();
  ++pending_;
  const auto accepted = co_await context_.accept(
      Event::from_text(text).wrap("payload").with_meta(std::move(meta)), body.take_memory());
  --pending_;
  if (accepted) co_return net::HttpAnswer{.body = std::move(endpoint)};
  if (accepted.error().code() == Errc::invalid_event) co_return invalid_payload();
  co_return accepted.error();
}

}  // namespace millrace::webhook
