// SPDX-License-Identifier: Apache-2.0
#include "native/texts.hpp"

namespace millrace::native {

millrace_status status_of(Errc code) {
  switch (code) {
    case Errc::cancelled:
      return MILLRACE_STOP;
    case Errc::invalid_settings:
    case Errc::invalid_rule:
      return MILLRACE_INVALID_SETTINGS;
    case Errc::invalid_event:
      return MILLRACE_INVALID_EVENT;
    case Errc::not_found:
      return MILLRACE_NOT_FOUND;
    case Errc::permission_denied:
      return MILLRACE_PERMISSION_DENIED;
    case Errc::unavailable:
      return MILLRACE_UNAVAILABLE;
    case Errc::timeout:
      return MILLRACE_TIMEOUT;
    case Errc::unsupported:
      return MILLRACE_UNSUPPORTED;
    case Errc::conflict:
      return MILLRACE_WRONG_PHASE;
    case Errc::already_exists:
    case Errc::corrupt:
    case Errc::io:
      break;
  }
  return MILLRACE_FAILED;
}

Errc code_of(millrace_status status) {
  switch (status) {
    case MILLRACE_STOP:
      return Errc::cancelled;
    case MILLRACE_INVALID_SETTINGS:
      return Errc::invalid_settings;
    case MILLRACE_INVALID_EVENT:
      return Errc::invalid_event;
    case MILLRACE_NOT_FOUND:
      return Errc::not_found;
    case MILLRACE_PERMISSION_DENIED:
      return Errc::permission_denied;
    case MILLRACE_UNAVAILABLE:
      return Errc::unavailable;
    case MILLRACE_TIMEOUT:
      return Errc::timeout;
    case MILLRACE_UNSUPPORTED:
      return Errc::unsupported;
    case MILLRACE_WRONG_PHASE:
      return Errc::conflict;
    default:
      return Errc::io;
  }
}

}  // namespace millrace::native
