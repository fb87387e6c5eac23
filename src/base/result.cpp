// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/result.hpp"

#include <cerrno>
#include <system_error>

namespace millrace {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::cancelled:
      return "cancelled";
    case Errc::invalid_settings:
      return "invalid_settings";
    case Errc::invalid_rule:
      return "invalid_rule";
    case Errc::invalid_event:
      return "invalid_event";
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::permission_denied:
      return "permission_denied";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timeout:
      return "timeout";
    case Errc::conflict:
      return "conflict";
    case Errc::corrupt:
      return "corrupt";
    case Errc::unsupported:
      return "unsupported";
    case Errc::io:
      return "io";
  }
  return "unknown";
}

Error fail_errno(int error_number, std::string_view what) {
  Errc code = Errc::io;
  if (error_number == ENOENT) code = Errc::not_found;
  if (error_number == EACCES || error_number == EPERM) code = Errc::permission_denied;
  return fail(code, "{}: {}", what, std::generic_category().message(error_number));
}

}  // namespace millrace
