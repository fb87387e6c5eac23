// SPDX-License-Identifier: Apache-2.0
#include "python_service.hpp"

#include "millrace/event/json.hpp"

namespace millrace::python {

Task<Result<Value>> PythonService::call(std::string_view function, const Value& argument) {
  const auto fields =
      fmt::format("\"function\":{},\"argument\":{}", to_json(Value(function)), to_json(argument));
  co_return co_await instance_.call(fields);
}

}  // namespace millrace::python
