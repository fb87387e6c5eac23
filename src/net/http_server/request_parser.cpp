// SPDX-License-Identifier: Apache-2.0
#include "request_parser.hpp"

namespace millrace::net {

namespace http = boost::beast::http;

RequestParser::RequestParser(IncomingRequest& request, std::size_t max_body_size)
    : request_(request), max_body_size_(max_body_size) {
  request_.clear();
  eager(true);
  header_limit(kHeaderLimit);
  // Too large a body is answered in its turn, after the sender has shown who it is: counted here,
  // not refused by Beast.
  body_limit(boost::none);
}

void RequestParser::on_request_impl(http::verb, Text method, Text target, int version, Error&) {
  request_.method_ = request_.keep(method);
  request_.target_ = request_.keep(target);
  request_.version_ = version;
}

void RequestParser::on_field_impl(http::field field, Text name, Text value, Error& error) {
  if (header_done_) return;  // a trailer behind a chunked body
  // Beast bounds what it sees at once; a header that trickles in line by line is bounded here.
  if (request_.headers_.size() == kMostHeaders ||
      request_.text_.size() + name.size() + value.size() > kHeaderLimit) {
    error = http::make_error_code(http::error::header_limit);
    return;
  }
  if (field == http::field::transfer_encoding) transfer_coding_ = true;
  const auto kept_name = request_.keep(name);
  request_.headers_.push_back({kept_name, request_.keep(value)});
}

void RequestParser::on_header_impl(Error& error) {
  header_done_ = true;
  if (transfer_coding_ && !chunked()) {
    // Where this body ends is anybody's guess, and a proxy's may be another than ours.
    error = http::make_error_code(http::error::bad_transfer_encoding);
    return;
  }
  const auto announced = content_length();
  if (!announced) return;
  request_.too_large_ = *announced > max_body_size_;
  if (request_.too_large_) {
    request_.body_size_ = *announced;
  } else {
    request_.body_.reserve(static_cast<std::size_t>(*announced));
  }
}

std::size_t RequestParser::on_body_impl(Text bytes, Error&) { return take_body(bytes); }

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, Text bytes, Error&) {
  return take_body(bytes);
}

std::size_t RequestParser::take_body(Text bytes) {
  if (request_.too_large_) return bytes.size();
  request_.body_size_ += bytes.size();
  request_.too_large_ = request_.body_size_ > max_body_size_;
  if (!request_.too_large_) request_.body_.append(bytes);
  return bytes.size();
}

}  // namespace millrace::net
