// SPDX-License-Identifier: Apache-2.0
#include "millrace/daemon/rulebooks.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/event/python_text.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/pipeline/template.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::daemon {
namespace {

// Renders names and texts of conditions, once, before anything runs.
class Renderer {
 public:
  explicit Renderer(const Object& variables) : scope_(variables) {}
  virtual ~Renderer() = default;

  Result<std::string> render(std::string_view text) {
    const auto compiled = pipeline::Template::compile(text);
    auto rendered = compiled.render(scope_);
    if (!rendered && rendered.error().code() == Errc::unsupported) {
      std::optional<Result<Value>> outcome;
      loop().run_until_done(keep(compiled, outcome));
      rendered = std::move(*outcome);
    }
    if (!rendered) return without_text(rendered.error(), text);
    return python_str(*rendered);
  }

 protected:
  virtual MainLoop& loop() = 0;
  virtual TemplateHost& templates() = 0;

 private:
  // Who asked for it tells what the template is.
  static Error without_text(const Error& error, std::string_view text) {
    const auto told = fmt::format("template `{}`: ", text);
    if (!error.message().starts_with(told)) return error;
    return Error(error.code(), error.message().substr(told.size()));
  }

  Task<> keep(const pipeline::Template& compiled, std::optional<Result<Value>>& outcome) {
    outcome = co_await compiled.render(scope_, &templates());
  }

  const pipeline::Scope scope_;
};

class SharedRenderer final : public Renderer {
 public:
  SharedRenderer(const Object& variables, MainLoop& loop, TemplateHost& templates)
      : Renderer(variables), loop_(loop), templates_(templates) {}

 private:
  MainLoop& loop() override { return loop_; }
  TemplateHost& templates() override { return templates_; }

  MainLoop& loop_;
  TemplateHost& templates_;
};

// Starts a host of its own when the first template needs it.
class OwnRenderer final : public Renderer {
 public:
  OwnRenderer(const Object& variables, const PythonOptions& python)
      : Renderer(variables), variables_(variables), options_(python) {}
  ~OwnRenderer() override {
    if (host_) host_->loop.run_until_done(host_->python.stop());
  }

 private:
  struct Host {
    Host(const PythonOptions& options, const Object& variables)
        : loop(clock), log({.least = LogLevel::error}), python(loop, log, options, variables) {}
    const SystemClock clock;
    MainLoop loop;
    Log log;
    PythonPlugins python;
  };
  Host& host() {
    if (!host_) host_ = std::make_unique<Host>(options_, variables_);
    return *host_;
  }
  MainLoop& loop() override { return host().loop; }
  TemplateHost& templates() override { return host().python.templates(); }

  const Object& variables_;
  const PythonOptions& options_;
  std::unique_ptr<Host> host_;
};

LoadedRulebooks load(
    const std::vector<std::string>& files, const Object& variables, Renderer& renderer,
    rules::LoadOptions::UnknownKeys unknown_keys = rules::LoadOptions::UnknownKeys::error) {
  LoadedRulebooks loaded;
  rules::LoadOptions options;
  options.unknown_keys = unknown_keys;
  options.variables = &variables;
  options.render = [&renderer](std::string_view text) { return renderer.render(text); };
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

// Empty without a file.
Result<std::string> variables_text(const std::string& file) {
  if (file.empty()) return std::string();
  if (!std::filesystem::exists(file))
    return fail(Errc::not_found, "Variables file does not exist: {}", file);
  return read_file(file);
}

Result<Object> parse_variables(const std::string& text, const std::string& file,
                               const std::vector<std::string>& environment) {
  auto value = parse_yaml_value(text, file);
  if (!value) return value.error();
  Object variables;
  if (value->is_object()) {
    variables = std::move(value->get_object());
  } else if (!value->is_null()) {
    return fail(Errc::invalid_settings, "{}: variables must be a mapping of names to values", file);
  }
  for (const auto& name : environment) {
    const char* set = std::getenv(name.c_str());
    if (set == nullptr)
      return fail(Errc::not_found, "Could not find environment variable '{}'", name);
    variables[name] = set;
  }
  return variables;
}

template <class T>
Task<> keep(Task<Result<T>> task, std::optional<Result<T>>& outcome) {
  outcome = co_await std::move(task);
}

}  // namespace

LoadedRulebooks load_rulebooks(const std::vector<std::string>& files, const Object& variables,
                               MainLoop& loop, TemplateHost& templates,
                               rules::LoadOptions::UnknownKeys unknown_keys) {
  SharedRenderer renderer(variables, loop, templates);
  return load(files, variables, renderer, unknown_keys);
}

LoadedRulebooks load_rulebooks(const std::vector<std::string>& files, const Object& variables,
                               const PythonOptions& python) {
  OwnRenderer renderer(variables, python);
  return load(files, variables, renderer);
}

Result<Object> load_variables(const std::string& file,
                              const std::vector<std::string>& environment) {
  auto text = variables_text(file);
  if (!text) return text.error();
  return parse_variables(*text, file, environment);
}

Result<Object> load_variables(const std::string& file, const std::vector<std::string>& environment,
                              MainLoop& loop, ansible::Vault& vault) {
  auto text = variables_text(file);
  if (!text) return text.error();
  std::optional<Result<std::string>> whole;
  if (text->starts_with("$ANSIBLE_VAULT")) {
    loop.run_until_done(keep(vault.decrypt(std::move(*text), file), whole));
    text = std::move(*whole);
    if (!text) return text.error();
  }
  auto variables = parse_variables(*text, file, environment);
  if (!variables) return variables.error();
  Value clear(std::move(*variables));
  std::optional<Result<>> done;
  loop.run_until_done(keep(vault.decrypt_all(clear, file), done));
  if (!*done) return done->error();
  return std::move(clear.get_object());
}

Registry builtin_registry() {
  Registry registry;
  PluginBuilder builder(registry);
  describe_builtin_plugins(builder);
  return registry;
}

}  // namespace millrace::daemon
