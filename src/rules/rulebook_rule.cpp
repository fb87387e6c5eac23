// SPDX-License-Identifier: Apache-2.0
#include "rulebook_rule.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "millrace/base/text.hpp"
#include "rulebook_conditions.hpp"

namespace millrace::rules {
namespace {

struct Shape {
  std::string_view key;
  Throttle::Kind kind;
};
constexpr std::array kShapes = {Shape{"once_within", Throttle::Kind::once_within},
                                Shape{"once_after", Throttle::Kind::once_after},
                                Shape{"accumulate_within", Throttle::Kind::accumulate_within}};

std::string_view key_of(Throttle::Kind kind) { return kShapes[static_cast<std::size_t>(kind)].key; }

class ThrottleLoader {
 public:
  ThrottleLoader(const YamlNode& node, const Loading& loading)
      : node_(node), loading_(loading), fields_(node, "a throttle", loading.diagnostics) {}

  Throttle load() {
    throttle_.where = node_.where;
    if (!node_.is_mapping()) {
      wrong_type(loading_.diagnostics, node_, "`throttle`", "a mapping",
                 "write once_within: 10 seconds below it");
      return throttle_;
    }
    load_window();
    load_threshold();
    if (const auto* paths = fields_.get_list("group_by_attributes",
                                             "name the paths whose values tell events apart")) {
      load_groups(*paths);
    }
    fields_.finish();
    return std::move(throttle_);
  }

 private:
  void load_window() {
    std::size_t given = 0;
    for (const auto& [key, kind] : kShapes) {
      const YamlNode* window = fields_.find(key);
      if (window == nullptr) continue;
      ++given;
      throttle_.kind = kind;
      if (auto span = fields_.span(window, key, Units::with_milliseconds)) {
        throttle_.window = std::move(*span);
      }
    }
    if (given == 1) return;
    loading_.diagnostics.error(
        "bad-throttle", node_.where,
        fmt::format("a throttle needs {}one of once_within, once_after and accumulate_within",
                    given == 0 ? "" : "only "));
  }

  void load_threshold() {
    const YamlNode* threshold = fields_.find("threshold");
    const bool accumulates = throttle_.kind == Throttle::Kind::accumulate_within;
    if (threshold == nullptr) {
      if (accumulates) {
        loading_.diagnostics.error("missing-key", node_.where,
                                   "`accumulate_within` has no `threshold`",
                                   "add threshold: 3, the number of events that fires the rule");
      }
    } else if (!accumulates) {
      loading_.diagnostics.error("bad-throttle", threshold->where,
                                 "`threshold` belongs to accumulate_within only");
    } else if (!threshold->scalar.is_int64() || threshold->scalar.get_int64() < 1) {
      wrong_type(loading_.diagnostics, *threshold, "`threshold`", "a whole number, 1 or more");
    } else {
      throttle_.threshold = threshold->scalar.get_int64();
    }
  }

  void load_groups(const std::vector<YamlNode>& items) {
    if (items.empty()) {
      loading_.diagnostics.warning("empty-list", node_.where,
                                   "`group_by_attributes` is empty: all events share one window");
    }
    for (const YamlNode& item : items) {
      const auto text = fields_.string(&item, "group_by_attributes");
      if (!text) continue;
      if (auto path = group_path(*text)) {
        throttle_.group_by.push_back(std::move(*path));
        throttle_.group_by_where.push_back(item.where);
      } else {
        loading_.diagnostics.error("bad-path", item.where, path.error().message(),
                                   "write a path such as event.meta.hosts");
      }
    }
  }

  // The path without its root, which says nothing.
  static Result<Path> group_path(std::string_view text) {
    for (const std::string_view root : {"event", "events", "fact", "facts"}) {
      if (text == root) return fail(Errc::invalid_rule, "`{}` alone is no attribute", text);
      if (!text.starts_with(root)) continue;
      const auto rest = text.substr(root.size());
      if (rest.starts_with('.')) return Path::parse(rest.substr(1));
      if (rest.starts_with('[')) return Path::parse(rest);
    }
    return Path::parse(text);
  }

  const YamlNode& node_;
  const Loading& loading_;
  Fields fields_;
  Throttle throttle_;
};

class RuleLoader {
 public:
  RuleLoader(const YamlNode& node, const Loading& loading)
      : node_(node), loading_(loading), fields_(node, "a rule", loading.diagnostics) {}

  Rule load() {
    rule_.where = node_.where;
    load_name();
    rule_.enabled = fields_.boolean("enabled", true);
    if (const YamlNode* condition = fields_.get("condition")) {
      auto loaded = load_conditions(*condition, loading_);
      written_ = loaded.written;
      rule_.combine = loaded.combine;
      rule_.conditions = std::move(loaded.conditions);
      rule_.timeout = std::move(loaded.timeout);
    }
    load_actions();
    if (const YamlNode* throttle = fields_.find("throttle")) {
      rule_.throttle = ThrottleLoader(*throttle, loading_).load();
      check_time();
    }
    fields_.finish();
    return std::move(rule_);
  }

