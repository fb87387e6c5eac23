// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/playback.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/event/event.hpp"
#include "millrace/event/json.hpp"

namespace millrace::rules {
namespace {

constexpr std::array<std::string_view, 4> kCommands = {"event", "fact", "retract_fact", "advance"};

constexpr std::chrono::hours kLongest(100 * 365 * 24);  // nanoseconds count three times as far

struct Command {
  std::string_view name;
  const Value* argument = nullptr;
  bool partial = true;
};

Result<Command> read_command(const Value& written) {
  const auto refuse = [](std::string why) {
    return fail(Errc::invalid_settings, "{}; a command has one of {}", why,
                fmt::join(kCommands, ", "));
  };
  const Object* object = written.if_object();
  if (object == nullptr) return refuse("a command is an object");
  Command command;
  const Value* partial = nullptr;
  for (const auto& entry : *object) {
    const std::string_view key = entry.key();
    if (key == "partial") {
      partial = &entry.value();
    } else if (std::ranges::find(kCommands, key) == kCommands.end()) {
      return refuse(fmt::format("unknown key `{}`", key));
    } else if (command.argument != nullptr) {
      return refuse(fmt::format("`{}` and `{}` are two commands", command.name, key));
    } else {
      command.name = key;
      command.argument = &entry.value();
    }
  }
  if (command.argument == nullptr) return refuse("nothing to do");
  if (partial != nullptr) {
    if (command.name != "retract_fact" || !partial->is_bool())
      return refuse("`partial` is true or false, beside `retract_fact`");
    command.partial = partial->get_bool();
  }
  if (command.name != "advance" && !command.argument->is_object()) {
    return fail(Errc::invalid_settings, "`{}` takes an object, not {}", command.name,
                to_json(*command.argument));
  }
  return command;
}

}  // namespace

std::unique_ptr<Playback> Playback::create(const RuleSet& rules, Diagnostics& diagnostics) {
  auto session = Session::create(rules, diagnostics);
  if (!session) return nullptr;
  return std::unique_ptr<Playback>(new Playback(rules, std::move(session)));
}

Playback::Playback(const RuleSet& rules, std::unique_ptr<Session> session)
    : rules_(rules), session_(std::move(session)), reader_(session_->paths(), JsonLimits()) {}

Playback::~Playback() = default;

Result<std::vector<Activation>> Playback::play(const Value& command) {
  const auto read = read_command(command);
  if (!read) return read.error();
  std::vector<Activation> fired;
  if (read->name == "event") {
    if (auto inserted = insert_event(*read->argument, fired); !inserted) return inserted.error();
  } else if (read->name == "fact") {
    session_->insert_fact(Document::copy_of(*read->argument), now_, fired);
  } else if (read->name == "retract_fact") {
    session_->retract(read->argument->get_object(),
                      read->partial ? Session::Retract::partial : Session::Retract::whole, now_,
                      fired);
  } else if (auto advanced = advance(*read->argument, fired); !advanced) {
    return advanced.error();
  }
  return fired;
}

Result<std::vector<Activation>> Playback::advance_to(Duration at) {
  if (at < now()) return fail(Errc::invalid_settings, "time does not go back");
  now_ = Instant(at);
  std::vector<Activation> fired;
  session_->advance(now_, fired);
  return fired;
}

// As text, the way events come from sources.
Result<> Playback::insert_event(const Value& event, std::vector<Activation>& fired) {
  const auto json = to_json(event);
  const auto padded = json + std::string(kTextPadding, ' ');
  auto incoming = Event::from_text(std::string_view(padded).substr(0, json.size()));
  if (auto read = reader_.read(incoming, {}); !read) return read.error();
  session_->insert_event(reader_, now_, fired);
  return {};
}

Result<> Playback::advance(const Value& span, std::vector<Activation>& fired) {
  const auto parsed = span.is_string()
                          ? parse_span(view(span.get_string()), Units::with_milliseconds)
                          : std::nullopt;
  if (!parsed) {
    return fail(Errc::invalid_settings, "{} is no span of time; write \"5 seconds\"",
                to_json(span));
  }
  if (parsed->length > kLongest - now())
    return fail(Errc::invalid_settings, "time goes on for a hundred years at most");
  now_ += parsed->length;
  session_->advance(now_, fired);
  return {};
}

}  // namespace millrace::rules
