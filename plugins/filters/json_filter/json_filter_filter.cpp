// SPDX-License-Identifier: Apache-2.0
// Removes keys of nested objects by name. Include patterns protect keys from exclude patterns; they
// are no list of what alone is kept. Lists are not looked into, as in the original.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/plugin/glob_path.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::json_filter {
namespace {

class JsonFilter final : public Filter {
 public:
  explicit JsonFilter(const Settings& settings)
      : exclude_(settings.strings("exclude_keys")), include_(settings.strings("include_keys")) {}

  Result<> apply(Value event, std::vector<Value>& out, Log& /*log*/) override {
    clean(event);
    out.push_back(std::move(event));
    return {};
  }

 private:
  // A pattern also fits itself letter by letter: `key[1]` names the key "key[1]".
  static bool any_fits(const std::vector<std::string>& patterns, std::string_view key) {
    return std::ranges::any_of(patterns, [&](const std::string& pattern) {
      return pattern == key || glob_match(pattern, key);
    });
  }

  bool keeps(std::string_view key) const {
    return any_fits(include_, key) || !any_fits(exclude_, key);
  }

  void clean(Value& value) const {
    if (!value.is_object()) return;
    auto& object = value.get_object();
    Object kept(object.storage());
    kept.reserve(object.size());
    for (auto& entry : object) {
      if (!keeps({entry.key().data(), entry.key().size()})) continue;
      clean(entry.value());
      kept.emplace(entry.key(), std::move(entry.value()));
    }
    object = std::move(kept);
  }

  const std::vector<std::string> exclude_;
  const std::vector<std::string> include_;
};

}  // namespace
}  // namespace millrace::json_filter

MILLRACE_PLUGIN(json_filter_filter, plugin) {
  using millrace::Array;
  using millrace::Setting;
  using millrace::SettingType;
  plugin.filter<millrace::json_filter::JsonFilter>(
      "json_filter", "Removes keys of nested objects by name.",
      {{Setting("exclude_keys", SettingType::strings,
                "shell patterns of the keys to remove, with all that they hold")
            .by_default(Array())
            .nullable(),
        Setting("include_keys", SettingType::strings, "shell patterns of keys to keep all the same")
            .by_default(Array())
            .nullable()}});
}
