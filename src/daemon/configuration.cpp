// SPDX-License-Identifier: Apache-2.0
#include "millrace/daemon/configuration.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace::daemon {
namespace {

constexpr std::string_view kDefaults = "defaults";
constexpr double kMebibyte = 1 << 20;
constexpr std::int64_t kLeastMemory = 32;  // MiB; with less, Python itself does not start

const SettingsSchema& host_schema() {
  static const SettingsSchema schema{
      .settings = {
          Setting("group", SettingType::string, "plugins of one group share a host process"),
          Setting("memory", SettingType::integer,
                  "MiB that the host may use; 0: as much as there is")
              .by_default(4096)
              .at_least(0)
              .at_most(1e9),
          Setting("files", SettingType::integer, "files that the host may have open at once")
              .at_least(16)
              .at_most(1e9),
          Setting("processes", SettingType::integer,
                  "processes and threads that the user of the host may have")
              .at_least(1)
              .at_most(1e9),
          Setting("user", SettingType::string, "who the host runs as"),
          Setting("seccomp", SettingType::boolean,
                  "whether system calls that no plugin needs are refused")
              .by_default(false),
          Setting("call_timeout", SettingType::seconds,
                  "longest call of a filter, an action or of loading")
              .by_default(60)
              .at_least(0.01)
              .at_most(1e6),
          Setting("stop_grace", SettingType::seconds,
                  "how long what was asked to end may take, before it is killed")
              .by_default(5)
              .at_least(0)
              .at_most(1e6)}};
  return schema;
}

const SettingsSchema& journal_schema() {
  static const SettingsSchema schema{
      .settings = {
          Setting("directory", SettingType::string, "where the journal is kept").required(),
          Setting("max_size", SettingType::integer, "bytes that it may take")
              .by_default(1 << 30)
              .at_least(1 << 20)
              .at_most(1e15),
          Setting("sync", SettingType::string, "whether what is accepted is on the disk")
              .one_of({"always", "never"})
              .by_default("always")}};
  return schema;
}

const YamlNode* plugins_of(const Configuration& configuration) {
  return configuration.node ? configuration.node->find("plugins") : nullptr;
}

void overlay(const YamlNode* plugins, std::string_view name, Object& settings) {
  const auto* node = plugins != nullptr ? plugins->find(name) : nullptr;
  if (node == nullptr || !node->is_mapping()) return;
  for (const auto& entry : node->entries) settings[entry.key.text] = to_value(entry.value);
}

// Plugins read keys of their own: only what looks like a slip is told.
void warn_of_names(const Configuration& configuration, Diagnostics& diagnostics) {
  if (!configuration.node || !configuration.node->is_mapping()) return;
  const std::array<std::string, 2> names = {"journal", "plugins"};
  for (const auto& entry : configuration.node->entries) {
    if (const auto near = did_you_mean(entry.key.text, names); !near.empty())
      diagnostics.warning("unknown-key", entry.key.where,
                          fmt::format("`{}` is read by nobody", printable(entry.key.text)), near);
  }
}

// Whether a host can become that user is known before there is one.
void check_user(const YamlNode& node, Diagnostics& diagnostics) {
  if (node.is_mapping() || node.is_sequence() || node.is_null())
    return;  // told by check_settings()
  const auto& name = node.text;
  const auto* user = ::getpwnam(name.c_str());
  if (user == nullptr) {
    diagnostics.error("unknown-user", node.where,
                      fmt::format("there is no user `{}`", printable(name)));
  } else if (::geteuid() != 0 && user->pw_uid != ::geteuid()) {
    diagnostics.error("out-of-rights", node.where,
                      fmt::format("only root can run a host as user {}", printable(name)));
  }
}

void check_memory(const YamlNode& node, Diagnostics& diagnostics) {
  const auto value = to_value(node);
  if (!value.is_int64() || value.get_int64() <= 0 || value.get_int64() >= kLeastMemory) return;
  diagnostics.error(
      "out-of-range", node.where,
      fmt::format("memory must be 0 or at least {}: Python itself needs as much", kLeastMemory),
      "the unit is MiB; 0 is as much as there is");
}

}  // namespace

