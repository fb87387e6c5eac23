// SPDX-License-Identifier: Apache-2.0
// What parse_json() takes, to_json() writes so that it is read as the same value.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "millrace/event/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = millrace::parse_json(text);
  if (!value) return 0;
  const auto again = millrace::parse_json(millrace::to_json(*value));
  if (!again || !millrace::identical(*value, *again)) std::abort();
  const auto pretty = millrace::parse_json(millrace::to_pretty_json(*value));
  if (!pretty || !millrace::identical(*value, *pretty)) std::abort();
  return 0;
}
