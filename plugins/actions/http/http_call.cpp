// SPDX-License-Identifier: Apache-2.0
#include "http_call.hpp"

#include <algorithm>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::http_action {
namespace {

constexpr double kLargestAnswer = 64 << 20;
constexpr double kLongestTime = 1e6;  // seconds

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return made;
}

// A text, a number or a boolean, as it is written.
Result<std::string> text_of(std::string_view setting, const Value& value) {
  if (value.is_string()) return std::string(view(value.get_string()));
  if (value.is_structured() || value.is_null()) {
    return fail(Errc::invalid_settings, "{}: only texts, numbers and booleans can be sent",
                setting);
  }
  return to_json(value);
}

// "a=1&b=x%20y"; a list gives its name several times.
Result<std::string> encode(std::string_view setting, const Object& fields) {
  std::string encoded;
  const auto add = [&](std::string_view name, const Value& value) -> Result<> {
    const auto text = text_of(setting, value);
    if (!text) return text.error();
    if (!encoded.empty()) encoded += '&';
    encoded += net::percent_encode(name) + '=' + net::percent_encode(*text);
    return {};
  };
  for (const auto& [name, value] : fields) {
    const auto values = value.is_array() ? value.get_array() : Array(1, value);
    for (const auto& one : values) {
      if (auto added = add(std::string_view(name), one); !added) return added.error();
    }
  }
  return encoded;
}

Result<> add_query(const Settings& settings, std::string& url) {
  if (!settings.has("query")) return {};
  const auto query = encode("query", settings.object("query"));
  if (!query) return query.error();
  if (query->empty()) return {};
  const auto end = std::min(url.find('#'), url.size());
  url.insert(end, (url.find('?') < end ? "&" : "?") + *query);
  return {};
}

bool has_header(const net::HttpRequest& request, std::string_view name) {
  return std::ranges::any_of(
      request.headers, [name](const auto& header) { return lower(header.first) == lower(name); });
}

void add_header(net::HttpRequest& request, std::string name, std::string value) {
  if (!has_header(request, name)) request.headers.emplace_back(std::move(name), std::move(value));
}

Result<> add_headers(const Settings& settings, net::HttpRequest& request) {
  if (!settings.has("headers")) return {};
  for (const auto& [name, value] : settings.object("headers")) {
    auto text = text_of("headers", value);
    if (!text) return text.error();
    request.headers.emplace_back(std::string(name), std::move(*text));
  }
  return {};
}

Result<> add_body(const Settings& settings, net::HttpRequest& request) {
  const bool has_body = settings.has("body");
  if (has_body && settings.has("form"))
    return fail(Errc::invalid_settings, "body and form exclude each other");
  if (settings.has("form")) {
    auto form = encode("form", settings.object("form"));
    if (!form) return form.error();
    request.body = std::move(*form);
    add_header(request, "Content-Type", "application/x-www-form-urlencoded");
  } else if (has_body && settings.value("body").is_string()) {
    request.body = view(settings.value("body").get_string());
    add_header(request, "Content-Type", "text/plain; charset=utf-8");
  } else if (has_body) {
    request.body = to_json(settings.value("body"));
    add_header(request, "Content-Type", "application/json");
  }
  return {};
}

Result<> add_identity(const Settings& settings, net::HttpRequest& request) {
  const bool has_user = settings.has("username");
  const int ways = (settings.has("token") ? 1 : 0) + (has_user ? 1 : 0) +
                   (has_header(request, "Authorization") ? 1 : 0);
  if (ways > 1) {
    return fail(Errc::invalid_settings,
                "token, username and a header Authorization exclude each other");
  }
  if (has_user) {
    request.user_and_password = {settings.string("username"),
                                 settings.has("password") ? settings.string("password") : ""};
  } else if (settings.has("token")) {
    request.headers.emplace_back("Authorization", "Bearer " + settings.string("token"));
  }
  return {};
}

net::TlsClientFiles tls_of(const Settings& settings) {
  const auto text = [&settings](std::string_view name) {
    return settings.has(name) ? settings.string(name) : std::string();
  };
  return {.verify = settings.boolean("verify_ssl"),
          .authorities = text("cafile"),
          .certificate = text("certfile"),
          .key = text("keyfile"),
          .key_password = text("key_password")};
}

}  // namespace

