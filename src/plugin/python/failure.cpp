// SPDX-License-Identifier: Apache-2.0
#include "failure.hpp"

namespace millrace::python {
namespace {

std::string exception_text(const Object& failure) {
  const auto type = text_of(failure, "type");
  const auto message = text_of(failure, "message");
  if (type.empty()) return std::string(message);
  return message.empty() ? std::string(type) : fmt::format("{}: {}", type, message);
}

std::string frame_lines(const Object& failure) {
  std::string lines;
  const auto* frames = failure.if_contains("frames");
  if (frames == nullptr || !frames->is_array()) return lines;
  for (const auto& frame : frames->get_array()) {
    if (frame.is_string()) lines += fmt::format("\n{}", view(frame.get_string()));
  }
  return lines;
}

}  // namespace

std::string_view text_of(const Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? view(value->get_string()) : std::string_view();
}

Error plugin_error(Errc code, const Object& failure) {
  return Error(code, exception_text(failure) + frame_lines(failure));
}

Error source_error(const Object& failure) {
  const auto type = text_of(failure, "type");
  const auto message = text_of(failure, "message");
  const auto told =
      message.empty()
          ? fmt::format("Unknown error {}: source plugin failed with no error message.", type)
          : fmt::format("{}: Source plugin failed with error message: '{}'", type, message);
  return Error(Errc::io,
               fmt::format("{}\n{}{}", told, exception_text(failure), frame_lines(failure)));
}

Error call_error(const Object& error) {
  const auto code = text_of(error, "code");
  // A call that the engine has cancelled is not waited for: this one the plugin has cancelled.
  auto errc = Errc::io;
  if (code == "invalid_event") errc = Errc::invalid_event;
  if (code == "unsupported") errc = Errc::unsupported;
  return plugin_error(errc, error);
}

}  // namespace millrace::python
