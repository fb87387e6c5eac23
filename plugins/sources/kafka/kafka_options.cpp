// SPDX-License-Identifier: Apache-2.0
#include "kafka_options.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/regex.hpp"
#include "millrace/event/yaml.hpp"

namespace millrace::kafka {
namespace {

std::string text_of(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

Result<> read_topics(const Settings& settings, KafkaOptions& options) {
  const int given =
      int{settings.has("topic")} + int{settings.has("topics")} + int{settings.has("topic_pattern")};
  if (given != 1) {
    return fail(Errc::invalid_settings,
                "Exactly one of topic, topics, or topic_pattern must be provided.");
  }
  if (settings.has("topic")) options.topics = {settings.string("topic")};
  if (settings.has("topics")) options.topics = settings.strings("topics");
  if (settings.has("topic_pattern")) {
    options.topic_pattern = settings.string("topic_pattern");
    auto pattern = Regex::compile(options.topic_pattern, {.anchor = Regex::Anchor::start});
    if (!pattern) {
      return fail(Errc::invalid_settings, "topic_pattern is not a regular expression: {}",
                  pattern.error().message());
    }
    return {};
  }
  if (options.topics.empty()) return fail(Errc::invalid_settings, "topics must not be empty");
  for (const auto& topic : options.topics) {
    if (topic.empty()) return fail(Errc::invalid_settings, "a topic must not be empty");
  }
  return {};
}

Result<> read_tls(const Settings& settings, messaging::KafkaSecurity& security) {
  security.ca_file = text_of(settings, "cafile");
  security.certificate_file = text_of(settings, "certfile");
  security.key_file = text_of(settings, "keyfile");
  security.key_password = text_of(settings, "password");
  const bool has_files =
      !security.ca_file.empty() || !security.certificate_file.empty() || !security.key_file.empty();
  if (has_files && !security.has_tls()) {
    const auto at = security.protocol.find("PLAINTEXT");
    security.protocol.replace(at, std::string_view("PLAINTEXT").size(), "SSL");
  }
  const auto verify = settings.string("verify_mode");
  if (verify != "CERT_NONE" && verify != "CERT_OPTIONAL" && verify != "CERT_REQUIRED")
    return fail(Errc::invalid_settings, "Invalid verify_mode option: {}", verify);
  security.check_hostname = settings.boolean("check_hostname");
  security.verify = verify != "CERT_NONE";
  if (security.has_tls() && security.check_hostname && !security.verify) {
    return fail(Errc::invalid_settings,
                "Cannot set verify_mode to CERT_NONE when check_hostname is enabled.");
  }
  return {};
}

Result<> read_security(const Settings& settings, KafkaOptions& options) {
  auto& security = options.security;
  security.protocol = settings.string("security_protocol");
  if (auto read = read_tls(settings, security); !read) return read;
  security.sasl_mechanism = settings.string("sasl_mechanism");
  security.username = text_of(settings, "sasl_plain_username");
  security.password = text_of(settings, "sasl_plain_password");
  if (settings.has("sasl_kerberos_service_name"))
    security.kerberos_service = settings.string("sasl_kerberos_service_name");
  if (settings.has("sasl_kerberos_domain_name")) {
    options.warnings.emplace_back(
        "sasl_kerberos_domain_name is not used: the name of a broker's host is that of the "
        "Kerberos service's host");
  }
  security.token_url = text_of(settings, "sasl_oauth_token_url");
  security.token_client = text_of(settings, "sasl_oauth_client_id");
  security.token_secret = text_of(settings, "sasl_oauth_client_secret");
  security.token_scope = text_of(settings, "sasl_oauth_scope");
  const auto settings_made =
      messaging::kafka_client_settings(options.brokers, options.client_id, security);
  if (!settings_made) return settings_made.error();
  return {};
}

std::filesystem::path expand_home(const std::string& path) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || !(path == "~" || path.starts_with("~/"))) return path;
  return home + path.substr(1);
}

Result<> read_avro(const Settings& settings, KafkaOptions& options) {
  options.is_avro = settings.string("message_format") == "avro";
  auto registry = RegistryOptions::read(settings);
  if (!registry) return registry.error();
  options.registry = std::move(*registry);
  if (!settings.has("avro_schema_file")) return {};
  const Value& given = settings.value("avro_schema_file");
  Value schema = given;
  if (given.is_string()) {
    const auto path = expand_home(std::string(view(given.as_string())));
    auto text = read_file(path);
    if (!text) return Error(text.error()).with_context("avro_schema_file");
    auto parsed = parse_yaml_value(*text, path.string());
    if (!parsed) return parsed.error();
    schema = std::move(*parsed);
  }
  if (!schema.is_object())
    return fail(Errc::invalid_settings, "avro_schema_file must hold an object");
  auto made = AvroSchema::parse(schema);
  if (!made) return Error(made.error()).with_context("avro_schema_file");
  options.avro_schema = std::make_shared<const AvroSchema>(std::move(*made));
  return {};
}

}  // namespace

