// SPDX-License-Identifier: Apache-2.0
// Passes every event on.

#include <utility>

#include "millrace/plugin/plugin.hpp"

namespace millrace::noop_filter {
namespace {

class NoopFilter final : public Filter {
 public:
  Result<> apply(Value event, std::vector<Value>& out, Log& /*log*/) override {
    out.push_back(std::move(event));
    return {};
  }
};

}  // namespace
}  // namespace millrace::noop_filter

MILLRACE_PLUGIN(noop_filter, plugin) {
  plugin.filter<millrace::noop_filter::NoopFilter>("noop", "Passes every event on as it is.", {});
}