SettingsSchema schema() {
  using enum SettingType;
  return {
      {Setting("url", string, "where to send the request; http or https").required(),
       Setting("method", string, "POST with a body or a form, otherwise GET")
           .one_of({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
           .nullable(),
       Setting("query", object, "parameters added to the URL; a list gives one several times")
           .nullable(),
       Setting("headers", object, "headers of the request").nullable(),
       Setting("body", any, "a text as it is, anything else as JSON").nullable(),
       Setting("form", object, "instead of body: fields as a page's form sends them").nullable(),
       Setting("username", string, "of basic authentication").nullable(),
       Setting("password", string, "of basic authentication").secret().nullable(),
       Setting("token", string, "of bearer authentication").secret().nullable(),
       Setting("timeout", seconds, "how long one attempt may take")
           .at_least(0.001)
           .at_most(kLongestTime)
           .by_default(30),
       Setting("follow_redirects", boolean, "go where the answer says; at most 10 times")
           .by_default(false),
       Setting("expect", list, "statuses that are a success, such as 200 or 2xx")
           .by_default(Array{"2xx"}),
       Setting("retries", integer, "attempts after the first")
           .at_least(0)
           .at_most(1000)
           .by_default(3),
       Setting("retry_on", list, "statuses after which it is tried again")
           .by_default(Array{429, 502, 503, 504}),
       Setting("retry_delay", seconds, "pause before the second attempt; then twice as long each")
           .at_least(0)
           .at_most(kLongestTime)
           .by_default(1),
       Setting("retry_max_delay", seconds, "longest pause, also of what Retry-After asks for")
           .at_least(0)
           .at_most(kLongestTime)
           .by_default(30),
       Setting("idempotency_header", string,
               "header that carries the call's id, the same in all its attempts; empty: none")
           .by_default("Idempotency-Key"),
       Setting("verify_ssl", boolean, "whether certificates must be valid").by_default(true),
       Setting("cafile", string, "PEM file of authorities; by default the system's").nullable(),
       Setting("certfile", string, "PEM file of a certificate to show").nullable(),
       Setting("keyfile", string, "PEM file of its key, unless it is in certfile").nullable(),
       Setting("key_password", string, "password of the key").secret().nullable(),
       Setting("max_answer", integer, "most bytes of an answer's body; a larger one is a failure")
           .at_least(0)
           .at_most(kLargestAnswer)
           .by_default(1 << 20),
       Setting("set_facts", boolean, "the answer becomes a fact").by_default(false),
       Setting("post_events", boolean, "the answer becomes an event").by_default(false),
       Setting("ruleset", string, "the rule set that gets it; by default the rule's own")
           .nullable()}};
}

Result<net::HttpRequest> request_of(const Settings& settings, std::string_view id) {
  net::HttpRequest request;
  request.url = settings.string("url");
  request.method = settings.has("method")
                       ? settings.string("method")
                       : (settings.has("body") || settings.has("form") ? "POST" : "GET");
  request.timeout = settings.seconds("timeout");
  request.follow_redirects = settings.boolean("follow_redirects");
  request.max_body = static_cast<std::size_t>(settings.integer("max_answer"));
  request.tls = tls_of(settings);
  if (auto added = add_query(settings, request.url); !added) return added.error();
  if (auto added = add_headers(settings, request); !added) return added.error();
  if (auto added = add_body(settings, request); !added) return added.error();
  if (auto added = add_identity(settings, request); !added) return added.error();
  const auto header = settings.string("idempotency_header");
  if (!header.empty() && request.method != "GET" && request.method != "HEAD")
    add_header(request, header, std::string(id));
  return request;
}

bool names_status(const Array& statuses, int status) {
  const auto number = std::to_string(status);
  return std::ranges::any_of(statuses, [&](const Value& named) {
    if (named.is_int64()) return named.get_int64() == status;
    if (!named.is_string()) return false;
    const auto text = view(named.get_string());
    return text == number ||
           (text.size() == 3 && lower(text.substr(1)) == "xx" && text.front() == number.front());
  });
}

Object event_of(const net::HttpResponse& answer) {
  Object headers;
  for (const auto& [name, value] : answer.headers)
    headers.emplace(valid_utf8(name), valid_utf8(value));
  auto json = parse_json(answer.body);
  Value body = json ? std::move(*json) : Value(valid_utf8(answer.body));
  return {
      {"http",
       {{"status", answer.status}, {"headers", std::move(headers)}, {"body", std::move(body)}}}};
}

}  // namespace millrace::http_action