Result<KafkaOptions> KafkaOptions::read(const Settings& settings) {
  KafkaOptions options;
  const auto host = settings.string("host");
  const bool is_v6 = host.contains(':') && !host.starts_with('[');
  options.brokers = {
      fmt::format("{}{}{}:{}", is_v6 ? "[" : "", host, is_v6 ? "]" : "", settings.integer("port"))};
  options.client_id = settings.string("client_id");
  if (auto read = read_topics(settings, options); !read) return read.error();
  options.metadata_max_age = std::chrono::milliseconds(settings.integer("metadata_max_age_ms"));
  options.group = text_of(settings, "group_id");
  options.start = settings.string("offset");
  options.session_timeout = settings.seconds("session_timeout");
  options.request_timeout = settings.seconds("request_timeout");
  options.max_in_flight = static_cast<std::size_t>(settings.integer("max_in_flight"));
  auto encoding = TextDecoder::of(settings.string("encoding"));
  if (!encoding) return encoding.error();
  options.encoding = std::move(*encoding);
  if (auto read = read_security(settings, options); !read) return read.error();
  if (auto read = read_avro(settings, options); !read) return read.error();
  return options;
}

SettingsSchema KafkaOptions::schema() {
  using enum SettingType;
  const auto text = [](std::string name, std::string meaning) {
    return Setting(std::move(name), string, std::move(meaning)).nullable();
  };
  const auto secret = [&](std::string name, std::string meaning) {
    return text(std::move(name), std::move(meaning)).secret();
  };
  return {
      .settings = {
          Setting("host", string, "host of a broker; the others are learnt from it").required(),
          Setting("port", integer, "its port").required().at_least(1).at_most(65535),
          text("topic", "the topic to read"),
          Setting("topics", strings, "instead: several of them").nullable(),
          text("topic_pattern",
               "instead: all whose names begin with what this regular expression matches"),
          Setting("metadata_max_age_ms", integer,
                  "milliseconds after which new topics and partitions are looked for")
              .by_default(300'000)
              .at_least(10)
              .at_most(3'600'000),
          text("group_id",
               "the group, which shares the topics' partitions and remembers how far "
               "it has read; none: all partitions are read, nothing is remembered"),
          Setting("offset", string, "where to begin when nothing is remembered")
              .one_of({"latest", "earliest"})
              .by_default("latest"),
          Setting("encoding", string, "of texts: bodies, keys and values of headers")
              .by_default("utf-8"),
          Setting("client_id", string, "the name by which brokers know us").by_default("millrace"),
          Setting("max_in_flight", integer,
                  "messages that may be acted upon at a time; after a crash they come again")
              .by_default(10'000)
              .at_least(1)
              .at_most(1'000'000),
          Setting("session_timeout", seconds,
                  "how long a group waits for a member that does not answer")
              .by_default(10)
              .at_least(1)
              .at_most(3600),
          Setting("request_timeout", seconds,
                  "how long a broker may be silent before the connection is given up")
              .by_default(30)
              .at_least(2)
              .at_most(300),
          Setting("security_protocol", string, "how brokers are spoken to")
              .one_of({"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"})
              .by_default("PLAINTEXT"),
          text("cafile", "PEM file of the authorities to trust; turns TLS on"),
          text("certfile", "PEM file of our certificate; turns TLS on"),
          text("keyfile", "PEM file of its key, unless it is in certfile"),
          secret("password", "of the key"),
          Setting("check_hostname", boolean, "whether a certificate must be its host's")
              .by_default(true),
          Setting("verify_mode", string,
                  "CERT_REQUIRED and CERT_OPTIONAL: a broker's certificate must be valid; "
                  "CERT_NONE: it need not")
              .by_default("CERT_REQUIRED"),
          Setting("sasl_mechanism", string, "how we show who we are")
              .one_of({"PLAIN", "GSSAPI", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"})
              .by_default("PLAIN"),
          text("sasl_plain_username", "the name, for PLAIN and SCRAM"),
          secret("sasl_plain_password", "the password, for PLAIN and SCRAM"),
          text("sasl_kerberos_service_name", "for GSSAPI; kafka if not given"),
          text("sasl_kerberos_domain_name", "taken, and without effect"),
          text("sasl_oauth_token_url", "for OAUTHBEARER: where tokens are had"),
          text("sasl_oauth_client_id", "for OAUTHBEARER: whose tokens"),
          secret("sasl_oauth_client_secret", "for OAUTHBEARER: the secret of that client"),
          text("sasl_oauth_scope", "for OAUTHBEARER: the scope to ask for"),
          Setting("feedback", boolean,
                  "taken for the original's sake: messages are committed when they are settled, "
                  "always")
              .by_default(false),
          Setting("feedback_timeout", integer, "taken, and without effect")
              .by_default(120)
              .at_least(0),
          Setting("message_format", string, "what bodies are")
              .one_of({"json", "avro"})
              .by_default("json"),
          Setting("avro_schema_file", any, "file with the schema of bodies, or the schema")
              .nullable(),
          text("schema_registry_url", "where the schemas are that bodies name"),
          secret("schema_registry_basic_auth", "user:password for the registry"),
          secret("schema_registry_bearer_token", "instead: a token"),
          text("schema_registry_oauth_client_id", "instead: whose tokens to get"),
          secret("schema_registry_oauth_client_secret", "the secret of that client"),
          text("schema_registry_oauth_token_url", "where to get them"),
          text("schema_registry_oauth_scope", "the scope to ask for"),
          Setting("schema_registry_ssl", boolean,
                  "whether the registry's connection uses the files below")
              .by_default(true),
          text("schema_ssl_cafile", "for the registry; cafile if not given"),
          text("schema_ssl_certfile", "for the registry; certfile if not given"),
          text("schema_ssl_keyfile", "for the registry; keyfile if not given"),
          secret("schema_ssl_password", "for the registry; password if not given"),
      }};
}

}  // namespace millrace::kafka
