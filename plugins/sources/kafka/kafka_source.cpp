// SPDX-License-Identifier: Apache-2.0
// Reads messages from topics of Kafka.

#include <memory>
#include <utility>

#include "consumer.hpp"
#include "kafka_options.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::kafka {
namespace {

class KafkaSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    auto options = KafkaOptions::read(settings);
    if (!options) return options.error();
    return std::unique_ptr<Source>(std::make_unique<KafkaSource>(std::move(*options)));
  }

  explicit KafkaSource(KafkaOptions options) : options_(std::move(options)) {}

  Task<Result<>> run(SourceContext& context) override {
    Consumer consumer(context, options_);
    co_return co_await consumer.run();
  }

 private:
  const KafkaOptions options_;
};

}  // namespace
}  // namespace millrace::kafka

MILLRACE_PLUGIN(kafka_source, plugin) {
  plugin.source<millrace::kafka::KafkaSource>("kafka", "Reads messages from topics of Kafka.",
                                              millrace::kafka::KafkaOptions::schema());
}
