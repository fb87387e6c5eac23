// SPDX-License-Identifier: Apache-2.0
// Lines of a rule set: inputs are those of a record (record_format.cpp), their times counted from
// 1970. Others:
//   {"rule_set":"A","state":{"input":7,"at":…,"session":{…},"unfinished":[{"firing":[7,0],…}]}}
//   {"rule_set":"A","firing":[8,0],"rule":"R","action":0,"status":"started"}
// A firing is not written: the same input makes it again. It is known by the number of that input.
#include "rule_set_journal.hpp"

#include <algorithm>
#include <utility>

#include "input_player.hpp"
#include "millrace/event/json.hpp"
#include "record_format.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::string_view kLogName = "journal";

Error damaged(std::string_view why) { return fail(Errc::corrupt, "the journal: {}", why); }

const Value* find(const Object& object, std::string_view key) { return object.if_contains(key); }

std::optional<std::uint64_t> number(const Value* value) {
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value->get_int64());
}

std::optional<FiringId> firing_id(const Value* value) {
  if (value == nullptr || !value->is_array() || value->get_array().size() != 2) return std::nullopt;
  const auto input = number(&value->get_array()[0]);
  const auto index = number(&value->get_array()[1]);
  if (!input || !index) return std::nullopt;
  return FiringId{*input, *index};
}

std::string_view text(const Value* value) {
  return value != nullptr && value->is_string() ? view(value->get_string()) : std::string_view();
}

Array to_array(FiringId id) { return {id.input, id.number}; }

}  // namespace

RuleSetJournal::RuleSetJournal(Journal& journal, const rules::RuleSet& rules,
                               rules::Session& session, Log& log)
    : journal_(journal),
      rules_(rules),
      session_(session),
      log_(log),
      own_line_(fmt::format(R"({{"rule_set":{},)", to_json(Value(rules.name)))),
      inputs_(journal, rules, RuleSetRecorder::Firings::left_out) {}

RuleSetJournal::~RuleSetJournal() {
  if (number_) journal_.remove(*number_);
}

void RuleSetJournal::join() {
  number_ = journal_.add([this](std::string& out) { append_state(out); });
}

// --- what was

Result<> RuleSetJournal::recover(EventReader& reader) {
  for (const auto line : journal_.take_past(rules_.name)) {
    if (auto done = recover_line(line.substr(0, line.size() - 1), reader); !done)
      return Error(done.error()).with_context(fmt::format("rule set {}", rules_.name));
  }
  std::erase_if(unfinished_,
                [](const auto& entry) { return entry.second.done >= entry.second.actions; });
  if (!unfinished_.empty()) {
    log_.info(kLogName, "rule set {}: {} firings were not acted upon to the end, and are now",
              rules_.name, unfinished_.size());
  }
  return {};
}

Result<> RuleSetJournal::recover_line(std::string_view line, EventReader& reader) {
  if (!line.starts_with(own_line_)) return recover_input(line, reader);
  const auto value = parse_json(line, wide_limits());
  if (!value || !value->is_object()) return damaged("a line is no JSON object");
  const Object& object = value->get_object();
  const auto* state = find(object, "state");
  return state != nullptr ? recover_state(*state) : recover_action(object);
}

Result<> RuleSetJournal::recover_state(const Value& state) {
  const auto* object = state.if_object();
  const auto* session = object != nullptr ? find(*object, "session") : nullptr;
  const auto* unfinished = object != nullptr ? find(*object, "unfinished") : nullptr;
  const auto input = object != nullptr ? number(find(*object, "input")) : std::nullopt;
  const auto at = object != nullptr ? number(find(*object, "at")) : std::nullopt;
  if (session == nullptr || unfinished == nullptr || !unfinished->is_array() || !input || !at)
    return damaged("a state lacks an entry");
  input_ = *input;
  last_input_ = Instant(Duration(*at));
  const auto restored = session_.restore(*session);
  if (!restored) return restored.error();
  for (const auto& rule : restored->changed_rules) {
    log_.warning(
        kLogName,
        "rule set {}: rule `{}` has changed or is gone: its windows and groups are dropped",
        rules_.name, rule);
  }
  for (const auto& firing : unfinished->get_array()) {
    if (auto done = recover_unfinished(firing); !done) return done;
  }
  return {};
}

