// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "in_flight.hpp"
#include "millrace/event/event.hpp"
#include "text_decoder.hpp"

namespace millrace::kafka {

/// What comes with a body: where it stood, and what its sender says of it. Becomes the event's
/// `meta`.
class MessageMeta final : public MetaMaker {
 public:
  struct Place {
    AssignmentPtr assignment;
    std::int64_t offset = 0;
    std::int64_t timestamp = -1;  ///< milliseconds; -1: not known
  };
  using Header = std::pair<std::string, std::optional<std::string>>;

  MessageMeta(Place place, const TextDecoder& encoding)
      : place_(std::move(place)), encoding_(&encoding) {}

  const Place& place() const { return place_; }
  void set_key(std::string key) { key_ = std::move(key); }
  void add_header(Header header) { headers_.push_back(std::move(header)); }
  /// JSON that may name the message; stays where it is.
  void set_body_text(std::string_view json) { body_text_ = json; }
  void set_body_uuid(Value uuid) { body_uuid_ = std::move(uuid); }

  Object make_meta() const override;

 private:
  std::optional<Object> decoded_headers() const;
  Value claimed_uuid(const std::optional<Object>& headers) const;

  Place place_;
  const TextDecoder* encoding_;
  std::optional<std::string> key_;
  std::vector<Header> headers_;
  std::string_view body_text_;
  Value body_uuid_;
};

/// What Python takes for false.
bool is_falsy(const Value& value);

}  // namespace millrace::kafka
