// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/event/json.hpp"
#include "millrace/event/path.hpp"
#include "network.hpp"
#include "support.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;
using Verdict = RuleExplanation::Verdict;

constexpr std::size_t kMostShown = 60;     // bytes of a value
constexpr std::size_t kMostKeysShown = 6;  // of an object that lacks the wanted key

std::string shortened(std::string text) {
  if (text.size() <= kMostShown) return text;
  auto end = kMostShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

std::string name_of(std::span<const Path::Segment> segments) {
  const auto text = Path({segments.begin(), segments.end()}).to_string();
  return fmt::format("event{}{}", text.empty() || text.starts_with('[') ? "" : ".", text);
}

// Why the object or scalar at hand has no such part.
std::string why_missing(const Value& holder, std::string_view holder_name,
                        const Path::Segment& wanted) {
  if (!holder.is_object())
    return fmt::format(": {} is {}", holder_name, shortened(to_json(holder)));
  std::vector<std::string> keys;
  for (const auto& entry : holder.get_object()) keys.emplace_back(entry.key());
  // Of a shorter name every other one is a slip away.
  constexpr std::size_t kShortestLikeness = 3;
  if (const auto* key = std::get_if<Path::Key>(&wanted);
      key != nullptr && key->name.size() >= kShortestLikeness) {
    if (const auto near = nearest(key->name, keys))
      return fmt::format(", but {} has `{}`", holder_name, *near);
  }
  if (keys.empty()) return fmt::format(": {} is empty", holder_name);
  const auto more = keys.size() > kMostKeysShown;
  if (more) keys.resize(kMostKeysShown);
  return fmt::format(", {} has {}{}", holder_name, fmt::join(keys, ", "), more ? ", …" : "");
}

// "event.disk.used is 45", or which part of the way there is missing.
std::string describe(const Path& path, const Value& event) {
  const std::span<const Path::Segment> all = path.segments();
  if (const auto found = find(event, path))
    return fmt::format("{} is {}", name_of(all), shortened(to_json(*found)));
  std::size_t there = 0;
  const auto prefix = [&](std::size_t length) {
    return Path({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(length)});
  };
  while (there + 1 < all.size() && find(event, prefix(there + 1))) ++there;
  const auto missing = name_of(all.first(there + 1));
  if (there == 0 && path.first_key() == "meta")
    return fmt::format("{} is missing: the engine adds it when a source brings the event", missing);
  const auto holder = find(event, prefix(there));
  return fmt::format("{} is missing{}", missing,
                     why_missing(*holder, name_of(all.first(there)), all[there]));
}

// What the paths and variables of a test stand for, each told once.
void collect_findings(const Expression& expression, std::string_view condition, const Value& event,
                      std::vector<std::string>& findings) {
  std::string finding;
  if (expression.kind == Kind::path && !expression.binding)
    finding = describe(expression.path, event);
  if (expression.kind == Kind::literal && expression.offset < condition.size()) {
    const auto written = condition.substr(expression.offset, expression.length);
    if (written.starts_with("vars."))
      finding = fmt::format("{} is {}", written, shortened(to_json(expression.value)));
  }
  if (!finding.empty() && std::ranges::find(findings, finding) == findings.end())
    findings.push_back(std::move(finding));
  for (const auto& operand : expression.operands)
    collect_findings(operand, condition, event, findings);
}

// The paths of the conditions of one rule set, tried on one event.
class Explainer {
 public:
  Explainer(const RuleSet& rule_set, const Value& event)
      : rule_set_(rule_set), event_(event), first_pattern_(rule_set.rules.size()) {
    std::vector<const Condition*> conditions;
    for (std::size_t i = 0; i < rule_set.rules.size(); ++i) {
      const Rule& rule = rule_set.rules[i];
      first_pattern_[i] = static_cast<PatternId>(conditions.size());
      if (!rule.enabled || is_existential(rule) || never_fires(rule)) continue;
      for (const auto& condition : rule.conditions) conditions.push_back(&condition);
    }
    network_ = std::make_unique<Network>(conditions);
    reader_ = std::make_unique<EventReader>(network_->paths(), JsonLimits());
    reader_->read(event);
    network_->begin_event();
  }

  RuleExplanation explain(std::size_t index) {
    const Rule& rule = rule_set_.rules[index];
    RuleExplanation out;
    out.rule = index;
    if (!rule.enabled) {
      out.verdict = Verdict::disabled;
    } else if (never_fires(rule)) {
      out.note = "`not_all` with one condition never fires";
    } else if (is_existential(rule)) {
      out.verdict = Verdict::absence;
      out.note = fmt::format(
          "fires once at the start, and when the last event or fact with {} is retracted",
          name_of(rule.conditions[0].expression.operands[0].path.segments()));
    } else {
      explain_conditions(rule, first_pattern_[index], out);
      if (wants_several(rule)) explain_waiting(rule, first_pattern_[index], out);
    }
    return out;
  }

 private:
  // One condition, or several of which any is enough; the first that holds is the one that counts.
  void explain_conditions(const Rule& rule, PatternId first, RuleExplanation& out) {
    for (std::size_t i = 0; i < rule.conditions.size(); ++i) {
      const auto& root = network_->tree(first + static_cast<PatternId>(i));
      const bool matched = holds(root);
      if (matched) out.tests.clear();
      add_tests(rule.conditions[i], root, matched, out.tests);
      out.verdict = matched ? Verdict::matched : Verdict::not_matched;
      if (matched) return;
    }
  }

  // Of a rule that wants several events: as which conditions this one would wait.
  void explain_waiting(const Rule& rule, PatternId first, RuleExplanation& out) {
    if (out.verdict != Verdict::matched) return;
    std::vector<std::string> met;
    std::vector<std::string> wanted;
    for (std::size_t i = 0; i < rule.conditions.size(); ++i) {
      const bool holds_here = holds(network_->tree(first + static_cast<PatternId>(i)));
      (holds_here ? met : wanted).push_back(rule.binding(i));
    }
    out.verdict = Verdict::waits;
    out.note = fmt::format("the event waits as {}", fmt::join(met, " or "));
    if (!wanted.empty()) out.note += fmt::format(", for {}", fmt::join(wanted, " and "));
    if (rule.combine == Rule::Combine::not_all)
      out.note += fmt::format("; fires unless all have come within {}", rule.timeout->text);
  }

  bool holds(const TestTree& tree) {
    return rules::holds(
        tree, [this](const TestTree& leaf) { return network_->leaf_holds(leaf, *reader_); });
  }

  // The leaves below `node` that made it hold, or fail.
  void add_tests(const Condition& condition, const TestTree& node, bool wanted,
                 std::vector<TestExplanation>& tests) {
    for (const auto& child : node.children) {
      if (holds(child) == wanted) add_tests(condition, child, wanted, tests);
    }
    // Whether a test with another event holds is for that event to say.
    const bool joins = node.kind == TestTree::Kind::join;
    if (!node.children.empty() || (joins && wanted)) return;
    TestExplanation test{text_of(condition, node), wanted, {}};
    if (joins || node.kind == TestTree::Kind::predicate)
      test.finding = finding_of(condition, node, wanted);
    tests.push_back(std::move(test));
  }

  static std::string text_of(const Condition& condition, const TestTree& node) {
    const Expression& test = *node.origin;
    const bool has_place = test.length > 0 && test.offset + test.length <= condition.text.size();
    auto text = has_place ? condition.text.substr(test.offset, test.length) : rules::to_text(test);
    std::ranges::replace(text, '\n', ' ');
    const bool constant = node.kind == TestTree::Kind::always || node.kind == TestTree::Kind::never;
    return node.negated && !constant ? fmt::format("not ({})", text) : text;
  }

  std::string finding_of(const Condition& condition, const TestTree& node, bool holds) {
    std::vector<std::string> findings;
    if (node.kind == TestTree::Kind::predicate) {
      const Predicate& predicate = network_->predicate(node.predicate);
      if (const auto& types = predicate.mismatch())
        findings.push_back(fmt::format("cannot compare {} and {}", types->left, types->right));
      if (!predicate.trouble().empty()) findings.push_back(predicate.trouble());
    }
    // `event.type == "deploy"` tells what the value is when it holds.
    const auto kind = node.origin->kind;
    const bool evident = holds && !node.negated &&
                         ((kind == Kind::equal && with_literal(*node.origin)) ||
                          kind == Kind::truth || kind == Kind::not_defined);
    if (!evident) collect_findings(*node.origin, condition.text, event_, findings);
    return fmt::format("{}", fmt::join(findings, "; "));
  }

  static bool with_literal(const Expression& test) {
    return std::ranges::any_of(
        test.operands, [](const Expression& operand) { return operand.kind == Kind::literal; });
  }

  const RuleSet& rule_set_;
  const Value& event_;
  std::vector<PatternId> first_pattern_;  // by rule
  std::unique_ptr<Network> network_;
  std::unique_ptr<EventReader> reader_;
};

}  // namespace

