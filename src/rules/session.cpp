// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <optional>

#include "network.hpp"
#include "support.hpp"

namespace millrace::rules {
namespace {

bool includes(const Object& object, const Object& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& entry) {
    const auto* found = object.if_contains(entry.key());
    return found != nullptr && identical(*found, entry.value());
  });
}

bool is_whole_of(const Object& object, const Object& given) {
  return std::ranges::all_of(object, [&](const auto& entry) {
    if (entry.key() == "meta") return true;
    const auto* found = given.if_contains(entry.key());
    return found != nullptr && identical(*found, entry.value());
  });
}

void refuse_what_is_to_come(const Rule& rule, Diagnostics& diagnostics) {
  for (const auto what : unsupported_features(rule)) {
    diagnostics.error(
        "unsupported-rule", rule.where,
        fmt::format("rule `{}` uses {}, which this version reads but does not run yet", rule.name,
                    what),
        "set `enabled: false` on the rule to run the others");
  }
}

}  // namespace

struct Session::Impl {
  // What a pattern of the network stands for.
  struct Pattern {
    std::size_t rule;
    std::size_t condition;
  };
  // A rule that fires for absence: its path, and how many entries of working memory have it.
  struct Existential {
    std::size_t rule;
    Path path;
    std::size_t holders = 0;
  };
  struct Entry {
    DocumentPtr document;
    bool is_fact;
    Instant expires;
  };

  Impl(const RuleSet& rule_set, std::vector<const Condition*> conditions,
       std::vector<Pattern> of_patterns, std::vector<Existential> absences)
      : rules(rule_set),
        patterns(std::move(of_patterns)),
        existentials(std::move(absences)),
        network(conditions),
        fact_reader(network.paths(), JsonLimits()) {}

  Activation activation(PatternId id, DocumentPtr document) const {
    const Rule& rule = rules.rules[patterns[id].rule];
    Activation fired{patterns[id].rule, {}};
    fired.bindings.emplace_back(rule.binding(patterns[id].condition), std::move(document));
    return fired;
  }

  // Rules that fire for absence do so once at the first evaluation, unless what sets it off has
  // their path, or a rule before them fires then.
  void begin(const Document* arriving, std::vector<Activation>& fired) {
    begun = true;
    for (const auto& existential : existentials) {
      const bool present =
          existential.holders > 0 || (arriving != nullptr && has(existential, *arriving));
      if (!present) fired.push_back({existential.rule, {}});
    }
  }

  // In single-rule mode the first rule that fired is the one reported.
  void report(std::vector<Activation> all, std::vector<Activation>& fired, bool all_rules) {
    std::ranges::stable_sort(all, {}, &Activation::rule);
    for (auto& activation : all) {
      if (!all_rules && activation.rule != all.front().rule) break;
      ++statistics.activations;
      fired.push_back(std::move(activation));
    }
  }

  void keep(DocumentPtr document, bool is_fact, Instant now) {
    for (auto& existential : existentials)
      existential.holders += has(existential, *document) ? 1 : 0;
    memory.push_back({std::move(document), is_fact, now + rules.default_events_ttl.length});
  }

  static bool has(const Existential& existential, const Document& document) {
    return static_cast<bool>(find(document.value(), existential.path));
  }

  void remove(std::list<Entry>::iterator entry, std::vector<Activation>* absences) {
    for (auto& existential : existentials) {
      if (!has(existential, *entry->document) || --existential.holders > 0 || absences == nullptr)
        continue;
      absences->push_back({existential.rule, {{"m", entry->document}}});
    }
    memory.erase(entry);
  }

  void expire(Instant now) {
    for (auto entry = memory.begin(); entry != memory.end();) {
      const auto next = std::next(entry);
      if (!entry->is_fact) {
        if (entry->expires > now) return;  // events stand in the order in which they came
        remove(entry, nullptr);
      }
      entry = next;
    }
  }

  void take_event(EventReader& reader, Instant now, std::vector<Activation>& fired) {
    ++statistics.processed;
    if (!memory.empty()) expire(now);
    std::vector<Activation> candidates;
    if (!begun) begin(existentials.empty() ? nullptr : reader.document().get(), candidates);
    const bool all_rules = rules.match_multiple_rules;
    bool matched = false;
    std::size_t last_rule = rules.rules.size();
    network.match(reader, [&](PatternId id) {
      matched = true;
      // `any` binds the first of its conditions that holds.
      if (patterns[id].rule != last_rule) candidates.push_back(activation(id, reader.document()));
      last_rule = patterns[id].rule;
      return all_rules;
    });
    statistics.matched += matched ? 1 : 0;
    if (matched ? all_rules : concerns_absence(reader))
      keep(reader.document(), /*is_fact=*/false, now);
    if (!candidates.empty()) report(std::move(candidates), fired, all_rules);
  }

