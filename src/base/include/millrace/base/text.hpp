// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Without blanks, tabs and line ends on both sides.
std::string_view trim(std::string_view text);

/// "a,b,,c" by ',' gives a, b, "", c; an empty text gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Bytes to insert, remove, replace or swap with their neighbour until one is the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate most like `name`, if any is near enough to be a slip of the keyboard (a third of
/// the length, at most 3).
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> candidates);

/// " did you mean X?" or nothing, to end a message with.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

/// Bytes of an invalid UTF-8 sequence replaced by U+FFFD, control characters but tab and line end
/// by '?'; for showing foreign text on a terminal or in a log.
std::string printable(std::string_view text);

/// Bytes of an invalid UTF-8 sequence replaced by U+FFFD, nothing else changed; for foreign bytes
/// that become an event.
std::string valid_utf8(std::string_view text);

/// "1.5 MB", "220 B": decimal units.
std::string human_bytes(double bytes);

/// "1,234,567".
std::string grouped(std::uint64_t number);

}  // namespace millrace