std::vector<RuleExplanation> explain(const RuleSet& rule_set, const Value& event) {
  Explainer explainer(rule_set, event);
  std::vector<RuleExplanation> all;
  all.reserve(rule_set.rules.size());
  bool reported = false;
  for (std::size_t i = 0; i < rule_set.rules.size(); ++i) {
    auto& rule = all.emplace_back(explainer.explain(i));
    rule.reported =
        rule.verdict == Verdict::matched && (rule_set.match_multiple_rules || !reported);
    reported |= rule.reported;
  }
  return all;
}

namespace {

// What the paths of a test stand for in the events that wait.
void collect_values(const Expression& expression, std::size_t position, const Rule& rule,
                    const Session::Holding& holding, std::vector<std::string>& findings) {
  if (expression.kind == Kind::path) {
    const auto owner = expression.binding.value_or(position);
    const auto name =
        expression.binding ? fmt::format("events.{}", rule.binding(owner)) : std::string("event");
    const auto path = expression.path.to_string();
    const auto found = find(holding.conditions[owner].newest->value(), expression.path);
    const auto finding =
        fmt::format("{}{}{} is {}", name, path.empty() || path.starts_with('[') ? "" : ".", path,
                    found ? shortened(to_json(*found)) : "missing");
    if (std::ranges::find(findings, finding) == findings.end()) findings.push_back(finding);
  }
  for (const auto& operand : expression.operands)
    collect_values(operand, position, rule, holding, findings);
}

TestExplanation explain_unmet(const Rule& rule, const Session::Holding& holding,
                              const Session::Holding::Unmet& unmet) {
  const Expression& test = *unmet.test;
  const Condition& condition = rule.conditions[unmet.condition];
  const bool has_place = test.length > 0 && test.offset + test.length <= condition.text.size();
  std::vector<std::string> findings;
  collect_values(test, unmet.condition, rule, holding, findings);
  return {has_place ? condition.text.substr(test.offset, test.length) : to_text(test), false,
          fmt::format("{}", fmt::join(findings, "; "))};
}

WaitingExplanation explain_holding(const Rule& rule, std::size_t index,
                                   const Session::Holding& holding, Instant now) {
  WaitingExplanation out;
  out.rule = index;
  for (std::size_t i = 0; i < holding.conditions.size(); ++i) {
    const auto& [events, newest] = holding.conditions[i];
    out.bound.push_back({rule.binding(i), events, newest, rule.conditions[i].text});
  }
  for (const auto& unmet : holding.unmet) out.tests.push_back(explain_unmet(rule, holding, unmet));
  if (holding.window_end) out.left = *holding.window_end - now;
  for (const auto& group : holding.groups)
    out.groups.push_back({group.values, group.events, group.end - now});
  out.group_count = holding.group_count;
  return out;
}

bool waits(const Session::Holding& holding) {
  return holding.group_count > 0 ||
         std::ranges::any_of(holding.conditions, [](const auto& one) { return one.events > 0; });
}

}  // namespace

std::vector<WaitingExplanation> explain_waiting(const RuleSet& rule_set, const Session& session,
                                                Instant now) {
  std::vector<WaitingExplanation> all;
  for (std::size_t i = 0; i < rule_set.rules.size(); ++i) {
    const auto holding = session.holding(i);
    if (waits(holding)) all.push_back(explain_holding(rule_set.rules[i], i, holding, now));
  }
  return all;
}

}  // namespace millrace::rules
