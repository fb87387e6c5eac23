// SPDX-License-Identifier: Apache-2.0
// Whatever bytes a sender sends: the same messages are found however they are cut, none is longer
// than allowed, and each becomes an event of valid UTF-8.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framer.hpp"
#include "message.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace {

using namespace millrace;  // NOLINT(google-build-using-namespace): one file
using syslog::Framer;

constexpr std::size_t kMost = 64;

using Frames = std::vector<std::pair<Framer::Frame::Kind, std::string>>;

Frames frames(std::string_view stream, std::size_t step) {
  Framer framer(kMost);
  Frames found;
  for (; !stream.empty(); stream.remove_prefix(std::min(step, stream.size()))) {
    framer.feed(stream.substr(0, step));
    while (const auto frame = framer.next()) found.emplace_back(frame->kind, frame->text);
  }
  if (const auto rest = framer.end()) found.emplace_back(rest->kind, rest->text);
  return found;
}

void check_message(std::string_view bytes) {
  const Object message = syslog::parse_message(bytes);
  if (message.size() != 11 + std::size_t{message.contains("invalid_utf8")}) std::abort();
  const auto json = to_json(Value(message));
  if (valid_utf8(json) != json || !parse_json(json)) std::abort();
  if (message.at("priority").is_null() != (message.at("format") == Value("raw"))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  const auto whole = frames(stream, size + 1);
  if (frames(stream, 1) != whole || frames(stream, 1 + size % 7) != whole) std::abort();
  for (const auto& [kind, text] : whole) {
    if (text.size() > kMost) std::abort();
    if (kind == Framer::Frame::Kind::message) check_message(text);
  }
  check_message(stream);
  return 0;
}
