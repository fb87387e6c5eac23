// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/path.hpp"
#include "millrace/event/value.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/rules/condition.hpp"

namespace millrace::rules {

/// A duration as written ("10 seconds") and what it means.
struct Span {
  std::chrono::milliseconds length{};
  std::string text;
  Location where{};  ///< line 0 for a default, which nobody wrote

  /// "10 SECONDS", "1 MINUTES": as `meta.rule_engine` shows it.
  std::string shouted() const;
};

enum class Units { with_milliseconds, whole_seconds };
/// "N unit": one blank, unit singular or plural in any case. Nothing if it is not that.
std::optional<Span> parse_span(std::string_view text, Units units);

/// An extension named in a rulebook, with its settings as written.
struct Extension {
  std::string name;
  Location where;   ///< of the name
  Object settings;  ///< empty for null
  YamlNode node;    ///< the settings again, with places, for diagnostics
};

/// When a source is started again that has ended.
enum class Restart { never, on_failure, always };

struct SourceEntry {
  std::string name;    ///< given, or the plugin's name
  bool named = false;  ///< whether the rulebook gave it
  Extension plugin;
  std::vector<Extension> filters;
  Restart restart = Restart::never;
};

struct Throttle {
  enum class Kind { once_within, once_after, accumulate_within };
  Kind kind = Kind::once_within;
  Span window;
  std::int64_t threshold = 1;
  std::vector<Path> group_by;
  std::vector<Location> group_by_where;  ///< of each path
  Location where;
};

struct Rule {
  enum class Combine { single, all, any, not_all };

  std::string name;
  Location where;
  Combine combine = Combine::single;
  std::vector<Condition> conditions;  ///< one for `single`
  std::optional<Span> timeout;
  std::vector<Extension> actions;
  std::optional<Throttle> throttle;
  bool enabled = true;

  /// Name under which the event of condition i is bound: its alias, or m for the only condition, or
  /// m_i.
  std::string binding(std::size_t i) const;
};

enum class ExecutionStrategy { sequential, parallel };

struct RuleSet {
  std::string name;
  Location where;
  std::vector<std::string> hosts;
  std::vector<SourceEntry> sources;
  std::vector<Rule> rules;  ///< disabled ones too
  bool gather_facts = false;
  Span default_events_ttl{std::chrono::hours(2), "2 hours"};
  bool match_multiple_rules = false;
  std::optional<ExecutionStrategy> execution_strategy;
  /// The same for two rule sets that say the same, wherever they stand.
  std::string content;
};

struct Rulebook {
  std::string file;
  std::vector<RuleSet> rule_sets;
};

struct LoadOptions {
  const Object* variables = nullptr;  ///< for `vars.…` in conditions
  /// Renders rule names and string literals of conditions that hold `{{ … }}`.
  std::function<Result<std::string>(std::string_view)> render;
  /// Unknown keys are an error in files; rulebooks from a server are not held to that.
  enum class UnknownKeys { error, warning };
  UnknownKeys unknown_keys = UnknownKeys::error;
};

/// Reads and checks a whole rulebook: every fault of every part in one go, each located. Names of
/// extensions and their settings are not looked up here (the registry does that). Nothing if there
/// was an error.
std::optional<Rulebook> load_rulebook(std::string_view text, const std::string& file,
                                      const LoadOptions& options, Diagnostics& diagnostics);

}  // namespace millrace::rules
