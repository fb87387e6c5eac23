// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "millrace/base/text.hpp"
#include "millrace/rules/plugin_names.hpp"
#include "millrace/rules/rulebook.hpp"
#include "rulebook_fields.hpp"
#include "rulebook_rule.hpp"

namespace millrace::rules {
namespace {

// What a source may say besides its plugin; `restart` is Millrace's own.
constexpr std::array<std::string_view, 3> kSourceKeys = {"name", "filters", "restart"};

class SourceLoader {
 public:
  SourceLoader(const YamlNode& node, const Loading& loading) : node_(node), loading_(loading) {}

  SourceEntry load() {
    Fields fields(node_, "a source", loading_.diagnostics);
    auto name = fields.find_string("name");
    if (const auto* filters = fields.find_list("filters")) {
      for (const YamlNode& filter : *filters) load_filter(filter);
    }
    load_restart(fields.find("restart"));
    load_plugin();
    source_.named = name.has_value();
    source_.name =
        name ? std::move(*name) : canonical_plugin_name(PluginKind::source, source_.plugin.name);
    return std::move(source_);
  }

 private:
  void load_plugin() {
    std::vector<const YamlNode::Entry*> others;
    for (const auto& entry : node_.entries) {
      if (std::ranges::find(kSourceKeys, entry.key.text) == kSourceKeys.end())
        others.push_back(&entry);
    }
    if (others.empty()) {
      loading_.diagnostics.error("missing-plugin", node_.where, "a source names no plugin",
                                 "add a key with the plugin's name: ansible.eda.range:");
      return;
    }
    source_.plugin = load_extension(*others[0], "source", loading_);
    for (std::size_t i = 1; i < others.size(); ++i) report_extra(*others[0], *others[i]);
  }

  void report_extra(const YamlNode::Entry& plugin, const YamlNode::Entry& extra) {
    const std::vector<std::string> keys(kSourceKeys.begin(), kSourceKeys.end());
    auto hint = did_you_mean(extra.key.text, keys);
    if (hint.empty() && plugin.value.is_null()) {
      hint = fmt::format("indent the settings of `{}` below it", plugin.key.text);
    }
    if (hint.empty()) hint = "every plugin is a source of its own, beginning with `- `";
    loading_.diagnostics.error(
        "unknown-key", extra.key.where,
        fmt::format("a source has one plugin, not `{}` and `{}`", plugin.key.text, extra.key.text),
        std::move(hint));
  }

  void load_restart(const YamlNode* node) {
    if (node == nullptr || node->is_null()) return;
    constexpr std::array<std::pair<std::string_view, Restart>, 3> kChoices = {
        {{"never", Restart::never},
         {"on-failure", Restart::on_failure},
         {"always", Restart::always}}};
    for (const auto& [text, choice] : kChoices) {
      if (node->is_string() && node->text == text) {
        source_.restart = choice;
        return;
      }
    }
    loading_.diagnostics.error(
        "wrong-restart", node->where,
        fmt::format("`restart` must be never, on-failure or always, not {}", describe(*node)),
        "never is what it is without this line");
  }

  void load_filter(const YamlNode& node) {
    if (!node.is_mapping() || node.entries.size() != 1) {
      wrong_type(loading_.diagnostics, node, "a filter",
                 "a mapping with one key, the filter's name",
                 node.is_string() ? fmt::format("write {}: with a colon", node.text)
                                  : "indent the filter's settings below its name");
      return;
    }
    source_.filters.push_back(load_extension(node.entries[0], "filter", loading_));
  }

  const YamlNode& node_;
  const Loading& loading_;
  SourceEntry source_;
};

class RuleSetLoader {
 public:
  RuleSetLoader(const YamlNode& node, const Loading& loading)
      : node_(node), loading_(loading), fields_(node, "a rule set", loading.diagnostics) {}

  RuleSet load() {
    rule_set_.where = node_.where;
    load_name();
    load_hosts();
    load_sources();
    load_rules();
    load_options();
    fields_.finish();
    return std::move(rule_set_);
  }

 private:
  void load_name() {
    const YamlNode* node = fields_.find("name");
    if (node == nullptr || node->is_null()) {
      loading_.diagnostics.error("missing-name", node_.where, "Ruleset name not provided",
                                 "add `name: ...` to the rule set");
      return;
    }
    const auto name = fields_.string(node, "name");
    if (!name) return;
    rule_set_.name = trim(*name);
    if (rule_set_.name.empty()) {
      loading_.diagnostics.error("empty-name", node->where,
                                 "Ruleset name cannot be an empty string");
    }
  }

  void load_hosts() {
    const YamlNode* node = fields_.get("hosts", "add `hosts: all`");
    if (node == nullptr) return;
    if (node->is_string()) {
      rule_set_.hosts.push_back(node->text);
    } else if (!node->is_sequence()) {
      wrong_type(loading_.diagnostics, *node, "`hosts`", "a text or a list of texts");
    } else if (node->items.empty()) {
      loading_.diagnostics.error("empty-list", node->where, "`hosts` is empty", "write hosts: all");
    } else {
      for (const YamlNode& item : node->items) {
        if (auto host = fields_.string(&item, "hosts")) {
          rule_set_.hosts.push_back(std::move(*host));
        }
      }
    }
  }

