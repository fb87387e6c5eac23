// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>

#include "millrace/net/incoming_request.hpp"

namespace millrace::net {

/// Reads one request into `request`, which is emptied first. Feed it with put() until is_done(); an
/// error but need_more means that the connection cannot go on.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  RequestParser(IncomingRequest& request, std::size_t max_body_size);

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

  IncomingRequest& request_;
  const std::size_t max_body_size_;
  bool header_done_ = false;
  bool transfer_coding_ = false;
};

}  // namespace millrace::net
