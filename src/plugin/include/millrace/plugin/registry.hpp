// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/plugin/action.hpp"
#include "millrace/plugin/filter.hpp"
#include "millrace/plugin/service.hpp"
#include "millrace/plugin/settings.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace {

/// An extension as it is registered: its name, what it takes, and how to make one.
template <class Made>
struct Descriptor {
  std::string name;
  std::vector<std::string> aliases;  ///< other names users call it by
  std::string summary;               ///< one sentence
  SettingsSchema schema;
  std::function<Result<std::unique_ptr<Made>>(const Settings&)> create;
  std::string provider;  ///< the file of its plugin; empty: built in
};
using SourceDescriptor = Descriptor<Source>;
using FilterDescriptor = Descriptor<Filter>;
using ActionDescriptor = Descriptor<Action>;
using ServiceDescriptor = Descriptor<Service>;

/// Extensions of one kind by name.
template <class Made>
class Extensions {
 public:
  /// A built-in one; `range` also answers to eda.builtin.range and ansible.eda.range.
  void add(Descriptor<Made> descriptor);
  /// One of a foreign plugin: it answers to its name and its aliases, also where a built-in one
  /// did. Errors: already_exists when another foreign one has its name; nothing is added then.
  /// Aliases that are taken are left to whom they belong.
  Result<> add_foreign(Descriptor<Made> descriptor);
  const Descriptor<Made>* find(std::string_view name) const;
  /// Short names, sorted.
  std::vector<std::string> names() const;
  const std::vector<std::unique_ptr<Descriptor<Made>>>& all() const { return all_; }

 private:
  std::vector<std::unique_ptr<Descriptor<Made>>> all_;
  std::map<std::string, const Descriptor<Made>*, std::less<>> by_name_;
};

/// Everything that can be named in a rulebook or a configuration. Filled before anything runs, then
/// read only.
struct Registry {
  Extensions<Source> sources;
  Extensions<Filter> filters;
  Extensions<Action> actions;
  std::map<ServiceKind, Extensions<Service>> services;
  std::vector<NamedPattern> patterns;
};

}  // namespace millrace
