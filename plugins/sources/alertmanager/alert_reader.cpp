// SPDX-License-Identifier: Apache-2.0
#include "alert_reader.hpp"

#include <arpa/inet.h>

#include <utility>

namespace millrace::alertmanager {
namespace {

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

}  // namespace

std::string_view host_of(std::string_view instance) {
  if (instance.starts_with('[')) {
    const auto inner = instance.substr(1, instance.find(']') - 1);
    if (inner.size() + 1 < instance.size() && is_ipv6(inner)) return inner;
  }
  if (is_ipv6(instance)) return instance;
  return instance.substr(0, instance.find(':'));
}

Result<AlertReader> AlertReader::create(const Options& options) {
  auto alerts_path = GlobPath::parse(options.alerts_path, options.separator);
  if (!alerts_path) return std::move(alerts_path.error()).with_context("data_alerts_path");
  std::optional<GlobPath> host_path;
  if (!options.host_path.empty()) {
    auto parsed = GlobPath::parse(options.host_path, options.separator);
    if (!parsed) return std::move(parsed.error()).with_context("data_host_path");
    host_path = std::move(*parsed);
  }
  return AlertReader(std::move(*alerts_path), std::move(host_path));
}

Result<std::vector<const Value*>> AlertReader::alerts(const Value& body) const {
  std::vector<const Value*> alerts;
  const auto found = alerts_path_.get(body);
  if (!found && found.error().code() == Errc::not_found) return alerts;
  if (!found) return found.error();
  if (!(*found)->is_array()) return std::vector{*found};
  for (const auto& alert : (*found)->get_array()) alerts.push_back(&alert);
  return alerts;
}

Array AlertReader::hosts(const Value& alert) const {
  if (!host_path_) return {};
  const auto found = host_path_->get(alert);
  if (!found) return {};
  if ((*found)->is_string()) return {Value(host_of(view((*found)->get_string())))};
  if ((*found)->is_array()) return Array(1, **found);  // as the original: a list in the list
  return {};
}

}  // namespace millrace::alertmanager
