// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "millrace/event/event.hpp"

namespace millrace::messaging {

enum class BodyFormat {
  automatic,  ///< JSON if it is, else text
  json,       ///< what is not JSON is refused
  text,       ///< never read as JSON
};

/// {"body": …} of a message's bytes, which stay as text where they are JSON: they must outlive the
/// event, with kTextPadding readable bytes behind them. What is not JSON though it has to be, and
/// what is no UTF-8, becomes an event that the engine refuses.
Event event_of_body(std::string_view body, BodyFormat format, const JsonLimits& limits);

}  // namespace millrace::messaging
