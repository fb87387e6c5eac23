// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/plugin/settings.hpp"
#include "native/native_library.hpp"
#include "native/plugin_call.hpp"
#include "native/texts.hpp"

namespace millrace::native {

/// What a plugin says of one extension, in the engine's words.
struct About {
  std::string name;
  std::vector<std::string> aliases;
  std::string summary;
  SettingsSchema schema;
};

/// Errors: invalid_settings, naming the extension and the setting.
Result<About> read_about(const millrace_extension* about);

/// Every declared setting, given or not, as plugins are told them.
std::string settings_json(const SettingsSchema& schema, const Settings& settings);

/// A kind of extension as a plugin registered it. Shared by its descriptor and its instances, never
/// changed.
template <class Table>
struct Registered {
  std::shared_ptr<NativeLibrary> library;
  About about;
  Table table;
};

/// What the plugin's `create` has made.
template <class Table>
class Instance {
 public:
  using Kind = std::shared_ptr<const Registered<Table>>;

  Instance(Kind kind, void* made) : kind_(std::move(kind)), made_(made) {}
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() {
    if (table().destroy == nullptr) return;
    try {
      table().destroy(made_);
    } catch (...) {
      library().log().error(library().log_name(), "plugin {}: an exception left destroy of {}",
                            library().name(), kind_->about.name);
    }
  }

  const Table& table() const { return kind_->table; }
  const About& about() const { return kind_->about; }
  NativeLibrary& library() const { return *kind_->library; }
  void* get() const { return made_; }

 private:
  const Kind kind_;
  void* const made_;
};

/// Has the plugin make one. Shared: what is still under way with the plugin keeps it, too.
template <class Table, class Create>
Result<std::shared_ptr<Instance<Table>>> create_instance(
    const std::shared_ptr<const Registered<Table>>& kind, Create create) {
  PluginCall call(kind->library->name(), kind->library->log(), kind->library->log_name());
  void* made = nullptr;
  auto created = call.invoke([&](millrace_context* context) { return create(context, &made); });
  if (!created) return std::move(created.error()).with_context(kind->about.name);
  return std::make_shared<Instance<Table>>(kind, made);
}

/// For kinds whose `create` takes settings.
template <class Table>
Result<std::shared_ptr<Instance<Table>>> create_instance(
    const std::shared_ptr<const Registered<Table>>& kind, const Settings& settings) {
  const auto json = settings_json(kind->about.schema, settings);
  return create_instance(kind, [&](millrace_context* context, void** made) {
    return kind->table.create(kind->table.user, context, text_of(json), made);
  });
}

}  // namespace millrace::native
