// SPDX-License-Identifier: Apache-2.0
#include "staged_rulebook.hpp"

#include <utility>
#include <vector>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::rules {
namespace {

// As much of templates as conditions need: a text that is one `{{ name }}` becomes the variable.
Result<std::string> render_name(std::string_view text, const Object& variables) {
  const auto open = text.find("{{");
  const auto close = text.find("}}");
  const Value* found = variables.if_contains(trim(text.substr(open + 2, close - open - 2)));
  if (found == nullptr) return fail(Errc::not_found, "no such variable: {}", text);
  return found->is_string() ? std::string(view(found->get_string())) : to_json(*found);
}

// The cases say `retract`, and some say more than the step.
Value command_of(const Object& step) {
  Object command;
  for (const std::string_view key : {"event", "fact", "advance", "partial"}) {
    if (const auto* found = step.if_contains(key)) command[key] = *found;
  }
  if (const auto* pattern = step.if_contains("retract")) command["retract_fact"] = *pattern;
  return command;
}

}  // namespace

std::unique_ptr<StagedRulebook> StagedRulebook::load(std::string_view rulebook,
                                                     const Object& variables,
                                                     Diagnostics& diagnostics) {
  LoadOptions options;
  options.variables = &variables;
  options.render = [&](std::string_view text) { return render_name(text, variables); };
  auto loaded = load_rulebook(rulebook, "rulebook.yml", options, diagnostics);
  if (!loaded) return nullptr;
  if (loaded->rule_sets.size() != 1) {
    diagnostics.error("one-rule-set", {}, "a rulebook that is played back has one rule set");
    return nullptr;
  }
  std::unique_ptr<StagedRulebook> staged(new StagedRulebook(std::move(*loaded)));
  staged->playback_ = Playback::create(staged->rulebook_.rule_sets[0], diagnostics);
  return staged->playback_ ? std::move(staged) : nullptr;
}

Result<Array> StagedRulebook::play(const Value& step) {
  const auto fired = playback_->play(command_of(step.as_object()));
  if (!fired) return fired.error();
  Array all;
  for (const auto& activation : *fired) {
    Object match;
    for (const auto& [binding, document] : activation.bindings) match[binding] = document->value();
    all.push_back(Object{{"rule", rulebook_.rule_sets[0].rules[activation.rule].name},
                         {"match", std::move(match)}});
  }
  return all;
}

Array StagedRulebook::memory() const {
  Array all;
  for (const auto& document : session().working_memory()) all.push_back(document->value());
  return all;
}

}  // namespace millrace::rules
