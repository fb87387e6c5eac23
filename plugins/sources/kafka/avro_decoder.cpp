// SPDX-License-Identifier: Apache-2.0
// Avro's binary encoding (specification 1.11.1). The bytes are foreign: depth and number of values
// are bounded, and no length is believed before that many bytes are there.

#include "avro_decoder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include "avro_text.hpp"

namespace millrace::kafka {
namespace {

using Kind = AvroSchema::Kind;
using Type = AvroSchema::Type;
using TypeId = AvroSchema::TypeId;

constexpr int kDeepest = 100;
constexpr std::size_t kMostValues = 1'000'000;

Error broken(std::string_view why) { return fail(Errc::invalid_event, "not Avro: {}", why); }

class Decoder {
 public:
  Decoder(std::string_view bytes, const AvroSchema& writer, const AvroSchema* reader)
      : bytes_(bytes), writer_(writer), reader_(reader) {}

  Result<Value> decode() {
    return read(writer_.root(), reader_ != nullptr ? &reader_->type(reader_->root()) : nullptr, 0);
  }
  std::string_view rest() const { return bytes_; }

 private:
  // --- bytes ---

  Result<std::string_view> take(std::int64_t count) {
    if (count < 0 || static_cast<std::uint64_t>(count) > bytes_.size())
      return broken("it ends too early");
    const auto taken = bytes_.substr(0, static_cast<std::size_t>(count));
    bytes_.remove_prefix(taken.size());
    return taken;
  }

  Result<std::int64_t> number() {
    std::uint64_t zigzag = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = take(1);
      if (!byte) return byte.error();
      const auto bits = static_cast<std::uint8_t>(byte->front());
      zigzag |= static_cast<std::uint64_t>(bits & 0x7f) << shift;
      if ((bits & 0x80) == 0)
        return static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1);
    }
    return broken("a number is too long");
  }

  Result<std::string_view> sized() {
    const auto size = number();
    if (!size) return size.error();
    return take(*size);
  }

  template <class Number, class Bits>
  Result<Value> floating() {
    const auto raw = take(sizeof(Bits));
    if (!raw) return raw.error();
    Bits bits = 0;
    std::memcpy(&bits, raw->data(), sizeof(bits));
    return avro_number(static_cast<double>(std::bit_cast<Number>(bits)));
  }

  // --- values; `as`: the reader's type, or null for none ---

  Result<Value> read(TypeId id, const Type* as, int depth) {
    const Type& type = writer_.type(id);
    if (depth > kDeepest) return broken("it is nested too deeply");
    if (++values_ > kMostValues) return broken("it has too many values");
    if (type.kind == Kind::choice) {
      const auto branch = number();
      if (!branch) return branch.error();
      if (*branch < 0 || static_cast<std::size_t>(*branch) >= type.parts.size())
        return broken("a branch that the union does not have");
      return read(type.parts[static_cast<std::size_t>(*branch)], as, depth + 1);
    }
    if (as != nullptr) {
      as = fitting(type, *as);
      if (as == nullptr) return broken("the schemas do not go together");
    }
    switch (type.kind) {
      case Kind::record:
        return read_record(type, as, depth);
      case Kind::array:
        return read_array(type, as, depth);
      case Kind::map:
        return read_map(type, as, depth);
      default:
        return read_plain(type, as);
    }
  }

  Result<Value> read_plain(const Type& type, const Type* as) {
    switch (type.kind) {
      case Kind::null:
        return Value(nullptr);
      case Kind::boolean: {
        const auto byte = take(1);
        if (!byte) return byte.error();
        return Value(byte->front() != 0);
      }
      case Kind::integer:
      case Kind::long_integer:
        return read_integer(type, as);
      case Kind::float_number:
        return floating<float, std::uint32_t>();
      case Kind::double_number:
        return floating<double, std::uint64_t>();
      case Kind::enumeration:
        return read_symbol(type, as);
      default:
        return read_bytes(type);
    }
  }

  Result<Value> read_integer(const Type& type, const Type* as) {
    const auto value = number();
    if (!value) return value.error();
    if (type.kind == Kind::integer && (*value > std::numeric_limits<std::int32_t>::max() ||
                                       *value < std::numeric_limits<std::int32_t>::min()))
      return broken("an int has more than 32 bits");
    if (as != nullptr && (as->kind == Kind::float_number || as->kind == Kind::double_number))
      return Value(static_cast<double>(*value));
    return avro_integer(*value, as != nullptr ? as->logical : type.logical);
  }

  Result<Value> read_bytes(const Type& type) {
    const auto raw =
        type.kind == Kind::fixed ? take(static_cast<std::int64_t>(type.size)) : sized();
    if (!raw) return raw.error();
    if (type.logical == AvroSchema::Logical::decimal) return avro_decimal(*raw, type.scale);
    return avro_bytes(*raw);
  }

