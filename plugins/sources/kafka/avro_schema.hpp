// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace::kafka {

/// A schema of Avro 1.11: its types in a list, which refer to one another by number, so that a type
/// may hold itself.
class AvroSchema {
 public:
  enum class Kind : std::uint8_t {
    null,
    boolean,
    integer,  ///< int
    long_integer,
    float_number,
    double_number,
    bytes,
    string,
    record,
    enumeration,
    array,
    map,
    choice,  ///< union
    fixed,
  };
  enum class Logical : std::uint8_t {
    none,
    date,
    time_millis,
    time_micros,
    timestamp_millis,
    timestamp_micros,
    local_timestamp_millis,
    local_timestamp_micros,
    decimal,
  };
  using TypeId = std::uint32_t;
  struct Field {
    std::string name;
    std::vector<std::string> aliases;
    TypeId type = 0;
    std::optional<Value> by_default;
  };
  struct Type {
    Kind kind = Kind::null;
    Logical logical = Logical::none;
    std::string name;                   ///< of records, enumerations, fixed: without namespace
    std::vector<Field> fields;          ///< of records
    std::vector<std::string> symbols;   ///< of enumerations
    std::optional<std::string> symbol;  ///< of enumerations: the default
    std::vector<TypeId> parts;          ///< branches; the items of an array or a map
    std::size_t size = 0;               ///< of fixed
    int scale = 0;                      ///< of decimals
  };

  /// Errors: invalid_settings.
  static Result<AvroSchema> parse(const Value& schema);

  const Type& type(TypeId id) const { return types_[id]; }
  TypeId root() const { return root_; }

 private:
  class Parser;
  std::vector<Type> types_;
  TypeId root_ = 0;
};

}  // namespace millrace::kafka
