// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::net {

/// Most bytes of a request line with all headers, and most headers.
inline constexpr std::uint32_t kHeaderLimit = 8192;
inline constexpr std::size_t kMostHeaders = 128;

/// A request's body: bytes in a block of their own, so that an event can keep them, with
/// kTextPadding bytes behind.
class RequestBody {
 public:
  /// Makes room for `size` bytes. Pages of a large block cost nothing until bytes arrive.
  void reserve(std::size_t size);
  void append(std::string_view bytes);
  std::string_view text() const { return {block_.get(), size_}; }
  /// What keeps text() in place; the body forgets it.
  std::shared_ptr<const void> take_memory() { return std::move(block_); }

 private:
  std::shared_ptr<char[]> block_;  // shared with the events made of it
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// One HTTP request. Its texts are stored together, and their memory is used again for the
/// connection's next request.
class IncomingRequest {
 public:
  std::string_view method() const { return at(method_); }
  std::string_view target() const { return at(target_); }
  bool is_http_1_0() const { return version_ == 10; }
  std::size_t header_count() const { return headers_.size(); }
  /// Name as sent, and value.
  std::pair<std::string_view, std::string_view> header(std::size_t i) const {
    return {at(headers_[i].name), at(headers_[i].value)};
  }
  /// Value of the first header of that name, in any case.
  std::optional<std::string_view> find(std::string_view name) const;

  const RequestBody& body() const { return body_; }
  RequestBody& body() { return body_; }
  /// Bytes of the body that were announced, or have come so far; beyond the limit they are not
  /// kept.
  std::uint64_t body_size() const { return body_size_; }
  bool too_large() const { return too_large_; }

 private:
  friend class RequestParser;
  struct Piece {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct Header {
    Piece name;
    Piece value;
  };
  std::string_view at(Piece piece) const {
    return std::string_view(text_).substr(piece.begin, piece.size);
  }
  Piece keep(std::string_view text);
  void clear();

  std::string text_;
  Piece method_;
  Piece target_;
  int version_ = 11;
  std::vector<Header> headers_;
  RequestBody body_;
  std::uint64_t body_size_ = 0;
  bool too_large_ = false;
};

}  // namespace millrace::net