Configuration load_configuration(const std::string& file, Diagnostics& diagnostics) {
  Configuration configuration{.file = file, .text = {}, .node = {}, .values = {}};
  if (file.empty()) return configuration;
  auto text = read_file(file);
  if (!text) {
    diagnostics.error("unreadable-configuration", {.file = file}, text.error().message());
    return configuration;
  }
  configuration.text = std::move(*text);
  configuration.node = parse_yaml(configuration.text, file, diagnostics);
  if (!configuration.node || configuration.node->is_null()) return configuration;
  if (!configuration.node->is_mapping()) {
    diagnostics.error("wrong-type", configuration.node->where,
                      "a configuration must be a mapping of names to values");
    return configuration;
  }
  configuration.values = to_value(*configuration.node).get_object();
  return configuration;
}

HostSettings host_settings(const Configuration& configuration, std::string_view name) {
  Object given;
  const auto* plugins = plugins_of(configuration);
  overlay(plugins, kDefaults, given);
  overlay(plugins, name, given);
  HostSettings out;
  const auto settings = Settings::check(host_schema(), given);
  if (!settings) return out;  // check_host_settings() has told of it
  if (settings->has("group")) out.group = settings->string("group");
  if (settings->has("user")) out.user = settings->string("user");
  const auto memory = settings->integer("memory");
  out.memory.reset();
  if (memory > 0)
    out.memory = static_cast<std::uint64_t>(memory) * static_cast<std::uint64_t>(kMebibyte);
  if (settings->has("files")) out.files = static_cast<std::uint64_t>(settings->integer("files"));
  if (settings->has("processes"))
    out.processes = static_cast<std::uint64_t>(settings->integer("processes"));
  out.seccomp = settings->boolean("seccomp");
  out.call_timeout = settings->seconds("call_timeout");
  out.stop_grace = settings->seconds("stop_grace");
  return out;
}

pipeline::JournalOptions journal_options(const Configuration& configuration,
                                         Diagnostics& diagnostics) {
  const auto* node = configuration.node ? configuration.node->find("journal") : nullptr;
  if (node == nullptr) return {};
  check_settings(journal_schema(), *node, "journal", node->where, diagnostics);
  const auto value = to_value(*node);
  const auto settings =
      Settings::check(journal_schema(), value.is_object() ? value.get_object() : Object());
  if (!settings) return {};
  using Sync = pipeline::JournalOptions::Sync;
  return {.folder = settings->string("directory"),
          .most_bytes = static_cast<std::uint64_t>(settings->integer("max_size")),
          .sync = settings->string("sync") == "always" ? Sync::always : Sync::never};
}

void check_host_settings(const Configuration& configuration, Diagnostics& diagnostics) {
  const auto* plugins = plugins_of(configuration);
  if (plugins == nullptr) return warn_of_names(configuration, diagnostics);
  if (plugins->is_null()) return;
  if (!plugins->is_mapping()) {
    diagnostics.error("wrong-type", plugins->where,
                      "`plugins` must be a mapping of plugins to their settings");
    return;
  }
  for (const auto& entry : plugins->entries) {
    check_settings(host_schema(), entry.value, "plugin " + entry.key.text, entry.key.where,
                   diagnostics);
    if (!entry.value.is_mapping()) continue;
    if (const auto* user = entry.value.find("user")) check_user(*user, diagnostics);
    if (const auto* memory = entry.value.find("memory")) check_memory(*memory, diagnostics);
  }
}

void warn_of_unknown_plugins(const Configuration& configuration,
                             const std::vector<std::string>& known, Diagnostics& diagnostics) {
  const auto* plugins = plugins_of(configuration);
  if (plugins == nullptr || !plugins->is_mapping()) return;
  for (const auto& entry : plugins->entries) {
    const auto& name = entry.key.text;
    if (name == kDefaults || std::ranges::find(known, name) != known.end()) continue;
    const auto near = did_you_mean(name, known);
    if (near.empty()) continue;  // of another rulebook, perhaps
    diagnostics.warning(
        "unknown-plugin", entry.key.where,
        fmt::format("no plugin is called `{}`: its settings are for nobody", printable(name)),
        near);
  }
}

}  // namespace millrace::daemon
