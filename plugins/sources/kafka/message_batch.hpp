// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "body_reader.hpp"
#include "in_flight.hpp"
#include "message.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::kafka {

struct FreeMessage {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
/// A message as the library gives it, and of which assignment it is.
struct RawMessage {
  std::unique_ptr<rd_kafka_message_t, FreeMessage> message;
  AssignmentPtr assignment;
};

/// Messages on their way to become events: keeps the texts and what metas are made of.
class MessageBatch {
 public:
  /// Reads what `raw` holds and lets go of it. Errors: those of BodyReader::read().
  static Task<Result<EventBatch>> make(std::vector<RawMessage>& raw, BodyReader& reader,
                                       SourceContext& context);

 private:
  MessageBatch(std::span<const RawMessage> raw, const TextDecoder& encoding);
  std::string_view keep(std::string_view bytes);

  std::unique_ptr<char[]> room_;
  std::size_t used_ = 0;
  const TextDecoder encoding_;
  std::vector<MessageMeta> metas_;
};

}  // namespace millrace::kafka