 private:
  void error(std::string code, const Location& where, std::string message, std::string hint = {}) {
    loading_.diagnostics.error(std::move(code), where, std::move(message), std::move(hint));
  }

  void load_name() {
    const YamlNode* node = fields_.find("name");
    if (node == nullptr || node->is_null()) {
      error("missing-name", node_.where, "Rule name not provided", "add `name: ...` to the rule");
      return;
    }
    auto name = fields_.string(node, "name");
    if (!name) return;
    if (trim(*name).empty()) {
      error("empty-name", node->where, "Rule name cannot be an empty string");
    } else {
      rule_.name = rendered(*name, *node);
    }
  }

  std::string rendered(const std::string& name, const YamlNode& node) {
    if (!name.contains("{{")) return name;
    auto text = loading_.options.render ? loading_.options.render(name)
                                        : fail(Errc::invalid_rule, "no variables are known");
    if (text) return std::move(*text);
    error("template", node.where,
          fmt::format("the rule's name `{}` cannot be rendered: {}", name, text.error().message()));
    return name;
  }

  // ---- actions

  void load_actions() {
    const YamlNode* one = fields_.find("action");
    const YamlNode* several = fields_.find("actions");
    if (one != nullptr && several != nullptr) {
      error("bad-action", several->where, "a rule has `action` or `actions`, not both",
            "move the action into the list");
    }
    if (one == nullptr && several == nullptr) {
      error("missing-key", node_.where, "a rule has no `action`",
            "add `action:` with one action, or `actions:` with a list of them");
    }
    if (one != nullptr) load_action(*one);
    const auto* list = fields_.list(several, "actions");
    if (list == nullptr) return;
    if (list->empty()) {
      loading_.diagnostics.warning("empty-list", several->where,
                                   "`actions` is empty: nothing happens when the rule fires",
                                   "write `action: {none: }` to say that this is meant");
    }
    for (const YamlNode& item : *list) load_action(item);
  }

  void load_action(const YamlNode& node) {
    if (!node.is_mapping()) {
      wrong_type(loading_.diagnostics, node, "an action", "a mapping from its name to its settings",
                 node.is_sequence() ? "a list of actions belongs under `actions:`"
                 : node.is_string() ? fmt::format("write {}: with a colon", node.text)
                                    : "");
    } else if (node.entries.empty()) {
      error("bad-action", node.where, "an action needs a name", "write debug: for example");
    } else if (node.entries.size() > 1) {
      const auto& first = node.entries[0];
      error("bad-action", node.entries[1].key.where,
            fmt::format("an action has one name, not `{}` and `{}`", first.key.text,
                        node.entries[1].key.text),
            first.value.is_null()
                ? fmt::format("indent the settings of `{}` below it", first.key.text)
                : "several actions are a list under `actions:`");
    } else {
      rule_.actions.push_back(load_extension(node.entries[0], "action", loading_));
    }
  }

  // ---- time

  void check_time() {
    const Throttle& throttle = *rule_.throttle;
    if (rule_.timeout) {
      error("time-constraints", throttle.where,
            "Cannot add more than one time constraint to the same rule",
            "keep either `throttle` or the condition's `timeout`");
    }
    if (written_ < 2) return;
    const auto only = fmt::format("{} is only allowed with a single event", key_of(throttle.kind));
    error("throttle-of-several", throttle.where,
          throttle.kind == Throttle::Kind::once_within
              ? only
              : fmt::format("Cannot process this TimeConstraint twice: {}", only),
          "a throttle belongs to a rule with one condition; combine tests with `and` or `or`");
  }

  const YamlNode& node_;
  const Loading& loading_;
  Fields fields_;
  Rule rule_;
  std::size_t written_ = 1;  // conditions
};

}  // namespace

Extension load_extension(const YamlNode::Entry& entry, std::string_view what,
                         const Loading& loading) {
  const auto& [key, value] = entry;
  Extension extension{key.text, key.where, {}, value};
  if (value.is_mapping()) {
    extension.settings = to_value(value).as_object();
  } else if (!value.is_null()) {
    wrong_type(loading.diagnostics, value, fmt::format("the settings of {} `{}`", what, key.text),
               "a mapping or nothing");
  }
  return extension;
}

Rule load_rule(const YamlNode& node, const Loading& loading) {
  if (node.is_mapping()) return RuleLoader(node, loading).load();
  wrong_type(loading.diagnostics, node, "a rule", "a mapping", "begin it with `- name: ...`");
  Rule rule;
  rule.where = node.where;
  return rule;
}

std::string Rule::binding(std::size_t i) const {
  if (i < conditions.size() && !conditions[i].alias.empty()) return conditions[i].alias;
  return conditions.size() == 1 ? "m" : fmt::format("m_{}", i);
}

}  // namespace millrace::rules
