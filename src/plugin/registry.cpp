// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/registry.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace millrace {

template <class Made>
void Extensions<Made>::add(Descriptor<Made> descriptor) {
  auto& added = *all_.emplace_back(std::make_unique<Descriptor<Made>>(std::move(descriptor)));
  std::vector<std::string> names = added.aliases;
  names.push_back(added.name);
  names.push_back("eda.builtin." + added.name);
  names.push_back("ansible.eda." + added.name);
  for (auto& name : names) {
    if (!by_name_.emplace(std::move(name), &added).second)
      std::abort();  // two built-in extensions of one name
  }
}

template <class Made>
Result<> Extensions<Made>::add_foreign(Descriptor<Made> descriptor) {
  const auto* taken = find(descriptor.name);
  if (taken != nullptr && !taken->provider.empty()) {
    return fail(Errc::already_exists, "{} is provided by {} already", descriptor.name,
                taken->provider);
  }
  auto& added = *all_.emplace_back(std::make_unique<Descriptor<Made>>(std::move(descriptor)));
  by_name_[added.name] = &added;
  for (const auto& alias : added.aliases) by_name_.emplace(alias, &added);
  return {};
}

template <class Made>
const Descriptor<Made>* Extensions<Made>::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

template <class Made>
std::vector<std::string> Extensions<Made>::names() const {
  std::vector<std::string> names;
  names.reserve(all_.size());
  for (const auto& descriptor : all_) names.push_back(descriptor->name);
  std::ranges::sort(names);
  return names;
}

template class Extensions<Source>;
template class Extensions<Filter>;
template class Extensions<Action>;
template class Extensions<Service>;

}  // namespace millrace
