// SPDX-License-Identifier: Apache-2.0
// Receives from a queue or a subscription of Azure Service Bus, again and again over new
// connections.

#include <memory>
#include <string>
#include <utility>

#include "connection_string.hpp"
#include "millrace/loop/backoff.hpp"
#include "millrace/plugin/plugin.hpp"
#include "receiver.hpp"
#include "sas_token.hpp"

namespace millrace::azure_service_bus {
namespace {

using namespace std::chrono_literals;

constexpr int kMostRefusals = 5;  // in a row, before the key or the queue is taken for wrong

std::string text_of(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

// "queue", "topic/Subscriptions/name".
Result<std::string> address_of(const Settings& settings, const std::string& entity) {
  const auto queue = text_of(settings, "queue_name");
  const auto topic = text_of(settings, "topic_name");
  const auto subscription = text_of(settings, "subscription_name");
  if (topic.empty() != subscription.empty())
    return fail(Errc::invalid_settings, "topic_name and subscription_name go together");
  if (!queue.empty() && !topic.empty())
    return fail(Errc::invalid_settings, "queue_name and topic_name exclude each other");
  const auto& named = topic.empty() ? queue : topic;
  if (named.empty() && entity.empty())
    return fail(Errc::invalid_settings, "queue_name is required, or topic_name");
  if (!named.empty() && !entity.empty() && named != entity && !named.starts_with(entity + "/"))
    return fail(Errc::invalid_settings, "conn_str is for {}, not for {}", entity, named);
  if (!topic.empty()) return topic + "/Subscriptions/" + subscription;
  return named.empty() ? entity : named;
}

class AzureServiceBusSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    auto peer = parse_connection_string(settings.string("conn_str"));
    if (!peer) return peer.error();
    auto address = address_of(settings, peer->entity);
    if (!address) return address.error();
    using enum ReceiverOptions::Authorization;
    const auto authorization = settings.string("authorization") == "plain" ? plain : cbs;
    if (authorization == plain && peer->key.empty())
      return fail(Errc::invalid_settings, "authorization plain needs a SharedAccessKey");
    return std::unique_ptr<Source>(std::make_unique<AzureServiceBusSource>(
        ReceiverOptions{.peer = std::move(*peer),
                        .address = std::move(*address),
                        .authorization = authorization,
                        .prefetch = static_cast<std::size_t>(settings.integer("prefetch")),
                        .token_lifetime = settings.seconds("token_lifetime"),
                        .idle_timeout = settings.seconds("idle_timeout"),
                        .authorities = text_of(settings, "cafile")}));
  }

  explicit AzureServiceBusSource(ReceiverOptions options) : options_(std::move(options)) {}

  Task<Result<>> run(SourceContext& context) override {
    context.status().link = SourceStatus::Link::connecting;
    while (true) {
      const auto receiver = std::make_shared<Receiver>(context, options_);
      const auto [why, is_final] = co_await receiver->run();
      if (is_final) co_return why;
      if (receiver->was_up()) {
        backoff_.reset();
        refusals_ = 0;
        told_ = false;
      }
      context.status().link = SourceStatus::Link::retrying;
      if (cannot_work(why)) co_return why;
      if (!std::exchange(told_, true))
        context.log().warning(context.log_name(), "{}; tries again", why.message());
      if (auto slept = co_await context.sleep_for(backoff_.next()); !slept) co_return slept.error();
    }
  }

 private:
  // A key that was changed, or a queue that is made anew, is refused for a moment only.
  bool cannot_work(const Error& why) {
    if (why.code() == Errc::invalid_settings || why.code() == Errc::cancelled) return true;
    if (why.code() != Errc::permission_denied && why.code() != Errc::not_found) return false;
    return ++refusals_ >= kMostRefusals;
  }

  const ReceiverOptions options_;
  Backoff backoff_{{}};
  int refusals_ = 0;
  bool told_ = false;  // that it is lost
};

SettingsSchema schema() {
  using enum SettingType;
  return {
      .settings = {
          Setting("conn_str", string, "Connection string of the namespace, or of the queue")
              .required()
              .secret(),
          Setting("queue_name", string, "Queue; QUEUE/$DeadLetterQueue for what it has given up")
              .nullable(),
          Setting("topic_name", string, "Instead of queue_name: topic").nullable(),
          Setting("subscription_name", string, "Subscription of the topic").nullable(),
          Setting("prefetch", integer, "Messages that may be here and not settled")
              .by_default(10)
              .at_least(1)
              .at_most(10000),
          Setting("authorization", string,
                  "cbs: signed tokens; plain: SASL PLAIN with the key's name and the key")
              .by_default("cbs")
              .one_of({"cbs", "plain"}),
          Setting("cafile", string, "PEM file of authorities, instead of the system's").nullable(),
          Setting("token_lifetime", seconds,
                  "How long a signed token is valid; a new one is put when a quarter is left")
              .by_default(3600)
              .at_least(1)
              .at_most(86400 * 365.0),
          Setting("idle_timeout", seconds, "A peer that is silent for longer has gone")
              .by_default(30)
              .at_least(1)
              .at_most(3600),
          Setting("logging_enable", boolean, "Accepted for old rulebooks; has no effect")
              .by_default(true)
              .nullable(),
          Setting("feedback", boolean,
                  "Accepted for old rulebooks: messages are always settled "
                  "only when their actions have ended")
              .nullable(),
          Setting("feedback_timeout", number, "Accepted for old rulebooks; has no effect")
              .nullable(),
      }};
}

}  // namespace
}  // namespace millrace::azure_service_bus

MILLRACE_PLUGIN(azure_service_bus_source, plugin) {
  plugin.source<millrace::azure_service_bus::AzureServiceBusSource>(
      "azure_service_bus", "Receives from queues and subscriptions of Azure Service Bus.",
      millrace::azure_service_bus::schema(), {"azure.azcollection.azure_service_bus"});
}
