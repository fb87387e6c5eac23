// SPDX-License-Identifier: Apache-2.0
#include <editline/readline.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "commands.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/playback.hpp"
#include "report.hpp"
#include "rule_set_choice.hpp"

namespace millrace::cli {
namespace {

constexpr auto* kHelp =
    "  event {\"host\": \"a\"}        an event comes\n"
    "  fact {\"os\": \"linux\"}       a fact is set\n"
    "  retract {\"os\": \"linux\"}    facts and events with these entries go\n"
    "  advance 5 seconds          time passes\n"
    "  facts                      what working memory holds\n"
    "  rules                      names of the rules\n"
    "  quit                       or the end of input\n"
    "JSON works, too: {\"retract_fact\": {\"os\": \"linux\"}, \"partial\": false}\n";

// Lines from a person at a terminal, or from a pipe.
class Input {
 public:
  Input() : terminal_(::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1) {}
  bool terminal() const { return terminal_; }

  std::optional<std::string> next() {
    std::string line;
    if (!terminal_) return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
    const std::unique_ptr<char, decltype(&std::free)> typed(::readline("millrace> "), &std::free);
    if (!typed) return std::nullopt;
    line = typed.get();
    if (!trim(line).empty()) ::add_history(line.c_str());
    return line;
  }

 private:
  const bool terminal_;
};

// `event {…}` and the like; JSON is taken as it is.
Result<Value> command_of(std::string_view line) {
  if (line.starts_with('{')) return parse_json(line);
  const auto blank = line.find_first_of(" \t");
  const auto word = line.substr(0, blank);
  const auto rest = blank == std::string_view::npos ? std::string_view() : trim(line.substr(blank));
  if (word == "facts" && rest.empty()) return Value(Object{{"facts", nullptr}});
  if (word == "advance") return Value(Object{{"advance", rest}});
  if (word != "event" && word != "fact" && word != "retract")
    return fail(Errc::invalid_settings, "unknown command `{}`; `help` lists them", word);
  auto argument = parse_json(rest);
  if (!argument) return argument.error();
  return Value(Object{{word == "retract" ? "retract_fact" : word, std::move(*argument)}});
}

class Trial {
 public:
  Trial(rules::Playback& playback, Input& input) : playback_(playback), input_(input) {}

  // The exit code.
  int run() {
    if (input_.terminal()) answer("`help` lists the commands.\n");
    while (auto line = input_.next()) {
      const auto text = trim(*line);
      if (text.empty()) continue;
      if (text == "quit" || text == "exit") break;
      if (const int failed = take(text)) return failed;
    }
    if (input_.terminal()) answer("\n");
    return some_failed_ && !input_.terminal() ? 1 : 0;
  }

 private:
  int answer(std::string_view text) { return print_result(text); }
  int answer(const Object& object) { return answer(to_json(object) + "\n"); }

  int take(std::string_view line) {
    if (input_.terminal() && line == "help") return answer(kHelp);
    if (input_.terminal() && line == "rules") return list_rules();
    const auto command = command_of(line);
    if (!command) return refuse(command.error());
    const auto* object = command->if_object();
    if (object != nullptr && object->size() == 1 && object->contains("facts")) return list_facts();
    const auto fired = playback_.play(*command);
    if (!fired) return refuse(fired.error());
    std::string text;
    for (const auto& activation : *fired) text += to_json(written(activation)) + "\n";
    for (const auto& notice : playback_.session().take_notices())
      text += to_json(Object{{"notice", notice.text}}) + "\n";
    return answer(text + to_json(Object{{"ok", true}}) + "\n");
  }

  int refuse(const Error& error) {
    some_failed_ = true;
    return answer(Object{{"error", error.message()}});
  }

  Object written(const rules::Activation& activation) const {
    using std::chrono::milliseconds;
    Object match;
    for (const auto& [binding, document] : activation.bindings)
      match[binding] = without_meta(document->value());
    const auto at = std::chrono::floor<milliseconds>(activation.at.time_since_epoch());
    return {{"rule", playback_.rules().rules[activation.rule].name},
            {"match", std::move(match)},
            {"at", at.count()}};
  }

  int list_facts() {
    Array all;
    for (const auto& document : playback_.session().working_memory())
      all.push_back(without_meta(document->value()));
    return answer(to_json(Object{{"facts", std::move(all)}}) + "\n" +
                  to_json(Object{{"ok", true}}) + "\n");
  }

  int list_rules() {
    std::string text;
    for (const auto& rule : playback_.rules().rules)
      text += fmt::format("  {}{}\n", printable(rule.name), rule.enabled ? "" : " (disabled)");
    return answer(text);
  }

  rules::Playback& playback_;
  Input& input_;
  bool some_failed_ = false;
};

}  // namespace

int try_rules(const TryArguments& arguments) {
  const auto loaded = load_or_tell(arguments.rulebook, arguments.variables);
  if (!loaded) return 1;
  const auto chosen = choose_rule_set(loaded->rulebook, arguments.rule_set);
  if (!chosen) return print_failure(chosen.error().message());
  Diagnostics diagnostics;
  const auto playback = rules::Playback::create(**chosen, diagnostics);
  print_diagnostics(diagnostics, {});
  if (!playback) return 1;
  Input input;
  return Trial(*playback, input).run();
}

}  // namespace millrace::cli
