// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace millrace::webhook {

/// The path of a request target without its leading slash, percent-decoded; the query is dropped.
/// An escape that is malformed, or that gives invalid UTF-8, stays as it was written. Always valid
/// UTF-8.
std::string endpoint_of(std::string_view target);

/// The text, with each byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

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

}  // namespace millrace::webhook
