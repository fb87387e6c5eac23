// SPDX-License-Identifier: Apache-2.0
#include "playback.hpp"

#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/event.hpp"
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

}  // namespace

std::unique_ptr<Playback> Playback::load(std::string_view rulebook, const Object& variables,
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
  std::unique_ptr<Playback> playback(new Playback(std::move(*loaded)));
  playback->session_ = Session::create(playback->rulebook_.rule_sets[0], diagnostics);
  if (!playback->session_) return nullptr;
  playback->reader_ = std::make_unique<EventReader>(playback->session_->paths(), JsonLimits());
  return playback;
}

Result<Array> Playback::play(const Value& step) {
  const Object* object = step.if_object();
  if (object == nullptr) return fail(Errc::invalid_settings, "a step is an object");
  std::vector<Activation> fired;
  if (const auto* event = object->if_contains("event")) {
    if (auto inserted = insert_event(*event, fired); !inserted) return inserted.error();
  } else if (const auto* fact = object->if_contains("fact")) {
    session_->insert_fact(Document::copy_of(*fact), now_, fired);
  } else if (const auto* pattern = object->if_contains("retract")) {
    const auto* partial = object->if_contains("partial");
    const bool whole = partial != nullptr && !partial->as_bool();
    session_->retract(pattern->as_object(),
                      whole ? Session::Retract::whole : Session::Retract::partial, now_, fired);
  } else if (const auto* span = object->if_contains("advance")) {
    const auto parsed = parse_span(view(span->as_string()), Units::with_milliseconds);
    if (!parsed) return fail(Errc::invalid_settings, "not a span of time: {}", to_json(*span));
    now_ += parsed->length;
    session_->advance(now_, fired);
  } else {
    return fail(Errc::invalid_settings, "a step has event, fact, retract or advance");
  }
  return written(fired);
}

// As text, the way events come from sources.
Result<> Playback::insert_event(const Value& event, std::vector<Activation>& fired) {
  const auto json = to_json(event);
  const auto padded = json + std::string(kTextPadding, ' ');
  auto incoming = Event::from_text(std::string_view(padded).substr(0, json.size()));
  if (auto read = reader_->read(incoming, {}); !read) return read.error();
  session_->insert_event(*reader_, now_, fired);
  return {};
}

Array Playback::written(const std::vector<Activation>& fired) const {
  Array all;
  for (const auto& activation : fired) {
    Object match;
    for (const auto& [binding, document] : activation.bindings) match[binding] = document->value();
    all.push_back(Object{{"rule", rulebook_.rule_sets[0].rules[activation.rule].name},
                         {"match", std::move(match)}});
  }
  return all;
}

Array Playback::memory() const {
  Array all;
  for (const auto& document : session_->working_memory()) all.push_back(document->value());
  return all;
}

}  // namespace millrace::rules
