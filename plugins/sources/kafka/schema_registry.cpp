// SPDX-License-Identifier: Apache-2.0
#include "schema_registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::kafka {
namespace {

using Schema = std::shared_ptr<const AvroSchema>;

constexpr std::size_t kMostKnown = 100;
constexpr int kTries = 3;
constexpr int kOk = 200;
constexpr int kServerFault = 500;
constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::int64_t kUsualLife = 3600;  // seconds
constexpr Duration kEarlier = std::chrono::seconds(30);
constexpr Duration kPatience = std::chrono::seconds(30);

std::string text_of(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

std::string text_of(const Settings& settings, std::string_view name, std::string_view otherwise) {
  return settings.has(name) ? settings.string(name) : text_of(settings, otherwise);
}

bool is_refusal(int status) { return status == 401 || status == 403; }

bool has_host(std::string_view url) {
  const auto scheme = url.find("://");
  const auto name = url.substr(0, scheme);
  return scheme != std::string_view::npos && (name == "http" || name == "https") &&
         url.size() > scheme + 3 && url[scheme + 3] != '/' && url[scheme + 3] != ':';
}

Result<> read_credentials(const Settings& settings, RegistryOptions& options) {
  const auto basic = text_of(settings, "schema_registry_basic_auth");
  options.bearer_token = text_of(settings, "schema_registry_bearer_token");
  const auto id = text_of(settings, "schema_registry_oauth_client_id");
  if (int{!basic.empty()} + int{!options.bearer_token.empty()} + int{!id.empty()} > 1) {
    return fail(Errc::invalid_settings,
                "schema_registry_basic_auth, schema_registry_bearer_token and "
                "schema_registry_oauth_client_id exclude one another");
  }
  if (!basic.empty()) {
    const auto colon = basic.find(':');
    if (colon == std::string::npos)
      return fail(Errc::invalid_settings, "schema_registry_basic_auth must be user:password");
    options.user_and_password = {basic.substr(0, colon), basic.substr(colon + 1)};
  }
  if (id.empty()) return {};
  options.client = {.id = id,
                    .secret = text_of(settings, "schema_registry_oauth_client_secret"),
                    .token_url = text_of(settings, "schema_registry_oauth_token_url"),
                    .scope = text_of(settings, "schema_registry_oauth_scope")};
  if (options.client->secret.empty() || !has_host(options.client->token_url)) {
    return fail(Errc::invalid_settings,
                "schema_registry_oauth_client_id needs schema_registry_oauth_client_secret and "
                "schema_registry_oauth_token_url");
  }
  return {};
}

Result<Schema> parse_schema(const std::string& body) {
  const auto answer = parse_json(body);
  const auto* text =
      answer && answer->is_object() ? answer->get_object().if_contains("schema") : nullptr;
  if (text == nullptr || !text->is_string())
    return fail(Errc::invalid_event, "the registry's answer makes no sense");
  const auto parsed = parse_json(view(text->get_string()));
  // The schema of a plain type may be its bare name.
  auto schema = AvroSchema::parse(parsed ? *parsed : *text);
  if (!schema) return fail(Errc::invalid_event, "{}", schema.error().message());
  return std::make_shared<const AvroSchema>(std::move(*schema));
}

}  // namespace

Result<std::optional<RegistryOptions>> RegistryOptions::read(const Settings& settings) {
  RegistryOptions options;
  options.url = text_of(settings, "schema_registry_url");
  if (auto read = read_credentials(settings, options); !read) return read.error();
  if (options.url.empty()) return std::nullopt;
  if (!has_host(options.url)) {
    return fail(Errc::invalid_settings,
                "schema_registry_url must be a URL of http or https with a host");
  }
  while (options.url.ends_with('/')) options.url.pop_back();
  if (settings.boolean("schema_registry_ssl")) {
    options.tls = {.verify = settings.string("verify_mode") != "CERT_NONE",
                   .authorities = text_of(settings, "schema_ssl_cafile", "cafile"),
                   .certificate = text_of(settings, "schema_ssl_certfile", "certfile"),
                   .key = text_of(settings, "schema_ssl_keyfile", "keyfile"),
                   .key_password = text_of(settings, "schema_ssl_password", "password")};
  }
  return options;
}

Result<std::unique_ptr<SchemaRegistry>> SchemaRegistry::create(SourceContext& context,
                                                               const RegistryOptions& options) {
  auto client = net::HttpClient::create(context.loop());
  if (!client) return client.error();
  return std::unique_ptr<SchemaRegistry>(new SchemaRegistry(context, options, std::move(*client)));
}

SchemaRegistry::SchemaRegistry(SourceContext& context, const RegistryOptions& options,
                               std::unique_ptr<net::HttpClient> client)
    : context_(context), options_(options), client_(std::move(client)) {}

Task<Result<Schema>> SchemaRegistry::get(std::uint32_t id) {
  const auto known = std::ranges::find(known_, id, [](const auto& entry) { return entry.first; });
  if (known != known_.end()) {
    known_.splice(known_.begin(), known_, known);
    co_return known_.front().second;
  }
  const auto answer = co_await ask(id);
  if (!answer) co_return answer.error();
  if (is_refusal(answer->status)) {
    co_return fail(Errc::permission_denied, "the schema registry refuses us: status {}",
                   answer->status);
  }
  if (answer->status != kOk)
    co_return fail(Errc::not_found, "the schema registry has no schema {}: status {}", id,
                   answer->status);
  auto schema = parse_schema(answer->body);
  if (!schema) co_return schema;
  known_.emplace_front(id, *schema);
  if (known_.size() > kMostKnown) known_.pop_back();
  co_return schema;
}

Task<Result<net::HttpResponse>> SchemaRegistry::ask(std::uint32_t id) {
  Duration pause = std::chrono::seconds(1);
  for (int tries = 1;; ++tries) {
    if (auto refreshed = co_await refresh_token(); !refreshed) co_return refreshed.error();
    net::HttpRequest request{
        .url = fmt::format("{}/schemas/ids/{}", options_.url, id),
        .headers = {{"Accept", "application/vnd.schemaregistry.v1+json"}},
        .timeout = kPatience,
        .max_body = kMostBytes,
        .user_and_password = options_.user_and_password,
        .tls = options_.tls,
    };
    const auto& token = options_.client ? token_ : options_.bearer_token;
    if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
    auto answer = co_await client_->send(std::move(request));
    if (answer && answer->status < kServerFault) co_return answer;
    if (!answer && answer.error().code() == Errc::cancelled) co_return answer;
    const auto why = answer ? fmt::format("status {}", answer->status) : answer.error().message();
    context_.log().warning(context_.log_name(), "the schema registry does not answer: {}", why);
    if (tries == kTries)
      co_return fail(Errc::not_found, "the schema registry does not answer: {}", why);
    if (auto slept = co_await context_.sleep_for(pause); !slept) co_return slept.error();
    pause *= 2;
  }
}

// The first must come; when a later one does not, the old one may still do.
Task<Result<>> SchemaRegistry::refresh_token() {
  if (!options_.client) co_return Result<>();
  const auto now = context_.clock().now();
  if (!token_.empty() && now < token_ends_) co_return Result<>();
  const auto& client = *options_.client;
  auto form = fmt::format("grant_type=client_credentials&client_id={}&client_secret={}",
                          net::percent_encode(client.id), net::percent_encode(client.secret));
  if (!client.scope.empty()) form += "&scope=" + net::percent_encode(client.scope);
  const auto answer = co_await client_->send({
      .method = "POST",
      .url = client.token_url,
      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
      .body = std::move(form),
      .timeout = kPatience,
      .max_body = kMostBytes,
      .tls = options_.tls,
  });
  if (!answer && answer.error().code() == Errc::cancelled) co_return answer.error();
  const auto body =
      answer && answer->status == kOk ? parse_json(answer->body) : Result<Value>(Value(nullptr));
  const auto* token =
      body && body->is_object() ? body->get_object().if_contains("access_token") : nullptr;
  if (token == nullptr || !token->is_string()) {
    if (!token_.empty()) co_return Result<>();
    const auto why = answer ? fmt::format("status {}", answer->status) : answer.error().message();
    co_return fail(Errc::permission_denied, "no token for the schema registry: {}", why);
  }
  const auto* life = body->get_object().if_contains("expires_in");
  const auto seconds = life != nullptr && life->is_int64() ? life->get_int64() : kUsualLife;
  token_ = view(token->get_string());
  token_ends_ =
      now + std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 1'000'000)) - kEarlier;
  co_return Result<>();
}

}  // namespace millrace::kafka
