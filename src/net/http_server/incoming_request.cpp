// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/incoming_request.hpp"

#include <algorithm>
#include <cstring>

#include "millrace/event/event.hpp"
#include "millrace/net/header_names.hpp"

namespace millrace::net {

void RequestBody::reserve(std::size_t size) {
  if (block_ && size <= capacity_) return;
  auto block = std::make_shared_for_overwrite<char[]>(size + kTextPadding);
  if (size_ > 0) std::memcpy(block.get(), block_.get(), size_);
  std::memset(block.get() + size_, 0, kTextPadding);
  block_ = std::move(block);
  capacity_ = size;
}

void RequestBody::append(std::string_view bytes) {
  if (!block_ || size_ + bytes.size() > capacity_)
    reserve(std::max(size_ + bytes.size(), capacity_ * 2));
  std::memcpy(block_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  std::memset(block_.get() + size_, 0, kTextPadding);
}

std::optional<std::string_view> IncomingRequest::find(std::string_view name) const {
  for (const Header& header : headers_) {
    if (same_name(at(header.name), name)) return at(header.value);
  }
  return std::nullopt;
}

IncomingRequest::Piece IncomingRequest::keep(std::string_view text) {
  const Piece piece{static_cast<std::uint32_t>(text_.size()),
                    static_cast<std::uint32_t>(text.size())};
  text_.append(text);
  return piece;
}

void IncomingRequest::clear() {
  text_.clear();
  headers_.clear();
  method_ = target_ = {};
  body_ = {};
  body_size_ = 0;
  too_large_ = false;
}

}  // namespace millrace::net
