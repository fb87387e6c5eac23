// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::webhook {

/// Most bytes of a request line with all headers, and most headers.
inline constexpr std::uint32_t kHeaderLimit = 8192;
inline constexpr std::size_t kMostHeaders = 128;

/// A request's body: bytes in a block of their own, so that an event can keep them, with
/// kTextPadding bytes behind.
class Body {
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
class Request {
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

  const Body& body() const { return body_; }
  Body& body() { return body_; }
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
  Body body_;
  std::uint64_t body_size_ = 0;
  bool too_large_ = false;
};

/// Reads one request into `request`, which is emptied first. Feed it with put() until is_done(); an
/// error but need_more means that the connection cannot go on.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  RequestParser(Request& request, std::size_t max_body_size);

 private:
  using Error = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, Text method, Text target, int version,
                       Error&) override;
  void on_response_impl(int, Text, int, Error&) override {}
  void on_field_impl(boost::beast::http::field, Text name, Text value, Error&) override;
  void on_header_impl(Error& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(Text bytes, Error&) override;
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, Error&) override;
  void on_finish_impl(Error&) override {}
  std::size_t take_body(Text bytes);

  Request& request_;
  const std::size_t max_body_size_;
  bool header_done_ = false;
  bool transfer_coding_ = false;
};

}  // namespace millrace::webhook
