// SPDX-License-Identifier: Apache-2.0
// Writes the dashes of all keys as underscores, so that conditions can name them with dots.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/plugin/plugin.hpp"

namespace millrace::dashes_to_underscores {
namespace {

class DashesToUnderscores final : public Filter {
 public:
  explicit DashesToUnderscores(const Settings& settings)
      : overwrite_(settings.boolean("overwrite")) {}

  Result<> apply(Value event, std::vector<Value>& out, Log& log) override {
    rename(event, log);
    out.push_back(std::move(event));
    return {};
  }

 private:
  void rename(Value& value, Log& log) const {
    if (value.is_array()) {
      for (auto& item : value.get_array()) rename(item, log);
    } else if (value.is_object()) {
      rename_keys(value.get_object(), log);
    }
  }

  // Renamed keys end up behind the others, in their order: the original removes and adds them.
  void rename_keys(Object& object, Log& log) const {
    for (auto& entry : object) rename(entry.value(), log);
    const auto has_dash = [](const auto& entry) {
      return entry.key().find('-') != boost::json::string_view::npos;
    };
    if (std::ranges::none_of(object, has_dash)) return;
    Object renamed(object.storage());
    renamed.reserve(object.size());
    for (auto& entry : object) {
      if (!has_dash(entry)) renamed.emplace(entry.key(), std::move(entry.value()));
    }
    for (auto& entry : object) {
      if (has_dash(entry)) add(renamed, entry.key(), std::move(entry.value()), log);
    }
    object = std::move(renamed);
  }

  void add(Object& object, std::string key, Value value, Log& log) const {
    std::ranges::replace(key, '-', '_');
    auto* const existing = object.if_contains(key);
    if (existing == nullptr) {
      object.emplace(key, std::move(value));
    } else if (overwrite_) {
      log.info("filter.dashes_to_underscores", "Replacing existing key {}", key);
      *existing = std::move(value);
    }
  }

  const bool overwrite_;
};

}  // namespace
}  // namespace millrace::dashes_to_underscores

MILLRACE_PLUGIN(dashes_to_underscores_filter, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  // The original sends the collection's name to a module that does not exist; rulebooks may carry
  // that name.
  plugin.filter<millrace::dashes_to_underscores::DashesToUnderscores>(
      "dashes_to_underscores", "Writes the dashes of all keys as underscores.",
      {{Setting("overwrite", SettingType::boolean,
                "whether a renamed key replaces one of its new name; otherwise it is dropped")
            .by_default(true)}},
      {"ansible.builtin.dashes_to_underscores"});
}
