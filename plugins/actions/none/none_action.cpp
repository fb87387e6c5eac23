// SPDX-License-Identifier: Apache-2.0
// Does nothing: for a rule that is there to be counted or to be watched.

#include "millrace/plugin/plugin.hpp"

namespace millrace::none_action {
namespace {

class NoneAction final : public Action {
 public:
  Task<Result<>> run(const Settings& /*settings*/, ActionContext& /*context*/) override {
    co_return Result<>();
  }
};

}  // namespace
}  // namespace millrace::none_action

MILLRACE_PLUGIN(none_action, plugin) {
  plugin.action<millrace::none_action::NoneAction>(
      "none", "Does nothing.", {.settings = {}, .unknown = millrace::Unknown::warning}, {"noop"});
}
