// SPDX-License-Identifier: Apache-2.0
#include "blocks.hpp"

#include <utility>

namespace millrace::jsonl {

std::shared_ptr<Block> BlockStore::take(std::size_t capacity) {
  std::unique_ptr<Block> block;
  if (const std::lock_guard lock(mutex_); capacity == usual_ && !spare_.empty()) {
    block = std::move(spare_.back());
    spare_.pop_back();
  }
  if (block == nullptr) block = std::make_unique<Block>(capacity);
  return {block.release(), [store = weak_from_this()](Block* done) {
            std::unique_ptr<Block> owned(done);
            if (const auto alive = store.lock()) alive->give_back(std::move(owned));
          }};
}

void BlockStore::give_back(std::unique_ptr<Block> block) {
  const std::lock_guard lock(mutex_);
  if (block->capacity == usual_ && spare_.size() < kSpare) spare_.push_back(std::move(block));
}

}  // namespace millrace::jsonl
