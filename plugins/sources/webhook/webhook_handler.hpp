// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "millrace/net/http_server.hpp"
#include "millrace/plugin/source.hpp"
#include "signature.hpp"

namespace millrace::webhook {

/// Who may post, and how much may wait.
struct WebhookRules {
  std::optional<std::string> token;  ///< an empty one lets nobody in
  std::optional<SignatureCheck> signature;
  std::string signature_header;
  std::size_t max_pending =
      1024;  ///< requests that wait for the engine; more are told to come back
};

/// Makes an event of each request that is allowed, and answers when the engine has taken it.
class WebhookHandler final : public net::HttpHandler {
 public:
  WebhookHandler(SourceContext& context, const WebhookRules& rules)
      : context_(context), rules_(rules) {}

  std::optional<net::HttpAnswer> refuse(const net::IncomingRequest& request) override;
  Task<Result<net::HttpAnswer>> answer(net::IncomingRequest& request) override;

 private:
  Task<Result<net::HttpAnswer>> accept(std::string endpoint, Object meta, net::RequestBody& body);

  SourceContext& context_;
  const WebhookRules& rules_;
  std::size_t pending_ = 0;
};

}  // namespace millrace::webhook
