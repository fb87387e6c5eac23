// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "event_file.hpp"
#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/daemon/configuration.hpp"
#include "millrace/daemon/plugins.hpp"
#include "millrace/daemon/rulebooks.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/plugin/output.hpp"
#include "millrace/rules/advice.hpp"
#include "millrace/rules/session.hpp"
#include "plugin_world.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kBannerWidth = 80;
constexpr std::size_t kMostSamples = 10'000;

// Who checks wants to know of other things than who runs. What a run is given beside its rulebook
// may be missing here. A condition that refers to a later one runs, as in the original, but never
// matches: this cannot be meant.
Severity checked_severity(const Diagnostic& item) {
  if (item.code == "later-binding") return Severity::error;
  return item.code == "no-controller" || item.code == "no-templates" ||
                 item.code == "no-vault-secrets"
             ? Severity::warning
             : item.severity;
}

Diagnostics as_checked(const Diagnostics& found) {
  Diagnostics out;
  for (const auto& item : found.items()) {
    if (checked_severity(item) == Severity::error) {
      out.error(item.code, item.where, item.message, item.hint);
    } else {
      out.warning(item.code, item.where, item.message, item.hint);
    }
  }
  return out;
}

// Creates an engine, as running does, and lets it go: what the extensions think of their settings.
Diagnostics build_engine(std::vector<rules::Rulebook> rulebooks, PluginWorld& world,
                         const Object& variables) {
  BlockingPool pool(1);
  Output output(STDOUT_FILENO, kBannerWidth);
  pipeline::EngineOptions options;
  options.variables = variables;
  options.templates = &world.plugins.templates();
  Diagnostics found;
  static_cast<void>(pipeline::Engine::create(std::move(rulebooks), world.plugins.registry(),
                                             world.loop, pool, world.log, output,
                                             std::move(options), found));
  return found;
}

Diagnostics check_rulebooks(const std::vector<rules::Rulebook>& rulebooks, PluginWorld& world,
                            const Object& variables) {
  Diagnostics found;
  for (const auto& rulebook : rulebooks) {
    pipeline::check_extensions(rulebook, world.plugins.registry(), found);
    for (const auto& rule_set : rulebook.rule_sets) rules::Session::create(rule_set, found);
  }
  if (!found.has_errors()) return build_engine(rulebooks, world, variables);
  return found;
}

rules::SampleEvents read_samples(const std::string& file, Diagnostics& found) {
  rules::SampleEvents samples;
  const auto events = read_events(file);
  if (!events) {
    found.error("unreadable-events", {.file = file}, events.error().message());
    return samples;
  }
  for (const auto& entry : events->entries) {
    if (samples.count() == kMostSamples) break;
    const auto event = parse_json(entry.text);
    if (!event || !event->is_object()) {
      found.error("unreadable-events", {.file = file, .line = entry.line, .column = 1},
                  event ? "an event must be a JSON object" : event.error().message());
      break;
    }
    samples.add(*event);
  }
  return samples;
}

Diagnostics advise(const std::vector<rules::Rulebook>& rulebooks, const std::string& events) {
  Diagnostics found;
  std::optional<rules::SampleEvents> samples;
  if (!events.empty()) samples = read_samples(events, found);
  const rules::AdviceOptions options{.samples = samples ? &*samples : nullptr};
  for (const auto& rulebook : rulebooks) rules::advise(rulebook, options, found);
  return found;
}

std::string plural(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// "rulebook.yml: ok, 3 rules in 1 rule set, 2 warnings", for rulebooks without errors.
std::string good_rulebooks(const std::vector<rules::Rulebook>& rulebooks,
                           const Diagnostics& diagnostics) {
  std::string out;
  for (const auto& rulebook : rulebooks) {
    std::size_t errors = 0;
    std::size_t warnings = 0;
    for (const auto& item : diagnostics.items()) {
      if (item.where.file != rulebook.file) continue;
      ++(item.severity == Severity::error ? errors : warnings);
    }
    if (errors > 0) continue;
    std::size_t rules = 0;
    for (const auto& rule_set : rulebook.rule_sets) rules += rule_set.rules.size();
    out += fmt::format("{}: ok, {} in {}", rulebook.file, plural(rules, "rule"),
                       plural(rulebook.rule_sets.size(), "rule set"));
    out += warnings > 0 ? fmt::format(", {}\n", plural(warnings, "warning")) : "\n";
  }
  return out;
}

std::string as_json(const Diagnostics& diagnostics) {
  Array all;
  for (const auto& item : diagnostics.items()) all.push_back(to_json_value(item));
  return to_pretty_json(
             Object{{"ok", !diagnostics.has_errors()}, {"diagnostics", std::move(all)}}) +
         "\n";
}

}  // namespace

int check(const CheckArguments& arguments) {
  const auto variables =
      daemon::load_variables(arguments.variables.file, arguments.variables.environment_names);
  daemon::LoadedRulebooks loaded;
  Diagnostics found;
  if (variables) {
    auto configuration = daemon::load_configuration(arguments.plugins.configuration_file, found);
    daemon::check_host_settings(configuration, found);
    auto texts = std::map<std::string, std::string>{{configuration.file, configuration.text}};
    PluginWorld world(arguments.plugins, std::move(configuration), *variables);
    world.plugins.load_folders();
    loaded = daemon::load_rulebooks(arguments.rulebooks, *variables, world.loop,
                                    world.plugins.templates());
    loaded.texts.merge(texts);
    found.append(std::move(loaded.diagnostics));
    world.plugins.load_named(loaded.rulebooks, found);
    found.append(advise(loaded.rulebooks, arguments.events));
    found.append(check_rulebooks(loaded.rulebooks, world, *variables));
  } else {
    found.error("unreadable-variables", {.file = arguments.variables.file},
                variables.error().message());
  }
  found = as_checked(found);
  found.sort();
  const auto verdict = found.has_errors() ? 1 : 0;
  if (arguments.form == OutputForm::json) {
    const auto printed = print_result(as_json(found));
    return printed != 0 ? printed : verdict;
  }
  print_diagnostics(found, loaded.texts);
  const auto printed = print_result(good_rulebooks(loaded.rulebooks, found));
  return printed != 0 ? printed : verdict;
}

}  // namespace millrace::cli
