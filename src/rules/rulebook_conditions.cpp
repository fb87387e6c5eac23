// SPDX-License-Identifier: Apache-2.0
#include "rulebook_conditions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "condition_checks.hpp"
#include "condition_parser.hpp"

namespace millrace::rules {
namespace {

struct Combination {
  std::string_view key;
  Rule::Combine combine;
};
constexpr std::array kCombinations = {Combination{"all", Rule::Combine::all},
                                      Combination{"any", Rule::Combine::any},
                                      Combination{"not_all", Rule::Combine::not_all}};

// A boolean is a condition too, whichever way YAML lets it be written.
std::string text_of(const YamlNode& node) {
  if (node.scalar.is_bool()) return node.scalar.get_bool() ? "true" : "false";
  return node.text;
}

Places places_of(const YamlNode& node, const Loading& loading) {
  if (node.is_string()) return Places::of_scalar(node, loading.file);
  return Places(text_of(node), node.where);
}

class ConditionsLoader {
 public:
  explicit ConditionsLoader(const Loading& loading) : loading_(loading) {}

  Conditions load(const YamlNode& node) {
    if (node.is_mapping()) {
      load_combination(node);
    } else if (node.is_string() || (node.kind == YamlNode::Kind::scalar && node.scalar.is_bool())) {
      load_each({&node});
    } else {
      wrong_type(loading_.diagnostics, node, "`condition`",
                 "a text, true, false, or a mapping with `all`, `any` or `not_all`",
                 node.is_sequence() ? "put the list under `all:` or `any:`" : "");
    }
    return std::move(result_);
  }

 private:
  void load_combination(const YamlNode& node) {
    Fields fields(node, "a condition", loading_.diagnostics);
    const YamlNode* list = nullptr;
    std::vector<std::string_view> given;
    for (const auto& [key, combine] : kCombinations) {
      const YamlNode* found = fields.find(key);
      if (found == nullptr) continue;
      given.push_back(key);
      if (list == nullptr) {
        list = found;
        result_.combine = combine;
      }
    }
    load_timeout(fields, node);
    const bool misspelt = fields.finish() > 0 && given.empty();
    if (misspelt) return;
    if (given.size() != 1) return report_combination(node, given);
    load_list(fields.list(list, given[0]), *list, given[0]);
  }

  void report_combination(const YamlNode& node, const std::vector<std::string_view>& given) {
    loading_.diagnostics.error(
        "bad-condition", node.where,
        given.empty()
            ? "a condition needs `all`, `any` or `not_all`"
            : fmt::format("a condition is one of `{}`, not several", fmt::join(given, "`, `")));
  }

  void load_timeout(Fields& fields, const YamlNode& node) {
    const YamlNode* timeout = fields.find("timeout");
    if (timeout == nullptr) {
      if (result_.combine != Rule::Combine::not_all) return;
      loading_.diagnostics.error("missing-timeout", node.where, "`not_all` needs a `timeout`",
                                 "add timeout: 10 seconds beside it");
    } else if (result_.combine == Rule::Combine::any) {
      loading_.diagnostics.error("timeout-of-any", timeout->where, "`any` takes no `timeout`",
                                 "one event is enough for `any`; there is nothing to wait for");
    } else {
      result_.timeout = fields.span(timeout, "timeout", Units::with_milliseconds);
    }
  }

  void load_list(const std::vector<YamlNode>* items, const YamlNode& list, std::string_view key) {
    if (items == nullptr) return;
    result_.written = items->size();
    if (items->empty()) {
      loading_.diagnostics.error("empty-list", list.where,
                                 fmt::format("`{}` has no conditions", key),
                                 "write true for a condition that every event meets");
      return;
    }
    std::vector<const YamlNode*> texts;
    for (const YamlNode& item : *items) {
      if (item.is_string()) {
        texts.push_back(&item);
      } else {
        wrong_type(loading_.diagnostics, item, fmt::format("every item of `{}`", key), "a text",
                   item.is_mapping() ? "put a condition that holds a colon in quotes"
                                     : "put it in quotes");
      }
    }
    if (texts.size() < items->size()) return;  // positions would be wrong
    if (result_.combine == Rule::Combine::not_all && items->size() == 1) {
      loading_.diagnostics.warning("never-matches", list.where,
                                   "`not_all` with one condition never matches");
    }
    load_each(texts);
  }

  void load_each(const std::vector<const YamlNode*>& nodes) {
    const auto names = binding_names(nodes);
    ConditionScope scope;
    scope.variables = loading_.options.variables;
    scope.render = loading_.options.render;
    scope.bindings = names;
    for (const YamlNode* node : nodes) {
      load_one(*node, scope);
      ++scope.position;
    }
  }

  void load_one(const YamlNode& node, const ConditionScope& scope) {
    const auto places = places_of(node, loading_);
    auto condition = parse_condition_at(text_of(node), places, scope, loading_.diagnostics);
    if (!condition) return;
    const auto* bound = find_bound_path(condition->expression);
    if (bound != nullptr && result_.combine == Rule::Combine::any) {
      loading_.diagnostics.error(
          "binding-in-any", places.at(bound->offset, bound->length),
          fmt::format("`{}` refers to another condition of `any`, whose event is not there",
                      condition->text.substr(bound->offset, bound->length)),
          "one event meets one condition of `any`; use `all` to join events");
    }
    result_.conditions.push_back(std::move(*condition));
  }

  // Empty for one condition without an alias, in which m_0 is a field like others.
  std::vector<std::string> binding_names(const std::vector<const YamlNode*>& nodes) {
    std::vector<std::string> names;
    for (const YamlNode* node : nodes) {
      auto alias = alias_of(text_of(*node));
      if (nodes.size() == 1 && alias.empty()) return {};
      if (alias.empty()) alias = fmt::format("m_{}", names.size());
      const bool twice = std::ranges::find(names, alias) != names.end();
      if (twice && result_.combine != Rule::Combine::any) {
        loading_.diagnostics.warning(
            "duplicate-alias", node->where,
            fmt::format("two conditions are called {}: actions see one of their events", alias),
            "give each a name of its own");
      }
      names.push_back(std::move(alias));
    }
    return names;
  }

  const Loading& loading_;
  Conditions result_;
};

}  // namespace

Conditions load_conditions(const YamlNode& node, const Loading& loading) {
  return ConditionsLoader(loading).load(node);
}

}  // namespace millrace::rules