Result<> RuleSetJournal::recover_unfinished(const Value& value) {
  const auto* object = value.if_object();
  const auto id = object != nullptr ? firing_id(find(*object, "firing")) : std::nullopt;
  const auto done = object != nullptr ? number(find(*object, "done")) : std::nullopt;
  const auto at = object != nullptr ? number(find(*object, "at")) : std::nullopt;
  const auto* bindings = object != nullptr ? find(*object, "bindings") : nullptr;
  if (!id || !done || !at || bindings == nullptr || !bindings->is_object())
    return damaged("an unfinished firing lacks an entry");
  const auto name = text(find(*object, "rule"));
  const auto rule = std::ranges::find(rules_.rules, name, &rules::Rule::name);
  if (rule == rules_.rules.end() || !rule->enabled) {
    log_.warning(kLogName, "rule set {}: rule `{}` is gone: a firing of it is not acted upon",
                 rules_.name, name);
    return {};
  }
  Unfinished firing;
  firing.activation.rule = static_cast<std::size_t>(rule - rules_.rules.begin());
  firing.activation.at = Instant(Duration(*at));
  firing.actions = actions_of(firing.activation.rule);
  firing.done = *done;
  for (const auto& binding : bindings->get_object())
    firing.activation.bindings.emplace_back(binding.key(), Document::copy_of(binding.value()));
  unfinished_.insert_or_assign(*id, std::move(firing));
  return {};
}

// Of rules that have changed meanwhile it may mean another firing: then that is acted upon.
Result<> RuleSetJournal::recover_action(const Object& line) {
  const auto id = firing_id(find(line, "firing"));
  const auto action = number(find(line, "action"));
  const auto status = text(find(line, "status"));
  if (!id || !action) return damaged("what became of an action lacks an entry");
  const auto found = unfinished_.find(*id);
  if (found == unfinished_.end()) return {};
  if (rules_.rules[found->second.activation.rule].name != text(find(line, "rule"))) return {};
  if (status == "ok" || status == "failed")
    found->second.done = std::max<std::size_t>(found->second.done, *action + 1);
  return {};
}

Result<> RuleSetJournal::recover_input(std::string_view line, EventReader& reader) {
  const auto input = parse_line(line);
  if (!input) return input.error();
  std::vector<rules::Activation> fired;
  InputPlayer player(session_, reader);
  player.begin_at(last_input_);
  if (auto played = player.play(*input, {}, fired); !played) return played;
  begin_input(player.now());
  for (const auto& activation : fired) this->fired(activation);
  return {};
}

// --- what is

void RuleSetJournal::begin_input(Instant now) {
  ++input_;
  firing_ = 0;
  last_input_ = now;
}

void RuleSetJournal::event(Instant now, const Event& event, const EventReader::Arrival& arrival,
                           std::string_view uuid) {
  begin_input(now);
  inputs_.event(now, event, arrival, uuid, {});
}

void RuleSetJournal::fact(Instant now, const Value& fact) {
  begin_input(now);
  inputs_.fact(now, fact, {});
}

void RuleSetJournal::retract(Instant now, const Object& pattern, rules::Session::Retract how) {
  begin_input(now);
  inputs_.retract(now, pattern, how, {});
}

void RuleSetJournal::advance(Instant now) {
  begin_input(now);
  inputs_.advance(now, {});
}

FiringId RuleSetJournal::fired(const rules::Activation& activation) {
  const FiringId id{input_, firing_++};
  if (const auto actions = actions_of(activation.rule); actions > 0)
    unfinished_[id] = {activation, actions, 0};
  return id;
}

void RuleSetJournal::action_started(FiringId id, std::size_t action) {
  note(id, action, "started");
}

void RuleSetJournal::action_ended(FiringId id, std::size_t action, bool succeeded) {
  note(id, action, succeeded ? "ok" : "failed");
  const auto found = unfinished_.find(id);
  if (found == unfinished_.end()) return;
  found->second.done = action + 1;
  if (found->second.done >= found->second.actions) unfinished_.erase(found);
}

void RuleSetJournal::note(FiringId id, std::size_t action, std::string_view status) {
  const auto found = unfinished_.find(id);
  if (found == unfinished_.end()) return;
  const auto& rule = rules_.rules[found->second.activation.rule].name;
  fmt::format_to(std::back_inserter(journal_.begin_input()),
                 R"({}"firing":[{},{}],"rule":{},"action":{},"status":"{}"}})"
                 "\n",
                 own_line_, id.input, id.number, to_json(Value(rule)), action, status);
}

void RuleSetJournal::append_state(std::string& out) const {
  Array unfinished;
  for (const auto& [id, firing] : unfinished_) {
    Object bindings;
    for (const auto& [binding, document] : firing.activation.bindings)
      bindings[binding] = document->value();
    unfinished.push_back(Object{{"firing", to_array(id)},
                                {"rule", rules_.rules[firing.activation.rule].name},
                                {"at", firing.activation.at.time_since_epoch().count()},
                                {"done", firing.done},
                                {"bindings", std::move(bindings)}});
  }
  const Object state{{"input", input_},
                     {"at", last_input_.time_since_epoch().count()},
                     {"session", session_.state()},
                     {"unfinished", std::move(unfinished)}};
  out.append(own_line_).append(R"("state":)").append(to_json(state)).append("}\n");
}

}  // namespace millrace::pipeline
