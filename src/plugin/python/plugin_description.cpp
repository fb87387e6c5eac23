// SPDX-License-Identifier: Apache-2.0
#include "plugin_description.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "failure.hpp"
#include "instance.hpp"
#include "python_action.hpp"
#include "python_filter.hpp"
#include "python_service.hpp"
#include "python_source.hpp"

namespace millrace::python {
namespace {

constexpr ServiceKind kServiceKinds[] = {ServiceKind::monitor,       ServiceKind::trigger,
                                         ServiceKind::hook_class,    ServiceKind::worker,
                                         ServiceKind::config_plugin, ServiceKind::param_processor};
constexpr SettingType kSettingTypes[] = {
    SettingType::any,     SettingType::string,  SettingType::integer,
    SettingType::number,  SettingType::boolean, SettingType::seconds,
    SettingType::strings, SettingType::list,    SettingType::object};

bool is_true(const Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && *value == Value(true);
}

std::vector<std::string> texts_of(const Object& object, std::string_view key) {
  std::vector<std::string> texts;
  const auto* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return texts;
  for (const auto& item : list->get_array()) {
    if (item.is_string()) texts.emplace_back(view(item.get_string()));
  }
  return texts;
}

// The entries of a list that are objects; none where there is no list.
std::vector<const Object*> objects_of(const Object& object, std::string_view key) {
  std::vector<const Object*> objects;
  const auto* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return objects;
  for (const auto& item : list->get_array()) {
    if (item.is_object()) objects.push_back(&item.get_object());
  }
  return objects;
}

Result<SettingType> type_of(const Object& told) {
  const auto name = text_of(told, "type");
  for (const auto type : kSettingTypes) {
    if (to_string(type) == name) return type;
  }
  return fail(Errc::invalid_settings, "setting {}: there is no type `{}`", text_of(told, "name"),
              name);
}

Result<Setting> setting_of(const Object& told) {
  const auto type = type_of(told);
  if (!type) return type.error();
  Setting setting(std::string(text_of(told, "name")), *type, std::string(text_of(told, "meaning")));
  if (is_true(told, "required")) std::move(setting).required();
  if (is_true(told, "secret")) std::move(setting).secret();
  if (is_true(told, "nullable")) std::move(setting).nullable();
  if (auto choices = texts_of(told, "choices"); !choices.empty())
    std::move(setting).one_of(std::move(choices));
  const auto* least = told.if_contains("least");
  if (least != nullptr && least->is_number())
    std::move(setting).at_least(least->to_number<double>());
  const auto* most = told.if_contains("most");
  if (most != nullptr && most->is_number()) std::move(setting).at_most(most->to_number<double>());
  const auto* value = told.if_contains("default");
  if (value == nullptr || value->is_null()) return setting;
  std::move(setting).by_default(*value);
  // A default of another type would be taken for a bug of the engine.
  SettingsSchema schema{.settings = {Setting(setting.name(), *type, "")}};
  if (auto checked = Settings::check(schema, {{setting.name(), *value}}); !checked)
    return std::move(checked.error()).with_context("the default");
  return setting;
}

Result<SettingsSchema> schema_of(const Object& extension) {
  SettingsSchema schema;
  const auto* settings = extension.if_contains("settings");
  if (settings == nullptr || settings->is_null()) {
    schema.unknown = Unknown::accept;
    return schema;
  }
  if (text_of(extension, "unknown") == "warning") schema.unknown = Unknown::warning;
  for (const auto* told : objects_of(extension, "settings")) {
    auto setting = setting_of(*told);
    if (!setting) return setting.error();
    schema.settings.push_back(std::move(*setting));
  }
  return schema;
}

template <class Made, class Python>
Descriptor<Made> descriptor(const Object& told, SettingsSchema schema,
                            std::shared_ptr<const Extension> extension) {
  auto name = extension->extension.value_or(extension->name);
  auto provider = extension->file;
  return {.name = std::move(name),
          .aliases = texts_of(told, "aliases"),
          .summary = std::string(text_of(told, "summary")),
          .schema = std::move(schema),
          .create = [extension = std::move(extension)](
                        const Settings& settings) -> Result<std::unique_ptr<Made>> {
            return std::unique_ptr<Made>(std::make_unique<Python>(extension, settings.all()));
          },
          .provider = std::move(provider)};
}

Result<> add(LoadedPlugin& plugin, const Object& told, HostProcess& host, std::string_view kind) {
  auto schema = schema_of(told);
  if (!schema) return schema.error();
  const auto own_kind = text_of(told, "kind");
  const auto extension_name = text_of(told, "name");
  const auto extension = std::make_shared<const Extension>(
      Extension{.host = host,
                .file = plugin.file.string(),
                .kind = std::string(own_kind.empty() ? kind : own_kind),
                .extension = extension_name.empty() ? std::nullopt
                                                    : std::optional<std::string>(extension_name),
                .name = extension_name.empty() ? plugin.name : std::string(extension_name)});
  if (extension->kind == "source") {
    plugin.sources.push_back(descriptor<Source, PythonSource>(told, std::move(*schema), extension));
  } else if (extension->kind == "filter") {
    plugin.filters.push_back(descriptor<Filter, PythonFilter>(told, std::move(*schema), extension));
  } else if (extension->kind == "action") {
    plugin.actions.push_back(descriptor<Action, PythonAction>(told, std::move(*schema), extension));
  } else {
    for (const auto service : kServiceKinds) {
      if (to_string(service) != extension->kind) continue;
      plugin.services.emplace_back(
          service, descriptor<Service, PythonService>(told, std::move(*schema), extension));
      return {};
    }
    return fail(Errc::corrupt, "there is no kind `{}` of extensions", extension->kind);
  }
  return {};
}

}  // namespace

Result<LoadedPlugin> describe_plugin(HostProcess& host, const std::filesystem::path& file,
                                     const std::string& name, std::string_view kind,
                                     const Object& loaded) {
  LoadedPlugin plugin;
  plugin.name = name;
  plugin.file = file;
  const auto* about = loaded.if_contains("plugin");
  if (about != nullptr && about->is_object()) {
    if (const auto own = text_of(about->get_object(), "name"); !own.empty()) plugin.name = own;
    plugin.version = text_of(about->get_object(), "version");
    plugin.summary = text_of(about->get_object(), "summary");
  }
  for (const auto* told : objects_of(loaded, "extensions")) {
    if (auto added = add(plugin, *told, host, kind); !added)
      return std::move(added.error()).with_context(file.string());
  }
  for (const auto* told : objects_of(loaded, "patterns")) {
    plugin.patterns.push_back({.name = std::string(text_of(*told, "name")),
                               .pattern = std::string(text_of(*told, "pattern")),
                               .summary = std::string(text_of(*told, "summary")),
                               .provider = file.string()});
  }
  const auto* configuration = loaded.if_contains("configuration");
  if (configuration != nullptr && configuration->is_object())
    plugin.configuration = configuration->get_object();
  return plugin;
}

}  // namespace millrace::python
