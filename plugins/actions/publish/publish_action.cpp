// SPDX-License-Identifier: Apache-2.0
// Sends a message to a broker, and ends when the broker has confirmed that it keeps it.

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker.hpp"
#include "millrace/event/json.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::publish_action {
namespace {

using messaging::OutgoingMessage;
using messaging::Publisher;

constexpr std::size_t kMostBrokers = 16;  // of one action, where templates make different ones

Result<const BrokerKind*> kind_of(const Settings& settings) {
  const BrokerKind* found = nullptr;
  std::vector<std::string_view> names;
  std::size_t given = 0;
  for (const auto& kind : broker_kinds()) {
    names.push_back(kind.name);
    if (!settings.has(kind.name)) continue;
    found = &kind;
    ++given;
  }
  if (given != 1)
    return fail(Errc::invalid_settings, "exactly one of {} is required", fmt::join(names, ", "));
  return found;
}

// Errors say which block they are about.
Result<Settings> block_of(const Settings& settings, const BrokerKind& kind) {
  auto block = Settings::check(kind.schema(), settings.object(kind.name));
  if (!block) return std::move(block.error()).with_context(kind.name);
  return block;
}

// Of the topic, which goes by two names.
Result<std::string> topic_of(const Settings& settings, const BrokerKind& kind) {
  if (settings.has("topic") && settings.has("routing_key"))
    return fail(Errc::invalid_settings, "topic and routing_key are two names of one setting");
  if (settings.has("topic")) return settings.string("topic");
  if (settings.has("routing_key")) return settings.string("routing_key");
  if (kind.needs_topic) return fail(Errc::invalid_settings, "topic is required");
  return std::string();
}

Result<std::vector<std::pair<std::string, std::string>>> headers_of(const Settings& settings) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : settings.object("headers")) {
    if (value.is_structured())
      return fail(Errc::invalid_settings, "header {} must be a text or a number",
                  std::string_view(name));
    headers.emplace_back(name, value.is_string() ? view(value.get_string()) : to_json(value));
  }
  return headers;
}

// What fired: the event, or the events by their names.
Value events_of(const ActionContext& context) {
  const auto& bindings = context.bindings;
  if (bindings.size() == 1 && bindings.front().first == "m")
    return bindings.front().second->value();
  Object events;
  for (const auto& [name, document] : bindings) events[name] = document->value();
  return events;
}

Result<OutgoingMessage> message_of(const Settings& settings, const BrokerKind& kind,
                                   const ActionContext& context) {
  auto topic = topic_of(settings, kind);
  if (!topic) return topic.error();
  auto headers = headers_of(settings);
  if (!headers) return headers.error();
  OutgoingMessage message{.topic = std::move(*topic), .body = {}, .headers = std::move(*headers)};
  if (settings.has("key")) message.key = settings.string("key");
  const auto body = settings.has("message") ? settings.value("message") : events_of(context);
  if (body.is_string()) {
    message.body = view(body.get_string());
  } else {
    message.body = to_json(body);
    message.content_type = "application/json";
  }
  return message;
}

class PublishAction final : public Action {
 public:
  static Result<std::unique_ptr<PublishAction>> create(const Settings& settings) {
    if (!settings.empty()) {
      const auto kind = kind_of(settings);
      if (!kind) return kind.error();
      if (auto block = block_of(settings, **kind); !block) return block.error();
    }
    return std::make_unique<PublishAction>();
  }

  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    const auto kind = kind_of(settings);
    if (!kind) co_return kind.error();
    auto message = message_of(settings, **kind, context);
    if (!message) co_return message.error();
    const auto publisher = find_publisher(settings, **kind, context);
    if (!publisher) co_return publisher.error();
    co_return co_await (*publisher)->publish(std::move(*message));
  }

 private:
  // Made at the first message to the broker; as long as the action, so that calls can share it.
  Result<Publisher*> find_publisher(const Settings& settings, const BrokerKind& kind,
                                    const ActionContext& context) {
    const auto key = fmt::format("{} {} {}", kind.name, settings.number("timeout"),
                                 to_json(Value(settings.object(kind.name))));
    if (const auto found = publishers_.find(key); found != publishers_.end())
      return found->second.get();
    if (publishers_.size() == kMostBrokers)
      return fail(Errc::invalid_settings, "more than {} brokers in one action", kMostBrokers);
    const auto block = block_of(settings, kind);
    if (!block) return block.error();
    auto made = kind.create(context.loop, context.log, *block, settings.seconds("timeout"));
    if (!made) return std::move(made.error()).with_context(kind.name);
    return publishers_.emplace(key, std::move(*made)).first->second.get();
  }

  std::map<std::string, std::unique_ptr<Publisher>> publishers_;
};

SettingsSchema schema() {
  using enum SettingType;
  SettingsSchema schema;
  auto& all = schema.settings;
  for (const auto& kind : broker_kinds()) {
    all.push_back(
        Setting(std::string(kind.name), object, std::string(kind.meaning)).secret().nullable());
  }
  all.push_back(
      Setting("topic", string, "Where it goes: the topic; AMQP: the routing key").nullable());
  all.push_back(Setting("routing_key", string, "Another name of topic").nullable());
  all.push_back(Setting("key", string, "Kafka: what chooses the partition").nullable());
  all.push_back(
      Setting("message", any, "A text, or anything else as JSON; by default the event that fired")
          .nullable());
  all.push_back(
      Setting("headers", object, "Of the message; MQTT has none").by_default(Object()).nullable());
  all.push_back(Setting("timeout", seconds, "How long until the broker must have confirmed it")
                    .by_default(30)
                    .at_least(0.1)
                    .at_most(86400));
  return schema;
}

}  // namespace
}  // namespace millrace::publish_action

MILLRACE_PLUGIN(publish_action, plugin) {
  plugin.action<millrace::publish_action::PublishAction>(
      "publish", "Sends a message to a broker: RabbitMQ, Kafka or MQTT.",
      millrace::publish_action::schema());
}
