// SPDX-License-Identifier: Apache-2.0
#include "dom_value.hpp"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

namespace dom = simdjson::dom;

Value array_value(const dom::array& elements, const boost::json::storage_ptr& storage) {
  Array array(storage);
  array.reserve(elements.size());
  for (const auto element : elements) array.push_back(to_value(element, storage));
  return array;
}

Value object_value(const dom::object& fields, const boost::json::storage_ptr& storage) {
  Object object(storage);
  object.reserve(fields.size());
  for (const auto field : fields)
    object.insert_or_assign(boost::json::string_view(field.key.data(), field.key.size()),
                            to_value(field.value, storage));
  return object;
}

}  // namespace

Value to_value(const dom::element& element, boost::json::storage_ptr storage) {
  // The unchecked getters are safe: each follows the type that the element has just told.
  switch (element.type()) {
    case dom::element_type::ARRAY:
      return array_value(element.get_array().value_unsafe(), storage);
    case dom::element_type::OBJECT:
      return object_value(element.get_object().value_unsafe(), storage);
    case dom::element_type::STRING:
      return Value(element.get_string().value_unsafe(), std::move(storage));
    case dom::element_type::INT64:
      return Value(element.get_int64().value_unsafe(), std::move(storage));
    case dom::element_type::UINT64:
      return Value(element.get_uint64().value_unsafe(), std::move(storage));
    case dom::element_type::DOUBLE:
      return Value(element.get_double().value_unsafe(), std::move(storage));
    case dom::element_type::BOOL:
      return Value(element.get_bool().value_unsafe(), std::move(storage));
    case dom::element_type::NULL_VALUE:
      break;
  }
  return Value(nullptr, std::move(storage));
}

bool nested_deeper_than(const dom::element& element, std::size_t depth) {
  const auto deeper = [&](const dom::element& inner) {
    return nested_deeper_than(inner, depth - 1);
  };
  if (element.is_array()) {
    return depth == 0 || std::ranges::any_of(element.get_array().value_unsafe(), deeper);
  }
  if (element.is_object()) {
    if (depth == 0) return true;
    for (const auto field : element.get_object().value_unsafe()) {
      if (deeper(field.value)) return true;
    }
  }
  return false;
}

}  // namespace millrace