  Result<Value> read_symbol(const Type& type, const Type* as) {
    const auto index = number();
    if (!index) return index.error();
    if (*index < 0 || static_cast<std::size_t>(*index) >= type.symbols.size())
      return broken("a symbol that the enum does not have");
    const auto& symbol = type.symbols[static_cast<std::size_t>(*index)];
    if (as == nullptr || std::ranges::find(as->symbols, symbol) != as->symbols.end())
      return Value(symbol);
    if (as->symbol) return Value(*as->symbol);
    return broken("a symbol that the reader does not know");
  }

  Result<Value> read_record(const Type& type, const Type* as, int depth) {
    Object record;
    for (const auto& field : type.fields) {
      const auto* target = as == nullptr ? nullptr : field_of(*as, field.name);
      auto value =
          read(field.type, target == nullptr ? nullptr : &reader_->type(target->type), depth + 1);
      if (!value) return value;
      if (as == nullptr) record[field.name] = std::move(*value);
      if (target != nullptr) record[target->name] = std::move(*value);
    }
    if (as == nullptr) return Value(std::move(record));
    for (const auto& field : as->fields) {
      if (record.contains(field.name)) continue;
      if (!field.by_default)
        return broken(fmt::format("the field {} was not written and has no default", field.name));
      record[field.name] = *field.by_default;
    }
    return Value(std::move(record));
  }

  // How many items the next block has; 0 at the end.
  Result<std::int64_t> block() {
    auto count = number();
    if (!count || *count >= 0) return count;
    if (const auto size = number(); !size) return size;
    if (*count == std::numeric_limits<std::int64_t>::min()) return broken("a block is too large");
    return -*count;
  }

  const Type* item_of(const Type* as) const {
    return as == nullptr ? nullptr : &reader_->type(as->parts.front());
  }

  Result<Value> read_array(const Type& type, const Type* as, int depth) {
    Array list;
    while (true) {
      const auto count = block();
      if (!count) return count.error();
      if (*count == 0) return Value(std::move(list));
      for (std::int64_t i = 0; i < *count; ++i) {
        auto item = read(type.parts.front(), item_of(as), depth + 1);
        if (!item) return item;
        list.push_back(std::move(*item));
      }
    }
  }

  Result<Value> read_map(const Type& type, const Type* as, int depth) {
    Object map;
    while (true) {
      const auto count = block();
      if (!count) return count.error();
      if (*count == 0) return Value(std::move(map));
      for (std::int64_t i = 0; i < *count; ++i) {
        const auto key = sized();
        if (!key) return key.error();
        auto item = read(type.parts.front(), item_of(as), depth + 1);
        if (!item) return item;
        map[avro_text(*key)] = std::move(*item);
      }
    }
  }

  // --- resolution ---

  // The reader's type that takes what `type` writes, itself or one of its branches.
  const Type* fitting(const Type& type, const Type& as) const {
    if (as.kind != Kind::choice) return fits(type, as) ? &as : nullptr;
    const Type* found = nullptr;
    for (const auto id : as.parts) {
      const Type& branch = reader_->type(id);
      if (!fits(type, branch)) continue;
      if (branch.kind == type.kind && branch.name == type.name) return &branch;
      if (found == nullptr) found = &branch;
    }
    return found;
  }

  static bool fits(const Type& type, const Type& as) {
    if (type.kind == as.kind) return type.kind != Kind::fixed || type.size == as.size;
    const auto one_of = [&](std::initializer_list<Kind> kinds) {
      return std::ranges::find(kinds, as.kind) != kinds.end();
    };
    switch (type.kind) {
      case Kind::integer:
        return one_of({Kind::long_integer, Kind::float_number, Kind::double_number});
      case Kind::long_integer:
        return one_of({Kind::float_number, Kind::double_number});
      case Kind::float_number:
        return as.kind == Kind::double_number;
      case Kind::string:
        return as.kind == Kind::bytes;
      case Kind::bytes:
        return as.kind == Kind::string;
      default:
        return false;
    }
  }

  static const AvroSchema::Field* field_of(const Type& record, const std::string& name) {
    for (const auto& field : record.fields) {
      if (field.name == name || std::ranges::find(field.aliases, name) != field.aliases.end())
        return &field;
    }
    return nullptr;
  }

  std::string_view bytes_;
  const AvroSchema& writer_;
  const AvroSchema* const reader_;
  std::size_t values_ = 0;
};

}  // namespace

Result<Value> decode_avro_value(std::string_view bytes, const AvroSchema& writer,
                                const AvroSchema* reader) {
  return Decoder(bytes, writer, reader).decode();
}

Result<Value> decode_avro_prefix(std::string_view& bytes, const AvroSchema& writer) {
  Decoder decoder(bytes, writer, nullptr);
  auto value = decoder.decode();
  bytes = decoder.rest();
  return value;
}

}  // namespace millrace::kafka
