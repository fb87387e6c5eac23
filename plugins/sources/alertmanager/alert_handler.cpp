// SPDX-License-Identifier: Apache-2.0
#include "alert_handler.hpp"

#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/net/bearer.hpp"
#include "millrace/net/request_text.hpp"

namespace millrace::alertmanager {
namespace {

// Each alert's event has a copy of the headers: a small body must not fill the memory.
constexpr std::size_t kMostAlerts = 10'000;

net::HttpAnswer bad_request(std::string text) { return {400, "Bad Request", std::move(text)}; }

net::HttpAnswer not_allowed(std::string_view allow, std::string text) {
  return {405, "Method Not Allowed", std::move(text), allow};
}

// What is answered without a look at the body; nothing for a notification.
std::optional<net::HttpAnswer> answer_by_path(const net::IncomingRequest& request) {
  const auto path = net::path_of(request.target());
  const bool is_root = path == "/" || path.empty();
  const bool reads = request.method() == "GET" || request.method() == "HEAD";
  if (is_root && reads) return net::HttpAnswer{.body = "up"};
  if (is_root) {
    return not_allowed("Allow: GET,HEAD\r\n",
                       "405: Method Not Allowed: alerts are taken at a path of one segment, such "
                       "as /alerts");
  }
  if (path.find('/', 1) != std::string_view::npos) {
    return net::HttpAnswer{404, "Not Found", "404: Not Found"};
  }
  if (request.method() != "POST") return not_allowed("Allow: POST\r\n", "405: Method Not Allowed");
  return std::nullopt;
}

}  // namespace

std::optional<net::HttpAnswer> AlertHandler::refuse(const net::IncomingRequest& request) {
  if (rules_.token) {
    if (auto refusal = net::refuse_without_token(request, *rules_.token)) return refusal;
  }
  return answer_by_path(request);
}

Task<Result<net::HttpAnswer>> AlertHandler::answer(net::IncomingRequest& request) {
  const auto charset = net::charset_of(request.find("Content-Type").value_or(""));
  auto& body = request.body();
  if (charset == net::Charset::unknown ||
      (charset == net::Charset::ascii && !net::is_ascii(body.text()))) {
    co_return bad_request("Invalid JSON payload");
  }
  net::RequestBody recoded;
  if (charset == net::Charset::latin1) recoded.append(net::latin1_to_utf8(body.text()));
  auto& read = charset == net::Charset::latin1 ? recoded : body;
  read.reserve(0);  // an empty body, too, is a text with padding behind
  const auto text = read.text();
  const auto value = parse_json(text, context_.limits());
  if (!value) co_return bad_request("Invalid JSON payload");
  const auto alerts = reader_.alerts(*value);
  if (!alerts) {
    context_.log().warning(context_.log_name(), "a notification was refused: {}",
                           alerts.error().message());
    co_return bad_request(alerts.error().message());
  }
  if (alerts->size() > kMostAlerts) {
    co_return net::HttpAnswer{413, "Request Entity Too Large",
                              fmt::format("More than {} alerts", kMostAlerts)};
  }
  const Object meta{{"endpoint", net::endpoint_of(request.target())},
                    {"headers", net::headers_of(request)}};
  EventBatch batch;
  batch.events = events_of(text, *alerts, meta);
  batch.memory = read.take_memory();
  co_return co_await accept(std::move(batch));
}

std::vector<Event> AlertHandler::events_of(std::string_view text,
                                           const std::vector<const Value*>& alerts,
                                           const Object& meta) const {
  std::vector<Event> events;
  if (rules_.original == AlertRules::Original::keep)
    events.push_back(Event::from_text(text).wrap("payload").with_meta(meta));
  for (const auto* alert : alerts) {
    auto its_meta = meta;
    its_meta["hosts"] = reader_.hosts(*alert);
    events.push_back(Event(Value(Object{{"alert", *alert}})).with_meta(std::move(its_meta)));
  }
  return events;
}

Task<Result<net::HttpAnswer>> AlertHandler::accept(EventBatch batch) {
  if (pending_ >= rules_.max_pending && context_.room() == 0) {
    co_return net::HttpAnswer{503, "Service Unavailable", "503: Service Unavailable",
                              "Retry-After: 1\r\n"};
  }
  const auto count = batch.events.size();
  std::vector<Rejection> refused;
  if (count > 0) {
    ++pending_;
    auto accepted = co_await context_.accept(std::move(batch));
    --pending_;
    if (!accepted) co_return accepted.error();
    refused = std::move(*accepted);
  }
  if (!refused.empty()) {
    co_return bad_request(fmt::format("{} of {} events were refused", refused.size(), count));
  }
  co_return net::HttpAnswer{202, "Accepted", "Received"};
}

}  // namespace millrace::alertmanager
