// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "millrace/messaging/chunked_message.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::pg_listener {

/// Makes events of the payloads of notifications. What is none is refused, and nothing else
/// suffers.
class NotificationReader {
 public:
  explicit NotificationReader(SourceContext& context) : context_(context) {}

  /// The events of these payloads, in order; of a list, one for each element.
  EventBatch read(std::vector<std::string> payloads);
  /// Gives up messages whose rest has not come for long.
  void expire();
  /// Gives up all messages that are not whole.
  void forget();

 private:
  void take(std::string& payload, std::vector<Event>& events);
  void take_chunk(const Object& chunk, std::vector<Event>& events);
  void take_list(std::string_view json, std::vector<Event>& events);
  void refuse(const Error& error) { context_.refuse(count_, error); }
  void tell_dropped();

  SourceContext& context_;
  messaging::ChunkAssembler chunks_;
  std::uint64_t count_ = 0;  ///< of notifications so far: the position in messages
};

}  // namespace millrace::pg_listener
