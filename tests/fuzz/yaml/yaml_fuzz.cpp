// SPDX-License-Identifier: Apache-2.0
// parse_yaml() gives a node or says what is wrong, and never both; every node can be made a value.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "millrace/event/yaml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const millrace::YamlLimits limits{.bytes = 1 << 20, .depth = 64, .nodes = 20'000};
  millrace::Diagnostics diagnostics;
  const auto node = millrace::parse_yaml(text, "fuzz.yml", diagnostics, limits);
  if ((node == nullptr) != diagnostics.has_errors()) std::abort();
  for (const auto& fault : diagnostics.items()) {
    if (fault.message.empty()) std::abort();
    millrace::render(fault, text, millrace::Colour::off);
  }
  if (node != nullptr) millrace::to_value(*node);
  return 0;
}
