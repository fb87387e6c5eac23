// SPDX-License-Identifier: Apache-2.0
#include "ansible_configuration.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestFile = std::size_t{1} << 20;

bool is_variable_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// $NAME and ${NAME}; those that are not set stay.
std::string with_variables(std::string_view text, const PluginEnvironment& environment) {
  std::string out;
  while (!text.empty()) {
    const auto dollar = std::min(text.find('$'), text.size());
    out += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.empty()) break;
    const bool braced = text.substr(1).starts_with('{');
    const auto name_at = braced ? 2U : 1U;
    auto end = static_cast<std::size_t>(name_at);
    while (end < text.size() && is_variable_name(text[end])) ++end;
    const std::string name(text.substr(name_at, end - name_at));
    const bool closed = !braced || text.substr(end).starts_with('}');
    const auto value = closed && !name.empty() ? environment.variable(name) : std::nullopt;
    const auto used = value && braced ? end + 1 : end;
    out += value ? *value : std::string(text.substr(0, used));
    text.remove_prefix(used);
  }
  return out;
}

fs::path absolute_path(std::string_view text, const fs::path& base,
                       const PluginEnvironment& environment) {
  auto expanded = with_variables(text, environment);
  if (expanded == "~" || expanded.starts_with("~/"))
    expanded = environment.home.string() + expanded.substr(1);
  return (base / expanded).lexically_normal();
}

std::vector<fs::path> split_paths(std::string_view text, const fs::path& base,
                                  const PluginEnvironment& environment) {
  std::vector<fs::path> paths;
  for (const auto part : split(text, ':')) {
    const auto path = trim(part);
    if (path.empty()) continue;
    paths.push_back(absolute_path(path, base, environment));
    if (paths.back().filename().empty()) paths.back() = paths.back().parent_path();
  }
  return paths;
}

bool is_readable_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), R_OK) == 0;
}

// Anybody could have put a file there.
bool is_open_to_all(const fs::path& folder) {
  std::error_code error;
  const auto permissions = fs::status(folder, error).permissions();
  return !error && (permissions & fs::perms::others_write) != fs::perms::none;
}

std::optional<fs::path> find_configuration(const PluginEnvironment& environment,
                                           std::vector<Notice>& notices) {
  if (const auto named = environment.variable("ANSIBLE_CONFIG"); named && !named->empty()) {
    auto path = absolute_path(*named, environment.working_folder, environment);
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) path /= "ansible.cfg";
    if (is_readable_file(path)) return path;
  }
  if (auto path = environment.working_folder / "ansible.cfg"; is_readable_file(path)) {
    if (!is_open_to_all(environment.working_folder)) return path;
    notices.push_back(
        {LogLevel::warning,
         fmt::format("{}: not read, since anybody may write into this folder", path.string())});
  }
  if (auto path = environment.home / ".ansible.cfg";
      !environment.home.empty() && is_readable_file(path))
    return path;
  if (auto path = environment.root / "etc/ansible/ansible.cfg"; is_readable_file(path)) return path;
  return std::nullopt;
}

std::string_view without_comment(std::string_view line) {
  for (std::size_t at = 1; at < line.size(); ++at) {
    if (line[at] == ';' && (line[at - 1] == ' ' || line[at - 1] == '\t')) return line.substr(0, at);
  }
  return line;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return out;
}

// `collections_path` of [defaults]; the older spelling, too. Indented lines go on with a value.
std::optional<std::string> setting_of(std::string_view text) {
  bool in_defaults = false;
  std::optional<std::string> current;
  std::optional<std::string> former;
  std::optional<std::string>* open = nullptr;
  for (const auto line : split(text, '\n')) {
    const auto trimmed = trim(without_comment(line));
    if (trimmed.empty() || trimmed.starts_with('#') || trimmed.starts_with(';')) continue;
    if (open != nullptr && (line.front() == ' ' || line.front() == '\t')) {
      **open += trimmed;
      continue;
    }
    open = nullptr;
    if (trimmed.starts_with('[')) {
      in_defaults = trimmed == "[defaults]";
      continue;
    }
    const auto sign = trimmed.find_first_of("=:");
    if (!in_defaults || sign == std::string_view::npos) continue;
    const auto key = lower(trim(trimmed.substr(0, sign)));
    if (key == "collections_path") open = &current;
    if (key == "collections_paths") open = &former;
    if (open != nullptr) *open = std::string(trim(trimmed.substr(sign + 1)));
  }
  return current ? current : former;
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

}  // namespace

ConfiguredPaths configured_collection_paths(const PluginEnvironment& environment) {
  ConfiguredPaths out;
  for (const auto* name : {"ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS"}) {
    const auto value = environment.variable(name);
    if (!value || value->empty()) continue;
    out.paths = split_paths(*value, environment.working_folder, environment);
    return out;
  }
  if (const auto file = find_configuration(environment, out.notices)) {
    const auto text = read_file(*file, kLongestFile);
    if (!text) {
      out.notices.push_back({LogLevel::warning, text.error().message()});
    } else if (auto value = setting_of(*text)) {
      replace_all(*value, "{{CWD}}", environment.working_folder.string());
      out.paths = split_paths(*value, file->parent_path(), environment);
      return out;
    }
  }
  if (!environment.home.empty()) out.paths.push_back(environment.home / ".ansible/collections");
  out.paths.push_back(environment.root / "usr/share/ansible/collections");
  return out;
}

}  // namespace millrace
