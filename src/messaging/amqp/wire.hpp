// SPDX-License-Identifier: Apache-2.0
// Frames of AMQP 0-9-1: rabbitmq-c knows what is in them, nothing here knows where they come from.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace::messaging::amqp {

/// Bytes of a frame, all told. Tables are decoded by recursion, so a larger frame would need a
/// larger stack.
inline constexpr std::uint32_t kFrameMax = 65536;

inline std::string_view view(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}
/// The text must outlive what it is put into.
inline amqp_bytes_t bytes_of(std::string_view text) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the library does not write to it
  return {text.size(), const_cast<char*>(text.data())};
}

/// Memory of what is decoded; empty again after clear().
class Pool {
 public:
  Pool() { init_amqp_pool(&pool_, 4096); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { empty_amqp_pool(&pool_); }
  amqp_pool_t* get() { return &pool_; }
  void clear() { recycle_amqp_pool(&pool_); }

 private:
  amqp_pool_t pool_{};
};

struct Frame {
  std::uint8_t type = 0;  ///< AMQP_FRAME_METHOD…
  std::uint16_t channel = 0;
  std::string_view payload;
};

/// The first frame of `bytes`, which loses it; nothing if it is not whole yet. Errors: corrupt.
Result<std::optional<Frame>> take_frame(std::string_view& bytes);

/// The method of a frame's payload. Errors: corrupt.
Result<amqp_method_t> read_method(std::string_view payload, Pool& pool);

struct ContentHeader {
  std::uint64_t body_size = 0;
  Object properties;
};
/// Errors: corrupt.
Result<ContentHeader> read_header(std::string_view payload, Pool& pool);

/// A JSON object as a table, which lives as long as this.
class Table {
 public:
  explicit Table(const Object& entries) : table_(add(entries)) {}
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() = default;
  amqp_table_t get() const { return table_; }

 private:
  amqp_table_t add(const Object& entries);
  amqp_array_t add(const Array& entries);
  amqp_field_value_t add(const Value& value);

  std::deque<std::vector<amqp_table_entry_t>> tables_;
  std::deque<std::vector<amqp_field_value_t>> arrays_;
  std::deque<std::string> texts_;
  const amqp_table_t table_;
};

/// Appends a frame. Errors: invalid_settings when it does not fit into one.
Result<> put_method(std::string& out, std::uint16_t channel, amqp_method_number_t id, void* method);
/// Appends the frames of a content: header and body.
Result<> put_content(std::string& out, std::uint16_t channel,
                     const amqp_basic_properties_t& properties, std::string_view body);
void put_heartbeat(std::string& out);

}  // namespace millrace::messaging::amqp
