// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/plugin/registry.hpp"

namespace millrace {

/// Through which a plugin says what it provides. T::create(const Settings&) ->
/// Result<std::unique_ptr<...>>, or a constructor from Settings, or a default constructor makes an
/// instance.
class PluginBuilder {
 public:
  explicit PluginBuilder(Registry& registry) : registry_(registry) {}

  template <class T>
  void source(std::string name, std::string summary, SettingsSchema schema,
              std::vector<std::string> aliases = {}) {
    registry_.sources.add({std::move(name),
                           std::move(aliases),
                           std::move(summary),
                           std::move(schema),
                           maker<T, Source>(),
                           {}});
  }
  template <class T>
  void filter(std::string name, std::string summary, SettingsSchema schema,
              std::vector<std::string> aliases = {}) {
    registry_.filters.add({std::move(name),
                           std::move(aliases),
                           std::move(summary),
                           std::move(schema),
                           maker<T, Filter>(),
                           {}});
  }
  template <class T>
  void action(std::string name, std::string summary, SettingsSchema schema,
              std::vector<std::string> aliases = {}) {
    registry_.actions.add({std::move(name),
                           std::move(aliases),
                           std::move(summary),
                           std::move(schema),
                           maker<T, Action>(),
                           {}});
  }

 private:
  template <class T, class Made>
  static std::function<Result<std::unique_ptr<Made>>(const Settings&)> maker() {
    return [](const Settings& settings) -> Result<std::unique_ptr<Made>> {
      if constexpr (requires { T::create(settings); }) {
        auto made = T::create(settings);
        if (!made) return made.error();
        return std::unique_ptr<Made>(std::move(*made));
      } else if constexpr (std::constructible_from<T, const Settings&>) {
        return std::unique_ptr<Made>(std::make_unique<T>(settings));
      } else {
        return std::unique_ptr<Made>(std::make_unique<T>());
      }
    };
  }

  Registry& registry_;
};

/// Registers every extension that is compiled into the program.
void describe_builtin_plugins(PluginBuilder& builder);

}  // namespace millrace

/// `MILLRACE_PLUGIN(interval_source, plugin) { plugin.source<IntervalSource>(…); }`, at global
/// scope, once a plugin.
#define MILLRACE_PLUGIN(id, builder)                       \
  void millrace_describe_##id(::millrace::PluginBuilder&); \
  void millrace_describe_##id(::millrace::PluginBuilder& builder)
