// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace millrace {

/// What the reader of an error can do about it; closed on purpose.
enum class Errc {
  cancelled,         ///< somebody asked to stop: never logged, never retried
  invalid_settings,  ///< mend the settings or the command line
  invalid_rule,      ///< mend the rulebook
  invalid_event,     ///< the sender must mend what it sends; the event is refused, nothing else is
                     ///< affected
  not_found,
  already_exists,
  permission_denied,
  unavailable,  ///< a peer is away: try again later
  timeout,
  conflict,
  corrupt,      ///< stored bytes are not what was written
  unsupported,  ///< a thing that this version does not do
  io,           ///< the operating system refused
};

std::string_view to_string(Errc code);

/// An expected failure: a value that travels up, gaining context, and is logged once, where the
/// decision is taken.
class Error {
 public:
  Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}

  Errc code() const { return code_; }
  const std::string& message() const { return message_; }

  /// "context: message", for the caller that knows what was being done.
  Error with_context(std::string_view context) && {
    message_ = fmt::format("{}: {}", context, message_);
    return std::move(*this);
  }

  friend bool operator==(const Error&, const Error&) = default;

 private:
  Errc code_;
  std::string message_;
};

/// A value, or the reason why there is none. Must be looked at.
template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  // NOLINTNEXTLINE(google-explicit-constructor): `return error;` is the point
  Result(Error error) : std::expected<T, Error>(std::unexpect, std::move(error)) {}
};

/// `return fail(Errc::io, "cannot open {}: {}", path, reason);`
template <class... Args>
Error fail(Errc code, fmt::format_string<Args...> text, Args&&... args) {
  return Error(code, fmt::format(text, std::forward<Args>(args)...));
}

/// An Errc::io error "what: text of errno" (Errc::not_found, permission_denied where errno says
/// so).
Error fail_errno(int error_number, std::string_view what);

}  // namespace millrace
