// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/service.hpp"

namespace millrace {

std::string_view to_string(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::monitor:
      return "monitor";
    case ServiceKind::trigger:
      return "trigger";
    case ServiceKind::hook_class:
      return "hook_class";
    case ServiceKind::worker:
      return "worker";
    case ServiceKind::config_plugin:
      return "config_plugin";
    case ServiceKind::param_processor:
      return "param_processor";
  }
  return "";
}

}  // namespace millrace
