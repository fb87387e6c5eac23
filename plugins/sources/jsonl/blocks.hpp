// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "millrace/event/event.hpp"

namespace millrace::jsonl {

/// Memory for text, with kTextPadding spare bytes behind it. Not zeroed.
struct Block {
  explicit Block(std::size_t bytes)
      : text(std::make_unique_for_overwrite<char[]>(bytes + kTextPadding)), capacity(bytes) {}

  const std::unique_ptr<char[]> text;
  const std::size_t capacity;
};

/// Hands out blocks, and takes those of the usual size back when the last holder lets go: touching
/// fresh memory costs more than the reading. Any thread; blocks may outlive the store.
class BlockStore : public std::enable_shared_from_this<BlockStore> {
 public:
  explicit BlockStore(std::size_t usual) : usual_(usual) {}

  std::shared_ptr<Block> take(std::size_t capacity);
  std::size_t usual() const { return usual_; }

 private:
  static constexpr std::size_t kSpare = 2;

  void give_back(std::unique_ptr<Block> block);

  const std::size_t usual_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Block>> spare_;
};

}  // namespace millrace::jsonl
