// SPDX-License-Identifier: Apache-2.0
#include "native/extension.hpp"

#include <optional>

#include "millrace/event/json.hpp"
#include "setting_check.hpp"

namespace millrace::native {
namespace {

std::optional<SettingType> type_of(millrace_setting_type type) {
  switch (type) {
    case MILLRACE_ANY:
      return SettingType::any;
    case MILLRACE_STRING:
      return SettingType::string;
    case MILLRACE_INTEGER:
      return SettingType::integer;
    case MILLRACE_NUMBER:
      return SettingType::number;
    case MILLRACE_BOOLEAN:
      return SettingType::boolean;
    case MILLRACE_SECONDS:
      return SettingType::seconds;
    case MILLRACE_STRINGS:
      return SettingType::strings;
    case MILLRACE_LIST:
      return SettingType::list;
    case MILLRACE_OBJECT:
      return SettingType::object;
    default:
      return std::nullopt;
  }
}

std::vector<std::string> strings_of(const char* const* texts) {
  std::vector<std::string> strings;
  while (texts != nullptr && *texts != nullptr) strings.emplace_back(*texts++);
  return strings;
}

Result<Value> default_of(const millrace_setting& given, SettingType type) {
  auto value = parse_json(given.default_json);
  if (!value) return value;
  const Setting bare(given.name, type, "");
  auto checked = check_given(bare, *value, Templates::are_text);
  if (!checked) return fail(Errc::invalid_settings, "{}", checked.error().message);
  return value;
}

Result<Setting> read_setting(const millrace_setting& given) {
  if (view(given.name).empty()) return fail(Errc::invalid_settings, "a setting has no name");
  const auto type = type_of(given.type);
  if (!type) {
    return fail(Errc::invalid_settings, "the setting `{}` is of an unknown type ({})", given.name,
                given.type);
  }
  Setting setting(given.name, *type, std::string(view(given.meaning)));
  const auto change = [&]() -> Setting&& { return static_cast<Setting&&>(setting); };
  if ((given.flags & MILLRACE_REQUIRED) != 0) change().required();
  if ((given.flags & MILLRACE_SECRET) != 0) change().secret();
  if ((given.flags & MILLRACE_NULLABLE) != 0) change().nullable();
  if (given.choices != nullptr) change().one_of(strings_of(given.choices));
  if (given.least != nullptr) change().at_least(*given.least);
  if (given.most != nullptr) change().at_most(*given.most);
  if (given.default_json != nullptr) {
    auto value = default_of(given, *type);
    if (!value) {
      return std::move(value.error())
          .with_context(fmt::format("the default of the setting `{}`", given.name));
    }
    if (!value->is_null()) change().by_default(std::move(*value));
  }
  return setting;
}

}  // namespace

Result<About> read_about(const millrace_extension* given) {
  if (given == nullptr || given->struct_size < sizeof(given->struct_size))
    return fail(Errc::invalid_settings, "an extension does not tell its name and settings");
  const auto known = taken(*given);
  if (view(known.name).empty()) return fail(Errc::invalid_settings, "an extension has no name");
  About about{known.name, strings_of(known.aliases), std::string(view(known.summary)), {}};
  if (known.ignores_unknown != 0) about.schema.unknown = Unknown::warning;
  for (const auto* at = known.settings; at != nullptr && *at != nullptr; ++at) {
    auto setting = read_setting(taken(**at));
    if (!setting) return std::move(setting.error()).with_context(about.name);
    about.schema.settings.push_back(std::move(*setting));
  }
  return about;
}

std::string settings_json(const SettingsSchema& schema, const Settings& settings) {
  Object all;
  if (!settings.empty()) {
    for (const auto& setting : schema.settings)
      all[setting.name()] = settings.value(setting.name());
  }
  return to_json(Value(std::move(all)));
}

}  // namespace millrace::native