  bool concerns_absence(EventReader& reader) const {
    return !existentials.empty() &&
           std::ranges::any_of(existentials, [&](const Existential& existential) {
             return has(existential, *reader.document());
           });
  }

  void take_fact(DocumentPtr fact, Instant now, std::vector<Activation>& fired) {
    std::vector<Activation> all;
    if (!begun) begin(fact.get(), all);
    fact_reader.read(fact->value());
    bool matched = false;
    std::size_t last_rule = rules.rules.size();
    network.match(fact_reader, [&](PatternId id) {
      matched = true;
      if (patterns[id].rule != last_rule) all.push_back(activation(id, fact));
      last_rule = patterns[id].rule;
      return true;
    });
    const bool concerned = std::ranges::any_of(
        existentials, [&](const Existential& existential) { return has(existential, *fact); });
    if (matched || concerned) keep(std::move(fact), /*is_fact=*/true, now);
    report(std::move(all), fired, /*all_rules=*/true);
  }

  void retract(const Object& pattern, Retract how, std::vector<Activation>& fired) {
    std::vector<Activation> all;
    for (auto entry = memory.begin(); entry != memory.end();) {
      const auto next = std::next(entry);
      const Object& object = entry->document->object();
      if (how == Retract::partial ? includes(object, pattern) : is_whole_of(object, pattern))
        remove(entry, &all);
      entry = next;
    }
    report(std::move(all), fired, /*all_rules=*/true);
  }

  const RuleSet& rules;
  const std::vector<Pattern> patterns;
  std::vector<Existential> existentials;
  Network network;
  EventReader fact_reader;
  std::list<Entry> memory;
  Statistics statistics;
  bool begun = false;
};

std::unique_ptr<Session> Session::create(const RuleSet& rules, Diagnostics& diagnostics) {
  std::vector<const Condition*> conditions;
  std::vector<Impl::Pattern> patterns;
  std::vector<Impl::Existential> existentials;
  Diagnostics found;
  for (std::size_t r = 0; r < rules.rules.size(); ++r) {
    const Rule& rule = rules.rules[r];
    if (!rule.enabled) continue;
    refuse_what_is_to_come(rule, found);
    if (is_existential(rule)) {
      existentials.push_back({r, rule.conditions[0].expression.operands[0].path});
      continue;
    }
    for (std::size_t c = 0; c < rule.conditions.size(); ++c) {
      conditions.push_back(&rule.conditions[c]);
      patterns.push_back({r, c});
    }
  }
  const bool refused = found.has_errors();
  diagnostics.append(std::move(found));
  if (refused) return nullptr;
  return std::unique_ptr<Session>(new Session(std::make_unique<Impl>(
      rules, std::move(conditions), std::move(patterns), std::move(existentials))));
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

const std::vector<Path>& Session::paths() const { return impl_->network.paths(); }

void Session::insert_event(EventReader& reader, Instant now, std::vector<Activation>& fired) {
  impl_->take_event(reader, now, fired);
}

void Session::insert_fact(DocumentPtr fact, Instant now, std::vector<Activation>& fired) {
  impl_->take_fact(std::move(fact), now, fired);
}

void Session::retract(const Object& pattern, Retract how, Instant now,
                      std::vector<Activation>& fired) {
  impl_->expire(now);
  impl_->retract(pattern, how, fired);
}

void Session::advance(Instant now, std::vector<Activation>& fired) {
  impl_->expire(now);
  std::vector<Activation> all;
  if (!impl_->begun) impl_->begin(nullptr, all);
  impl_->report(std::move(all), fired, impl_->rules.match_multiple_rules);
}

const Session::Statistics& Session::statistics() const { return impl_->statistics; }

std::vector<DocumentPtr> Session::working_memory() const {
  std::vector<DocumentPtr> all;
  for (const auto& entry : impl_->memory) all.push_back(entry.document);
  return all;
}

std::size_t Session::working_memory_size() const { return impl_->memory.size(); }

std::vector<Session::Notice> Session::take_notices() {
  std::vector<Notice> notices;
  for (auto& notice : impl_->network.take_notices()) {
    const auto& pattern = impl_->patterns[notice.pattern];
    const Rule& rule = impl_->rules.rules[pattern.rule];
    notices.push_back(
        {fmt::format("{}. RuleSet: {}. RuleName: {}. Condition: {}", notice.text, impl_->rules.name,
                     rule.name, rule.conditions[pattern.condition].text),
         true});
  }
  return notices;
}

}  // namespace millrace::rules
