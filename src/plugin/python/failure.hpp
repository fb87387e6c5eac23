// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace::python {

/// An entry of a payload as text; empty where it is missing or something else.
std::string_view text_of(const Object& object, std::string_view key);

/// An exception of a plugin, as FAILED and RESULT tell it: "Type: message", then a line a frame of
/// its traceback, innermost first.
Error plugin_error(Errc code, const Object& failure);

/// The same in the original's words for a source that failed: a line for the user, then those of
/// plugin_error().
Error source_error(const Object& failure);

/// The error of a RESULT: its code as the engine's.
Error call_error(const Object& error);

}  // namespace millrace::python
