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
};
using SourceDescriptor = Descriptor<Source>;
using FilterDescriptor = Descriptor<Filter>;
using ActionDescriptor = Descriptor<Action>;

/// Extensions of one kind by name. A built-in `range` also answers to eda.builtin.range and
/// ansible.eda.range.
template <class Made>
class Extensions {
 public:
  void add(Descriptor<Made> descriptor);
  const Descriptor<Made>* find(std::string_view name) const;
  /// Short names, sorted.
  std::vector<std::string> names() const;
  const std::vector<std::unique_ptr<Descriptor<Made>>>& all() const { return all_; }

 private:
  std::vector<std::unique_ptr<Descriptor<Made>>> all_;
  std::map<std::string, const Descriptor<Made>*, std::less<>> by_name_;
};

/// Everything that can be named in a rulebook. Filled before anything runs, then read only.
struct Registry {
  Extensions<Source> sources;
  Extensions<Filter> filters;
  Extensions<Action> actions;
};

}  // namespace millrace
