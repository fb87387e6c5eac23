// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "millrace/event/value.hpp"
#include "millrace/net/incoming_request.hpp"

namespace millrace::net {

/// The path of a request target as it was sent; the query is dropped.
std::string_view path_of(std::string_view target);

/// The path of a request target without its leading slash, percent-decoded; the query is dropped.
/// An escape that is malformed, or that gives invalid UTF-8, stays as it was written. Always valid
/// UTF-8.
std::string endpoint_of(std::string_view target);

/// The headers as rules see them: the usual spelling of names, of a header sent twice the first
/// value, no `Authorization`. Always valid UTF-8.
Object headers_of(const IncomingRequest& request);

/// In which encoding a body comes.
enum class Charset {
  utf8,
  ascii,
  latin1,
  unknown,
};

/// Charset named by a Content-Type header; UTF-8 when none is.
Charset charset_of(std::string_view content_type);

std::string latin1_to_utf8(std::string_view text);
bool is_ascii(std::string_view text);

}  // namespace millrace::net
