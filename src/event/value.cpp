// SPDX-License-Identifier: Apache-2.0
#include "millrace/event/value.hpp"

#include <algorithm>

namespace millrace {

DocumentPtr Document::copy_of(const Value& value) {
  return make(1024,
              [&](boost::json::storage_ptr storage) { return Value(value, std::move(storage)); });
}

const Object& Document::object() const {
  static const Object kEmpty;
  return value_.is_object() ? value_.get_object() : kEmpty;
}

bool identical(const Value& a, const Value& b) {
  if (a.is_uint64() && b.is_int64())
    return b.get_int64() >= 0 && a.get_uint64() == static_cast<std::uint64_t>(b.get_int64());
  if (a.is_int64() && b.is_uint64()) return identical(b, a);
  if (a.kind() != b.kind()) return false;
  if (a.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), identical);
  if (!a.is_object()) return a == b;
  const auto& left = a.get_object();
  const auto& right = b.get_object();
  return left.size() == right.size() && std::ranges::all_of(left, [&](const auto& entry) {
           const auto* other = right.if_contains(entry.key());
           return other != nullptr && identical(entry.value(), *other);
         });
}

}  // namespace millrace
