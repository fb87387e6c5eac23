// SPDX-License-Identifier: Apache-2.0
// Makes events of the messages of MQTT topics; each is acknowledged when all that it caused has
// ended.

#include <memory>
#include <utility>

#include "millrace/loop/backoff.hpp"
#include "millrace/plugin/plugin.hpp"
#include "subscriber.hpp"

namespace millrace::mqtt_source {
namespace {

using messaging::BodyFormat;
using messaging::MqttOptions;
using messaging::MqttTopic;

constexpr double kLargestMessage = 16 << 20;  // what the engine takes as one event
constexpr int kHighestQos = 2;
constexpr std::uint16_t kTlsPort = 8883;

std::string text_of(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

MqttOptions connection_of(const Settings& settings) {
  MqttOptions options{
      .host = settings.string("host"),
      .client_id = text_of(settings, "client_id"),
      .clean_session = settings.boolean("clean_session"),
      .username = text_of(settings, "username"),
      .password = text_of(settings, "password"),
      .keepalive = settings.seconds("keepalive"),
      .connect_timeout = settings.seconds("connect_timeout"),
      .max_message = static_cast<std::size_t>(settings.integer("max_message_size"))};
  if (settings.boolean("tls")) {
    options.port = kTlsPort;
    options.tls = {.verify = settings.boolean("verify"),
                   .check_hostname = settings.boolean("check_hostname"),
                   .ca_file = text_of(settings, "ca_file"),
                   .certificate_file = text_of(settings, "cert_file"),
                   .key_file = text_of(settings, "key_file"),
                   .key_password = text_of(settings, "key_password")};
  }
  if (settings.has("port")) options.port = static_cast<std::uint16_t>(settings.integer("port"));
  return options;
}

Result<MqttTopic> topic_of(const Value& entry, int usual_qos) {
  const auto wrong = fail(Errc::invalid_settings,
                          "topics must be texts, or objects {{topic: text, qos: 0, 1 or 2}}");
  MqttTopic topic{.filter = {}, .qos = usual_qos};
  const Value* name = &entry;
  if (const auto* object = entry.if_object()) {
    name = object->if_contains("topic");
    const auto* qos = object->if_contains("qos");
    if (object->size() != (qos == nullptr ? 1U : 2U)) return wrong;
    if (qos != nullptr) {
      if (!qos->is_int64() || qos->get_int64() < 0 || qos->get_int64() > kHighestQos) return wrong;
      topic.qos = static_cast<int>(qos->get_int64());
    }
  }
  if (name == nullptr || !name->is_string() || name->get_string().empty()) return wrong;
  topic.filter = view(name->get_string());
  return topic;
}

Result<MqttSettings> read_settings(const Settings& settings) {
  MqttSettings read{.connection = connection_of(settings), .topics = {}};
  const auto qos = static_cast<int>(settings.integer("qos"));
  if (settings.has("topic")) read.topics.push_back({settings.string("topic"), qos});
  for (const auto& entry : settings.list("topics")) {
    auto topic = topic_of(entry, qos);
    if (!topic) return topic.error();
    read.topics.push_back(std::move(*topic));
  }
  if (read.topics.empty()) return fail(Errc::invalid_settings, "topic or topics is required");
  if (!read.connection.clean_session && read.connection.client_id.empty())
    return fail(Errc::invalid_settings, "clean_session: false needs a client_id");
  if (!settings.boolean("tls") && (settings.has("ca_file") || settings.has("cert_file")))
    return fail(Errc::invalid_settings, "ca_file and cert_file need tls: true");
  const auto format = settings.string("format");
  if (format == "json") read.format = BodyFormat::json;
  if (format == "text") read.format = BodyFormat::text;
  return read;
}

class MqttSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    auto read = read_settings(settings);
    if (!read) return read.error();
    return std::unique_ptr<Source>(std::make_unique<MqttSource>(std::move(*read)));
  }

