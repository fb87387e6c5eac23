// SPDX-License-Identifier: Apache-2.0
// Reads a queue of Amazon SQS.

#include <memory>
#include <string>
#include <utility>

#include "millrace/plugin/plugin.hpp"
#include "queue_reader.hpp"

namespace millrace::aws_sqs_queue {
namespace {

std::string text_of(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

class AwsSqsQueueSource final : public Source {
 public:
  explicit AwsSqsQueueSource(const Settings& settings)
      : options_{.name = settings.string("name"),
                 .owner = text_of(settings, "queue_owner_aws_account_id"),
                 .account = {.region = text_of(settings, "region"),
                             .endpoint_url = text_of(settings, "endpoint_url"),
                             .access_key = text_of(settings, "access_key"),
                             .secret_key = text_of(settings, "secret_key"),
                             .session_token = text_of(settings, "session_token"),
                             .profile = text_of(settings, "profile")},
                 .wait = settings.integer("delay_seconds"),
                 .at_once = static_cast<std::size_t>(settings.integer("max_number_of_messages")),
                 .prefetch = static_cast<std::size_t>(settings.integer("prefetch"))} {
    if (settings.has("visibility_timeout"))
      options_.hidden_seconds = settings.integer("visibility_timeout");
  }

  Task<Result<>> run(SourceContext& context) override {
    auto http = net::HttpClient::create(context.loop());
    if (!http) co_return http.error();
    QueueReader reader(context, **http, options_);
    co_return co_await reader.run();
  }

 private:
  QueueOptions options_;
};

SettingsSchema schema() {
  using enum SettingType;
  return {
      .settings = {
          Setting("name", string, "Name of the queue").required(),
          Setting("region", string, "Region; by default as Amazon's tools find it").nullable(),
          Setting("endpoint_url", string, "URL of the service, instead of the region's").nullable(),
          Setting("access_key", string, "Key; by default as Amazon's tools find it").nullable(),
          Setting("secret_key", string, "Secret of the key").secret().nullable(),
          Setting("session_token", string, "Token of a key that is valid for a while")
              .secret()
              .nullable(),
          Setting("profile", string, "Section of ~/.aws/credentials and ~/.aws/config").nullable(),
          Setting("queue_owner_aws_account_id", string, "Account that owns the queue").nullable(),
          Setting("delay_seconds", integer, "How long the service waits for messages")
              .by_default(2)
              .at_least(0)
              .at_most(20),
          Setting("max_number_of_messages", integer, "Messages that are asked for at once")
              .by_default(1)
              .at_least(1)
              .at_most(10),
          Setting("prefetch", integer, "Messages that may be here and not deleted")
              .by_default(10)
              .at_least(1)
              .at_most(10000),
          Setting(
              "visibility_timeout", integer,
              "Seconds that a message is hidden from others, renewed for as long as it is here; "
              "null: as the queue says, never renewed")
              .by_default(60)
              .at_least(2)
              .at_most(43200)
              .nullable(),
          Setting("feedback", boolean,
                  "Accepted for old rulebooks: messages are always deleted "
                  "only when their actions have ended")
              .nullable(),
          Setting("feedback_timeout", number, "Accepted for old rulebooks; has no effect")
              .nullable(),
      }};
}

}  // namespace
}  // namespace millrace::aws_sqs_queue

MILLRACE_PLUGIN(aws_sqs_queue_source, plugin) {
  plugin.source<millrace::aws_sqs_queue::AwsSqsQueueSource>(
      "aws_sqs_queue", "Reads a queue of Amazon SQS.", millrace::aws_sqs_queue::schema(),
      {"amazon.aws.aws_sqs_queue"});
}
