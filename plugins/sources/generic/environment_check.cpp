// SPDX-License-Identifier: Apache-2.0
#include "environment_check.hpp"

#include <cstdlib>
#include <string>

#include "millrace/event/python_text.hpp"

namespace millrace::generic {

Result<> check_environment(const Object& wanted) {
  for (const auto& [key, value] : wanted) {
    const std::string name(key);
    const char* const actual =
        std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets any
    if (actual == nullptr) return fail(Errc::invalid_settings, "Env Var {} is required", name);
    const auto expected = python_str(value);
    if (expected != actual) {
      return fail(Errc::invalid_settings, "Env Var {} expected: {} passed in: {}", name, expected,
                  actual);
    }
  }
  return {};
}

}  // namespace millrace::generic