  explicit MqttSource(MqttSettings settings) : settings_(std::move(settings)) {}

  Task<Result<>> run(SourceContext& context) override {
    context.status().link = SourceStatus::Link::connecting;
    while (true) {
      Subscriber subscriber(context, settings_);
      auto started = co_await subscriber.start();
      if (!started && is_final(started.error())) co_return started;
      if (started) {
        connected(context);
        if (auto read = co_await subscriber.run(); !read) co_return read;
      }
      context.status().link = SourceStatus::Link::retrying;
      if (!std::exchange(told_, true)) {
        context.log().warning(context.log_name(), "{}; it is tried again",
                              (started ? subscriber.why() : started.error()).message());
      }
      if (auto slept = co_await context.sleep_for(backoff_.next()); !slept) co_return slept;
    }
  }

 private:
  void connected(SourceContext& context) {
    backoff_.reset();
    context.status().connected();
    context.log().debug(context.log_name(), "reads {} topics", settings_.topics.size());
    if (std::exchange(told_, false)) context.log().info(context.log_name(), "connected again");
  }

  // Not to be mended by waiting.
  static bool is_final(const Error& why) {
    return why.code() == Errc::cancelled || why.code() == Errc::permission_denied ||
           why.code() == Errc::invalid_settings;
  }

  const MqttSettings settings_;
  Backoff backoff_{{}};
  bool told_ = false;
};

SettingsSchema schema() {
  using enum SettingType;
  return {
      .settings = {
          Setting("host", string, "The broker").by_default("localhost"),
          Setting("port", integer, "Its port; by default 1883, with TLS 8883")
              .at_least(1)
              .at_most(65535)
              .nullable(),
          Setting("topic", string, "What to subscribe to; + and # are wildcards").nullable(),
          Setting("topics", list, "Several: texts, or objects {topic: text, qos: number}")
              .by_default(Array())
              .nullable(),
          Setting("qos", integer, "Of topics that do not say it: 0, 1 or 2")
              .by_default(1)
              .at_least(0)
              .at_most(kHighestQos),
          Setting("client_id", string, "Under which name the broker keeps the session").nullable(),
          Setting("clean_session", boolean,
                  "false: the broker keeps messages while the engine is away; needs client_id")
              .by_default(true),
          Setting("username", string, "By default none").nullable(),
          Setting("password", string, "By default none").secret().nullable(),
          Setting("format", string,
                  "json: bodies that are not JSON are refused; text: bodies are never read as "
                  "JSON; auto: as JSON where they are")
              .one_of({"auto", "json", "text"})
              .by_default("auto"),
          Setting("max_message_size", integer, "Bytes of a body; a larger one is refused")
              .by_default(1 << 20)
              .at_least(1)
              .at_most(kLargestMessage),
          Setting("keepalive", seconds,
                  "A broker that is silent for one and a half times as long is gone; 0: never")
              .by_default(30)
              .at_least(0)
              .at_most(65535),
          Setting("connect_timeout", seconds, "How long connecting may take, all told")
              .by_default(10)
              .at_least(0.1)
              .at_most(3600),
          Setting("tls", boolean, "Speak TLS").by_default(false),
          Setting("ca_file", string,
                  "PEM file of the authorities to trust; by default those of the system")
              .nullable(),
          Setting("cert_file", string, "PEM file of the client's certificate").nullable(),
          Setting("key_file", string, "PEM file of its key, unless it is in cert_file").nullable(),
          Setting("key_password", string, "Password of the key").secret().nullable(),
          Setting("verify", boolean, "The broker's certificate must be valid").by_default(true),
          Setting("check_hostname", boolean, "And be that of its host").by_default(true),
      }};
}

}  // namespace
}  // namespace millrace::mqtt_source

MILLRACE_PLUGIN(mqtt_source, plugin) {
  plugin.source<millrace::mqtt_source::MqttSource>(
      "mqtt", "Makes events of the messages of MQTT topics.", millrace::mqtt_source::schema());
}