  void load_sources() {
    const auto* sources = fields_.get_list("sources", "a rule set without any: sources: []");
    if (sources == nullptr) return;
    for (const YamlNode& source : *sources) {
      if (source.is_mapping()) {
        rule_set_.sources.push_back(SourceLoader(source, loading_).load());
      } else {
        wrong_type(loading_.diagnostics, source, "a source",
                   "a mapping with a plugin's name as key",
                   source.is_string() ? fmt::format("write {}: with a colon", source.text) : "");
      }
    }
  }

  void load_rules() {
    const auto* rules = fields_.get_list("rules", "a rule set without any: rules: []");
    if (rules == nullptr) return;
    std::unordered_set<std::string> names;
    for (const YamlNode& node : *rules) {
      Rule rule = load_rule(node, loading_);
      if (!rule.name.empty() && !names.insert(rule.name).second) {
        const YamlNode* name = node.find("name");
        loading_.diagnostics.error(
            "duplicate-name", name->where,
            fmt::format("Rule with name {} defined multiple times", rule.name),
            "rename one of the rules; disabled ones count too");
      }
      rule_set_.rules.push_back(std::move(rule));
    }
  }

  void load_options() {
    rule_set_.gather_facts = fields_.boolean("gather_facts", false);
    rule_set_.match_multiple_rules = fields_.boolean("match_multiple_rules", false);
    const auto* ttl = fields_.find("default_events_ttl");
    if (auto span = fields_.span(ttl, "default_events_ttl", Units::whole_seconds)) {
      rule_set_.default_events_ttl = std::move(*span);
    }
    const YamlNode* strategy = fields_.find("execution_strategy");
    if (strategy == nullptr) return;
    if (strategy->is_string() && strategy->text == "sequential") {
      rule_set_.execution_strategy = ExecutionStrategy::sequential;
    } else if (strategy->is_string() && strategy->text == "parallel") {
      rule_set_.execution_strategy = ExecutionStrategy::parallel;
    } else {
      wrong_type(loading_.diagnostics, *strategy, "`execution_strategy`", "sequential or parallel");
    }
  }

  const YamlNode& node_;
  const Loading& loading_;
  Fields fields_;
  RuleSet rule_set_;
};

// Scalars as they are typed, without the places.
void append_content(const YamlNode& node, std::string& out) {
  if (node.is_sequence()) {
    out += '[';
    for (const auto& item : node.items) append_content(item, out);
    out += ']';
  } else if (node.is_mapping()) {
    out += '{';
    for (const auto& [key, value] : node.entries) {
      append_content(key, out);
      append_content(value, out);
    }
    out += '}';
  } else {
    out += fmt::format("{}{}:{},", node.is_string() ? "s" : "v", node.text.size(), node.text);
  }
}

bool check_top(YamlNode& top, const std::string& file, Diagnostics& diagnostics) {
  if (top.is_sequence() && !top.items.empty()) return true;
  if (top.where.line == 0) top.where = Location{file, 1, 1};  // an empty text has no first node
  wrong_type(diagnostics, top, "a rulebook", "a list of one rule set or more",
             top.is_mapping() ? "begin the rule set with `- `" : "begin with `- name: ...`");
  return false;
}

void load_rule_sets(const YamlNode& top, const Loading& loading, Rulebook& rulebook) {
  std::unordered_set<std::string> names;
  for (const YamlNode& node : top.items) {
    if (!node.is_mapping()) {
      wrong_type(loading.diagnostics, node, "a rule set", "a mapping");
      continue;
    }
    RuleSet rule_set = RuleSetLoader(node, loading).load();
    append_content(node, rule_set.content);
    if (!rule_set.name.empty() && !names.insert(rule_set.name).second) {
      loading.diagnostics.error(
          "duplicate-name", node.find("name")->where,
          fmt::format("Ruleset with name: {} defined multiple times", rule_set.name),
          "rename one of the rule sets");
    }
    rulebook.rule_sets.push_back(std::move(rule_set));
  }
}

}  // namespace

std::optional<Rulebook> load_rulebook(std::string_view text, const std::string& file,
                                      const LoadOptions& options, Diagnostics& diagnostics) {
  Diagnostics found;
  const SourceText source(text);
  const Loading loading{source, options, found};
  Rulebook rulebook{file, {}};
  if (const auto top = parse_yaml(text, file, found); top && check_top(*top, file, found)) {
    load_rule_sets(*top, loading, rulebook);
  }
  if (options.unknown_keys == LoadOptions::UnknownKeys::warning) found.soften("unknown-key");
  found.sort();
  const bool failed = found.has_errors();
  diagnostics.append(std::move(found));
  if (failed) return std::nullopt;
  return rulebook;
}

}  // namespace millrace::rules
