// SPDX-License-Identifier: Apache-2.0
#include "millrace/daemon/plugins.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/daemon/rulebooks.hpp"
#include "millrace/plugin/native_plugin.hpp"
#include "millrace/plugin/python_documentation.hpp"

namespace millrace::daemon {
namespace {

constexpr std::string_view kComponent = "plugins";
constexpr auto kLong = std::chrono::seconds(2);

// Says what is waited for, when that takes long.
class Reminder {
 public:
  Reminder(MainLoop& loop, std::function<void()> say) : loop_(loop) {
    timer_ = loop.call_later(kLong, [this, say = std::move(say)] {
      timer_.reset();
      say();
    });
  }
  Reminder(const Reminder&) = delete;
  Reminder& operator=(const Reminder&) = delete;
  ~Reminder() {
    if (timer_) loop_.cancel(*timer_);
  }

 private:
  MainLoop& loop_;
  std::optional<MainLoop::TimerId> timer_;
};

Task<> keep(Task<Result<LoadedPlugin>> task, std::optional<Result<LoadedPlugin>>& outcome) {
  outcome = co_await std::move(task);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// In the place of what could not be loaded; told of as an error, so that nothing runs.
class MissingSource final : public Source {
 public:
  Task<Result<>> run(SourceContext&) override {
    co_return fail(Errc::unavailable, "the plugin could not be loaded");
  }
};
class MissingFilter final : public Filter {};

// Takes the name of what could not be loaded, which has been told: it is not unknown besides.
template <class Missing, class Made>
void stand_in(Extensions<Made>& extensions, const std::string& name) {
  Descriptor<Made> descriptor;
  descriptor.name = name;
  descriptor.provider = "nothing";
  descriptor.schema.unknown = Unknown::accept;
  descriptor.create = [](const Settings&) -> Result<std::unique_ptr<Made>> {
    return std::make_unique<Missing>();
  };
  static_cast<void>(extensions.add_foreign(std::move(descriptor)).has_value());
}

void stand_in(Registry& registry, const std::string& name, PluginKind kind) {
  if (kind == PluginKind::source) {
    stand_in<MissingSource>(registry.sources, name);
  } else {
    stand_in<MissingFilter>(registry.filters, name);
  }
}

}  // namespace

Plugins::Plugins(const PluginOptions& options, Configuration configuration, const Object& variables,
                 MainLoop& loop, Log& log)
    : loop_(loop),
      log_(log),
      configuration_(std::move(configuration)),
      values_(configuration_.values),
      python_(loop, log, options.python, variables),
      registry_(builtin_registry()),
      finder_(options.paths, PluginEnvironment::of_process(), registry_) {}

Plugins::~Plugins() = default;

void Plugins::load_folders() {
  const auto& listing = finder_.plugins_of_folders();
  tell(listing.notices);
  for (const auto& plugin : listing.plugins) {
    if (plugin.form != PluginFile::Form::native && plugin.form != PluginFile::Form::python)
      continue;
    auto loaded = load_file(plugin);
    Result<> taken;
    if (loaded) taken = take(std::move(*loaded));
    if (!loaded) {
      tell_failure(plugin.name, plugin.file, loaded.error());
    } else if (!taken) {
      tell_failure(plugin.name, plugin.file, taken.error());
    } else {
      log_.info(kComponent, "loaded {} from {}", plugin.name, plugin.file.string());
    }
  }
}

Result<LoadedPlugin> Plugins::load_file(const PluginFile& plugin) {
  if (plugin.form == PluginFile::Form::native) {
    if (const auto good = check_shared_object(plugin.file); !good)
      return fail(good.error().code(), "it {}", good.error().message());
    return load_native_plugin(plugin.file, values_, {loop_, log_});
  }
  const std::string_view kind =
      plugin.form == PluginFile::Form::python ? "" : to_string(plugin.form);
  const Reminder reminder(loop_, [&] {
    log_.warning(kComponent, "{} ({}) takes its time to load", plugin.name, plugin.file.string());
  });
  std::optional<Result<LoadedPlugin>> outcome;
  loop_.run_until_done(keep(python_.load(plugin.file, plugin.name, kind, values_,
                                         host_settings(configuration_, plugin.name)),
                            outcome));
  return std::move(*outcome);
}

Result<> Plugins::take(LoadedPlugin plugin) {
  if (auto registered = register_plugin(plugin, registry_); !registered) return registered;
  loaded_names_.push_back(plugin.name);
  std::ranges::move(plugin.deferred, std::back_inserter(deferred_));
  values_ = std::move(plugin.configuration);
  return {};
}

void Plugins::load_named(std::vector<rules::Rulebook>& rulebooks, Diagnostics& diagnostics) {
  name_all(rulebooks, When::before_the_run, diagnostics);
  check_configuration(diagnostics);
}

void Plugins::name_loaded(std::vector<rules::Rulebook>& rulebooks, Diagnostics& diagnostics) {
  name_all(rulebooks, When::in_the_run, diagnostics);
}

void Plugins::name_all(std::vector<rules::Rulebook>& rulebooks, When when,
                       Diagnostics& diagnostics) {
  for (auto& rulebook : rulebooks) {
    for (auto& rule_set : rulebook.rule_sets) {
      for (auto& source : rule_set.sources) {
        const auto named = source.plugin.name;
        load_extension(source.plugin, PluginKind::source, when, diagnostics);
        if (!source.named && source.plugin.name != named) source.name = source.plugin.name;
        for (auto& filter : source.filters)
          load_extension(filter, PluginKind::filter, when, diagnostics);
      }
    }
  }
}

void Plugins::check_configuration(Diagnostics& diagnostics) {
  std::vector<std::string> known = loaded_names_;
  for (const auto& plugin : finder_.all().plugins) known.push_back(plugin.name);
  warn_of_unknown_plugins(configuration_, known, diagnostics);
}

void Plugins::load_extension(rules::Extension& named, PluginKind kind, When when,
                             Diagnostics& diagnostics) {
  auto lookup = kind == PluginKind::source ? finder_.find_source(named.name)
                                           : finder_.find_filter(named.name);
  tell(lookup.notices);
  if (!lookup.found) {
    auto hint = lookup.hint;
    if (!hint.empty() && !hint.contains("Did you mean"))
      hint += " `millrace plugin list` names those that there are.";
    const auto code =
        named.name.contains('.') ? "plugin-not-found" : fmt::format("unknown-{}", to_string(kind));
    diagnostics.error(code, named.where, lookup.found.error().message(), hint);
    if (when == When::before_the_run) stand_in(registry_, named.name, kind);
    return;
  }
  const auto& found = *lookup.found;
  if (!found.registered.empty()) {
    const auto is_known = kind == PluginKind::source
                              ? registry_.sources.find(named.name) != nullptr
                              : registry_.filters.find(named.name) != nullptr;
    if (!is_known) named.name = found.registered;
    return;
  }
  if (when == When::in_the_run && !is_loaded(found)) {
    diagnostics.error(
        "plugin-not-loaded", named.where,
        fmt::format("{} {} was not loaded when the run began", to_string(kind), named.name),
        "start the program again to use it");
    return;
  }
  if (auto loaded = load_legacy(found); !loaded) {
    tell_failure(found.name, found.file, loaded.error());
    diagnostics.error(
        "plugin-failed", named.where,
        fmt::format("{} {}: {}", to_string(kind), found.name, first_line(loaded.error().message())),
        fmt::format("it is {}", found.file.string()));
    stand_in(registry_, named.name, kind);
    return;
  }
  warn_about(found, named, diagnostics);
  named.name = found.name;
}

bool Plugins::is_loaded(const FoundPlugin& found) const {
  const auto provided = [&](const auto* descriptor) {
    return descriptor != nullptr && descriptor->provider == found.file;
  };
  return found.kind == PluginKind::source ? provided(registry_.sources.find(found.name))
                                          : provided(registry_.filters.find(found.name));
}

Result<> Plugins::load_legacy(const FoundPlugin& found) {
  if (is_loaded(found)) return {};
  const bool is_source = found.kind == PluginKind::source;
  auto loaded =
      load_file({found.name, is_source ? PluginFile::Form::source : PluginFile::Form::filter,
                 found.file, found.origin});
  if (!loaded) return loaded.error();
  return take(std::move(*loaded));
}

void Plugins::warn_about(const FoundPlugin& found, const rules::Extension& named,
                         Diagnostics& diagnostics) {
  const auto text = read_file(found.file);
  if (!text) return;
  Diagnostics of_documentation;
  const auto documentation =
      document_python(outline_python(*text), found.file.string(), of_documentation);
  if (!documentation.schema) return;
  warn_about_settings(*documentation.schema, named.node,
                      fmt::format("{} {}", to_string(found.kind), found.name), named.where,
                      diagnostics);
}

void Plugins::tell(const std::vector<Notice>& notices) {
  for (const auto& notice : notices) log_.write(notice.level, kComponent, notice.text);
}

void Plugins::tell_failure(const std::string& name, const std::filesystem::path& file,
                           const Error& error) {
  log_.error(kComponent, "plugin {} ({}) could not be loaded:", name, file.string());
  log_.write_lines(LogLevel::error, kComponent, error.message());
}

void Plugins::go_live() {
  python_.go_live();
  for (const auto& work : std::exchange(deferred_, {})) work();
}

void Plugins::stop() {
  const Reminder reminder(loop_, [this] {
    log_.warning(kComponent, "waiting for plugins that do not end: they will be killed");
  });
  loop_.run_until_done(python_.stop());
}

}  // namespace millrace::daemon
