// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "millrace/controller/controller.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/net/http_client.hpp"

namespace millrace::controller {

/// Requests to one controller, with who asks; what fails for a while is tried again. Loop thread
/// only.
class RestClient {
 public:
  static Result<std::unique_ptr<RestClient>> create(MainLoop& loop, Log& log,
                                                    const ControllerOptions& options);
  RestClient(const RestClient&) = delete;
  RestClient& operator=(const RestClient&) = delete;
  ~RestClient() = default;

  enum class Attempts { one, several };

  /// `where` is below the API (`jobs/?id__in=1`), or a path or URL that the controller itself gave.
  /// Errors: permission_denied, also for a URL of another host; not_found; invalid_settings for
  /// what else the controller refuses; unavailable, timeout; invalid_event for what is no JSON
  /// object; cancelled.
  Task<Result<Object>> get(std::string where, Attempts attempts = Attempts::several);
  /// A request whose answer got lost is sent again: what it asks for may be done twice.
  Task<Result<Object>> post(std::string where, Object body);

  /// "https://host:port"
  const std::string& origin() const { return origin_; }

 private:
  RestClient(MainLoop& loop, Log& log, const ControllerOptions& options,
             std::unique_ptr<net::HttpClient> http);
  Result<std::string> resolve(std::string_view where) const;
  Task<Result<Object>> send(net::HttpRequest request, std::string what, Attempts attempts);
  Task<Result<net::HttpResponse>> send_once(net::HttpRequest request);

  MainLoop& loop_;
  Log& log_;
  const ControllerOptions options_;
  const std::unique_ptr<net::HttpClient> http_;
  std::string origin_;
  std::string base_;  ///< "https://host:port/api/v2/"
  std::size_t under_way_ = 0;
  Waiters ended_;
};

}  // namespace millrace::controller
