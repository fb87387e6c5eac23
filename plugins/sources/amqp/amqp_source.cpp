// SPDX-License-Identifier: Apache-2.0
// Makes events of the messages of a queue; each is acknowledged when all that it caused has ended.

#include <memory>
#include <utility>

#include "amqp_settings.hpp"
#include "consumer.hpp"
#include "millrace/loop/backoff.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::amqp_source {
namespace {

class AmqpSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    auto read = read_settings(settings);
    if (!read) return read.error();
    return std::unique_ptr<Source>(std::make_unique<AmqpSource>(std::move(*read)));
  }

  explicit AmqpSource(AmqpSettings settings) : settings_(std::move(settings)) {}

  Task<Result<>> run(SourceContext& context) override {
    context.status().link = SourceStatus::Link::connecting;
    while (true) {
      Consumer consumer(context, settings_);
      auto started = co_await consumer.start();
      if (!started && is_final(started.error())) co_return started;
      if (started) {
        connected(context);
        if (auto read = co_await consumer.run(); !read) co_return read;
      }
      context.status().link = SourceStatus::Link::retrying;
      if (!std::exchange(told_, true)) {
        context.log().warning(context.log_name(), "{}; it is tried again",
                              (started ? consumer.why() : started.error()).message());
      }
      if (auto slept = co_await context.sleep_for(backoff_.next()); !slept) co_return slept;
    }
  }

 private:
  void connected(SourceContext& context) {
    backoff_.reset();
    context.status().connected();
    context.log().debug(context.log_name(), "reads {}", settings_.queue.name);
    if (std::exchange(told_, false)) context.log().info(context.log_name(), "connected again");
  }

  // Not to be mended by waiting. A queue that is not there may be: of a cluster, its node is down.
  static bool is_final(const Error& why) {
    return why.code() == Errc::cancelled || why.code() == Errc::permission_denied ||
           why.code() == Errc::invalid_settings;
  }

  const AmqpSettings settings_;
  Backoff backoff_{{}};
  bool told_ = false;
};

}  // namespace
}  // namespace millrace::amqp_source

MILLRACE_PLUGIN(amqp_source, plugin) {
  plugin.source<millrace::amqp_source::AmqpSource>(
      "amqp", "Makes events of the messages of a RabbitMQ queue.", millrace::amqp_source::schema());
}
