// SPDX-License-Identifier: Apache-2.0
// Whatever bytes a client of the HTTP server sends: the parser keeps its bounds, and what comes out
// of it is valid UTF-8.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "millrace/base/text.hpp"
#include "millrace/event/event.hpp"
#include "millrace/event/json.hpp"
#include "millrace/net/request_text.hpp"
#include "request_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;  // NOLINT(google-build-using-namespace): one function
  constexpr std::size_t kBodyLimit = 4096;
  net::IncomingRequest request;
  net::RequestParser parser(request, kBodyLimit);
  parser.eager(true);
  std::string_view left(reinterpret_cast<const char*>(data), size);
  while (!left.empty() && !parser.is_done()) {
    boost::beast::error_code error;
    const auto used = parser.put(boost::asio::buffer(left.data(), left.size()), error);
    left.remove_prefix(used);
    if (error || used == 0) break;
  }
  if (request.body().text().size() > kBodyLimit) std::abort();
  if (request.header_count() > net::kMostHeaders) std::abort();
  const auto endpoint = net::endpoint_of(request.target());
  if (valid_utf8(endpoint) != endpoint) std::abort();
  for (std::size_t i = 0; i < request.header_count(); ++i) {
    static_cast<void>(net::charset_of(request.header(i).second));
  }
  static_cast<void>(parse_json(request.body().text()).has_value());
  return 0;
}
