// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/plugin/glob_path.hpp"

namespace millrace::alertmanager {

/// "web1:9100" is web1, "[::1]:9100" is ::1; an address of IPv6 without brackets stays.
std::string_view host_of(std::string_view instance);

/// Finds the alerts of a notification, and the host of each.
class AlertReader {
 public:
  struct Options {
    std::string alerts_path;  ///< empty: the notification is the one alert
    std::string host_path;    ///< within an alert; empty: there is no host
    std::string separator;
  };
  /// Errors: invalid_settings for an empty separator, or a path that cannot be one.
  static Result<AlertReader> create(const Options& options);

  /// The alerts, which live in `body`; none where the path leads nowhere. Errors: invalid_event
  /// when it leads to several places, or when an empty key is on the way.
  Result<std::vector<const Value*>> alerts(const Value& body) const;
  /// What `meta.hosts` of the alert's event is: one entry, or none.
  Array hosts(const Value& alert) const;

 private:
  AlertReader(GlobPath alerts_path, std::optional<GlobPath> host_path)
      : alerts_path_(std::move(alerts_path)), host_path_(std::move(host_path)) {}

  GlobPath alerts_path_;
  std::optional<GlobPath> host_path_;
};

}  // namespace millrace::alertmanager
