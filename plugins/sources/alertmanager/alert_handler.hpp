// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alert_reader.hpp"
#include "millrace/net/http_server.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::alertmanager {

struct AlertRules {
  std::optional<std::string> token;  ///< an empty one lets nobody in
  enum class Original { keep, skip };
  Original original = Original::keep;  ///< whether the notification itself is an event, too
  std::size_t max_pending = 1024;
};

/// Makes events of each notification: one of the whole, one of each alert in it. Answers when the
/// engine has taken them.
class AlertHandler final : public net::HttpHandler {
 public:
  /// Everything given outlives the handler.
  AlertHandler(SourceContext& context, const AlertRules& rules, const AlertReader& reader)
      : context_(context), rules_(rules), reader_(reader) {}

  std::optional<net::HttpAnswer> refuse(const net::IncomingRequest& request) override;
  Task<Result<net::HttpAnswer>> answer(net::IncomingRequest& request) override;

 private:
  std::vector<Event> events_of(std::string_view text, const std::vector<const Value*>& alerts,
                               const Object& meta) const;
  Task<Result<net::HttpAnswer>> accept(EventBatch batch);

  SourceContext& context_;
  const AlertRules& rules_;
  const AlertReader& reader_;
  std::size_t pending_ = 0;
};

}  // namespace millrace::alertmanager
