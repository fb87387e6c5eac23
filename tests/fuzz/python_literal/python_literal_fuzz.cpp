// SPDX-License-Identifier: Apache-2.0
// What python_literal() takes can be printed as Python, and reading that gives the same value: of
// UTF-8, which is what values hold. Other bytes must do no harm.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "millrace/event/json.hpp"
#include "millrace/event/python_text.hpp"

namespace {

// Python prints infinity and not-a-number as names, which are no literals.
bool is_finite(const millrace::Value& value) {
  if (const auto* number = value.if_double()) return std::isfinite(*number);
  if (const auto* list = value.if_array()) {
    for (const auto& item : *list) {
      if (!is_finite(item)) return false;
    }
  }
  if (const auto* object = value.if_object()) {
    for (const auto& entry : *object) {
      if (!is_finite(entry.value())) return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = millrace::python_literal(text);
  if (!value) return 0;
  millrace::python_pformat(*value);
  const bool is_utf8 = millrace::parse_json(millrace::to_json(*value)).has_value();
  if (!is_utf8 || !is_finite(*value)) return 0;
  const auto again = millrace::python_literal(millrace::python_repr(*value));
  if (!again || !millrace::identical(*value, *again)) std::abort();
  return 0;
}
