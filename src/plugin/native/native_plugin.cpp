// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/native_plugin.hpp"

#include <array>
#include <cstddef>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "native/loading.hpp"
#include "native/native_library.hpp"
#include "native/texts.hpp"

namespace millrace {
namespace {

using native::view;

constexpr const char* kSymbol = "millrace_plugin";
constexpr std::string_view kElf =
    "\x7f"
    "ELF";
// Up to `load`, the last that is required.
constexpr std::size_t kLeastSize =
    offsetof(millrace_plugin_description, load) + sizeof(millrace_plugin_description::load);
constexpr std::size_t kMostSize = 65'536;  // more is something else under the same name

std::set<std::string> threads() {
  std::set<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error))
    ids.insert(entry.path().filename().string());
  return ids;
}

bool has_more(const std::set<std::string>& now, const std::set<std::string>& before) {
  return !std::ranges::includes(before, now);
}

Result<> check_format(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    return fail(Errc::not_found, "there is no plugin {}", file.string());
  std::array<char, kElf.size()> head{};
  std::ifstream(file, std::ios::binary).read(head.data(), head.size());
  if (std::string_view(head.data(), head.size()) != kElf)
    return fail(Errc::corrupt, "{} is no shared object", file.string());
  return {};
}

Result<millrace_plugin_description> read_description(const native::SharedObject& object,
                                                     const std::filesystem::path& file) {
  const auto* given = static_cast<const millrace_plugin_description*>(object.symbol(kSymbol));
  if (given == nullptr) {
    return fail(Errc::corrupt, "{} is no plugin of Millrace: it does not export `{}`",
                file.string(), kSymbol);
  }
  const bool has_version = given->struct_size >= offsetof(millrace_plugin_description, name) &&
                           given->struct_size <= kMostSize;
  if (has_version && (given->abi_major != MILLRACE_PLUGIN_ABI_MAJOR ||
                      given->abi_minor > MILLRACE_PLUGIN_ABI_MINOR)) {
    return fail(Errc::unsupported,
                "{} needs version {}.{} of the plugin interface, this engine has {}.{}",
                file.string(), given->abi_major, given->abi_minor, MILLRACE_PLUGIN_ABI_MAJOR,
                MILLRACE_PLUGIN_ABI_MINOR);
  }
  const auto known = has_version ? native::taken(*given) : millrace_plugin_description{};
  if (known.struct_size < kLeastSize || view(known.name).empty() || known.load == nullptr) {
    return fail(Errc::corrupt, "{} exports an incomplete `{}`: it needs struct_size, name and load",
                file.string(), kSymbol);
  }
  return known;
}

Result<LoadedPlugin> load(const std::shared_ptr<native::NativeLibrary>& library,
                          Object configuration) {
  native::Loading loading(library, std::move(configuration));
  const auto loaded = loading.invoke(library->description().load);
  if (const auto& function = loading.published()) {
    return fail(Errc::permission_denied,
                "plugin {}: it may not publish while it is loaded, and has called {}",
                library->name(), *function);
  }
  if (!loaded) return loaded.error();
  return loading.take();
}

}  // namespace

Result<LoadedPlugin> load_native_plugin(const std::filesystem::path& file, Object configuration,
                                        NativeContext context) {
  if (auto format = check_format(file); !format) return format.error();
  const auto before = threads();
  auto object = native::SharedObject::open(file);
  if (!object) return object.error();
  const auto description = read_description(*object, file);
  if (!description) {
    // Its initialisers have run: what they started may still run.
    if (has_more(threads(), before)) object->keep_for_ever();
    return description.error();
  }
  const auto library =
      std::make_shared<native::NativeLibrary>(file, std::move(*object), *description, context);
  auto loaded = load(library, std::move(configuration));
  if (has_more(threads(), before)) {
    library->keep_in_memory();
    loaded =
        fail(Errc::permission_denied,
             "plugin {}: it may not start a thread while it is loaded, and has", library->name());
  }
  if (!loaded) return std::move(loaded.error()).with_context(file.string());
  library->go_live();
  return loaded;
}

}  // namespace millrace
