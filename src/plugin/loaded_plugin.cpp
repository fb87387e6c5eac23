// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/loaded_plugin.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace {
namespace {

template <class Made>
Result<> check_free(const Extensions<Made>& extensions, const Descriptor<Made>& descriptor) {
  const auto* taken = extensions.find(descriptor.name);
  if (taken == nullptr || taken->provider.empty()) return {};
  return fail(Errc::already_exists, "{} is provided by {} already", descriptor.name,
              taken->provider);
}

template <class Made>
Result<> check_free(const Extensions<Made>& extensions,
                    const std::vector<Descriptor<Made>>& descriptors) {
  for (const auto& descriptor : descriptors) {
    if (auto free = check_free(extensions, descriptor); !free) return free;
  }
  return {};
}

template <class Made>
void add_all(Extensions<Made>& extensions, std::vector<Descriptor<Made>> descriptors) {
  for (auto& descriptor : descriptors)
    static_cast<void>(extensions.add_foreign(std::move(descriptor)).has_value());
}

}  // namespace

Result<> register_plugin(LoadedPlugin& plugin, Registry& registry) {
  auto free = check_free(registry.sources, plugin.sources);
  if (free) free = check_free(registry.filters, plugin.filters);
  if (free) free = check_free(registry.actions, plugin.actions);
  for (const auto& [kind, descriptor] : plugin.services) {
    if (free) free = check_free(registry.services[kind], descriptor);
  }
  if (!free) return free;
  add_all(registry.sources, std::exchange(plugin.sources, {}));
  add_all(registry.filters, std::exchange(plugin.filters, {}));
  add_all(registry.actions, std::exchange(plugin.actions, {}));
  for (auto& [kind, descriptor] : std::exchange(plugin.services, {}))
    static_cast<void>(registry.services[kind].add_foreign(std::move(descriptor)).has_value());
  std::ranges::move(std::exchange(plugin.patterns, {}), std::back_inserter(registry.patterns));
  return {};
}

}  // namespace millrace
