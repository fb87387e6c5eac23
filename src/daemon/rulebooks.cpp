// SPDX-License-Identifier: Apache-2.0
#include "millrace/daemon/rulebooks.hpp"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/event/python_text.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/pipeline/template.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::daemon {
namespace {

Result<std::string> render_text(std::string_view text, const Object& variables) {
  const auto rendered = pipeline::Template::compile(text).render(pipeline::Scope(variables));
  if (!rendered) return rendered.error();
  return python_str(*rendered);
}

}  // namespace

LoadedRulebooks load_rulebooks(const std::vector<std::string>& files, const Object& variables) {
  LoadedRulebooks loaded;
  rules::LoadOptions options;
  options.variables = &variables;
  options.render = [&variables](std::string_view text) { return render_text(text, variables); };
  for (const auto& file : files) {
    auto text = read_file(file);
    if (!text) {
      const bool missing = text.error().code() == Errc::not_found;
      loaded.diagnostics.error(
          "unreadable-rulebook", {.file = file},
          missing ? fmt::format("Could not find rulebook {}", file) : text.error().message());
      continue;
    }
    auto rulebook = rules::load_rulebook(*text, file, options, loaded.diagnostics);
    if (rulebook) loaded.rulebooks.push_back(std::move(*rulebook));
    loaded.texts.emplace(file, std::move(*text));
  }
  return loaded;
}

Result<Object> load_variables(const std::string& file,
                              const std::vector<std::string>& environment) {
  Object variables;
  if (!file.empty()) {
    if (!std::filesystem::exists(file))
      return fail(Errc::not_found, "Variables file does not exist: {}", file);
    const auto text = read_file(file);
    if (!text) return text.error();
    auto value = parse_yaml_value(*text, file);
    if (!value) return value.error();
    if (value->is_object()) {
      variables = std::move(value->get_object());
    } else if (!value->is_null()) {
      return fail(Errc::invalid_settings, "{}: variables must be a mapping of names to values",
                  file);
    }
  }
  for (const auto& name : environment) {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr)
      return fail(Errc::not_found, "Could not find environment variable '{}'", name);
    variables[name] = value;
  }
  return variables;
}

Registry builtin_registry() {
  Registry registry;
  PluginBuilder builder(registry);
  describe_builtin_plugins(builder);
  return registry;
}

}  // namespace millrace::daemon
