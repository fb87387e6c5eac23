// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace {

/// What a source tells of itself while it runs: for summaries, heartbeats and metrics. It writes
/// what it knows, as often as it likes; nobody waits for it.
struct SourceStatus {
  enum class Link : std::uint8_t {
    none,        ///< it has no peer to be connected with
    connecting,  ///< for the first time
    up,
    retrying,  ///< lost, or not had; it tries again
  };

  Link link = Link::none;
  std::uint64_t connects = 0;        ///< times that the link came up
  std::uint64_t acknowledged = 0;    ///< messages that the peer was told are settled
  std::optional<std::uint64_t> lag;  ///< messages that wait at the peer, where that is known

  void connected() {
    link = Link::up;
    ++connects;
  }
};

std::string_view to_text(SourceStatus::Link link);

}  // namespace millrace
