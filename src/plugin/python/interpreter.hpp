// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "millrace/base/result.hpp"
#include "millrace/plugin/python_plugins.hpp"

namespace millrace::python {

/// What messages say to whoever has no Python.
inline constexpr const char* kHowToGetPython =
    "Python 3.9 or later is needed: install it (`apt install python3`), or name it with --python "
    "or MILLRACE_PYTHON";

/// The path of the interpreter. Errors: unavailable.
Result<std::string> find_interpreter(const PythonOptions& options);

/// The folder that holds `millrace_host`. Errors: unavailable.
Result<std::filesystem::path> find_host_folder(const PythonOptions& options);

}  // namespace millrace::python
