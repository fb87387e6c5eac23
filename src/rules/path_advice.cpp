// SPDX-License-Identifier: Apache-2.0
#include "path_advice.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "claims.hpp"
#include "name_tree.hpp"

namespace millrace::rules {
namespace {

constexpr std::size_t kMostKnownNames = 10'000;  // of what actions put in

// A place where a rule names a path.
struct Mention {
  Expression path;
  Location where;
  std::size_t rule;
  std::vector<std::string> bindings;
  bool groups;  // in group_by_attributes
};

class PathAdvice {
 public:
  PathAdvice(const AdviceOptions& options, Diagnostics& diagnostics)
      : options_(options), diagnostics_(diagnostics) {}

  void collect(const Rule& rule) {
    const auto bindings = binding_names(rule);
    for (const auto& condition : rule.conditions)
      collect(condition, condition.expression, bindings);
    if (rule.throttle) collect(*rule.throttle);
    for (const auto& action : rule.actions) collect(action);
    ++rules_;
  }

  void report() {
    for (const auto& mention : mentions_) {
      if (options_.samples == nullptr) {
        compare_with_rules(mention);
      } else if (const auto* names = options_.samples->names(); names != nullptr) {
        compare_with_samples(mention, *names);
      }
    }
  }

 private:
  void collect(const Condition& condition, const Expression& expression,
               const std::vector<std::string>& bindings) {
    if (expression.kind == Expression::Kind::path)
      add({expression, condition.at(expression), rules_, bindings, false});
    for (const auto& operand : expression.operands) collect(condition, operand, bindings);
  }

  void collect(const Throttle& throttle) {
    for (std::size_t i = 0; i < throttle.group_by.size(); ++i) {
      Expression path;
      path.kind = Expression::Kind::path;
      path.path = throttle.group_by[i];
      add({std::move(path), throttle.group_by_where[i], rules_, {}, true});
    }
  }

  // Facts and events that the rules make have names of their own.
  void collect(const Extension& action) {
    for (const std::string_view key : {"fact", "event"}) {
      if (const auto* value = action.settings.if_contains(key))
        add_names(*value, made_by_rules_, kMostKnownNames);
    }
  }

  void add(Mention mention) {
    NameTree* at = &used_;
    for (const auto name : names_of(mention.path.path)) {
      at = &at->get(name);
      ++at->mentions;
      at->users.insert(mention.rule);
    }
    mentions_.push_back(std::move(mention));
  }

  void compare_with_samples(const Mention& mention, const NameTree& samples) {
    const NameTree* at = &samples;
    const auto names = names_of(mention.path.path);
    for (std::size_t i = 0; i < names.size() && !is_known(names, i); ++i) {
      if (const auto* next = at->find(names[i])) {
        at = next;
        continue;
      }
      if (const auto meant = slip_of(names[i], names_below(*at, names[i]), 2)) {
        report(mention, i, *meant, [&](const auto& written, const auto&) {
          return fmt::format("`{}` occurs in no sample event ({} read)", written,
                             options_.samples->count());
        });
      }
      return;
    }
  }

  // A name used once, beside a near one that is common.
  void compare_with_rules(const Mention& mention) {
    const NameTree* at = &used_;
    const auto names = names_of(mention.path.path);
    for (std::size_t i = 0; i < names.size() && !is_known(names, i); ++i) {
      const NameTree* next = at->find(names[i]);
      if (next->mentions > 1) {
        at = next;
        continue;
      }
      // What groups events may take its name from any condition, also that of its own rule.
      const auto others = mention.groups ? names_below(*at, names[i]) : common_names(*at);
      if (const auto meant = slip_of(names[i], others, 1)) {
        const auto& by = at->find(*meant)->users;
        if (!mention.groups && by.size() - by.count(mention.rule) < 2) return;
        const auto users = by.size();
        report(mention, i, *meant, [&](const auto& written, const auto& suggested) {
          return fmt::format("`{}` is used only here, `{}` by {} rule{}", written, suggested, users,
                             users == 1 ? "" : "s");
        });
      }
      return;
    }
  }

  // Names that two rules use at least.
  const std::vector<std::string>& common_names(const NameTree& parent) {
    const auto [found, is_new] = common_.try_emplace(&parent);
    if (is_new) {
      for (const auto& [name, below] : parent.below) {
        if (below->users.size() > 1) found->second.push_back(name);
      }
    }
    return found->second;
  }

  static std::vector<std::string> names_below(const NameTree& parent, std::string_view but) {
    std::vector<std::string> names;
    names.reserve(parent.below.size());
    for (const auto& [name, below] : parent.below) {
      if (name != but) names.push_back(name);
    }
    return names;
  }

  // Whether the first names lead to what the program or the rules put in themselves.
  bool is_known(const std::vector<std::string_view>& names, std::size_t last) const {
    const NameTree* at = &made_by_rules_;
    for (std::size_t i = 0; i <= last && at != nullptr; ++i) at = at->find(names[i]);
    return at != nullptr || names[0] == "meta";
  }

  template <class Message>
  void report(const Mention& mention, std::size_t n, const std::string& meant, Message message) {
    Expression suggested = mention.path;
    suggested.path = renamed(suggested.path, n, meant);
    const auto written = to_text(mention.path, mention.bindings);
    const auto better = to_text(suggested, mention.bindings);
    diagnostics_.warning("misspelt-path", mention.where, message(written, better),
                         fmt::format("did you mean `{}`?", better));
  }

  const AdviceOptions& options_;
  Diagnostics& diagnostics_;
  std::vector<Mention> mentions_;
  NameTree used_;
  NameTree made_by_rules_;
  std::map<const NameTree*, std::vector<std::string>> common_;
  std::size_t rules_ = 0;
};

}  // namespace

void advise_on_paths(const Rulebook& rulebook, const AdviceOptions& options,
                     Diagnostics& diagnostics) {
  PathAdvice advice(options, diagnostics);
  for (const auto& rule_set : rulebook.rule_sets) {
    for (const auto& rule : rule_set.rules) advice.collect(rule);
  }
  advice.report();
}

}  // namespace millrace::rules
