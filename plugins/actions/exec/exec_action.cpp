// SPDX-License-Identifier: Apache-2.0
// Runs a program. Its arguments go to it unchanged, so that no event can make a shell do what the
// rulebook did not say; a shell is run only where the user wrote a shell's command line.

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/text.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/child_process.hpp"
#include "millrace/plugin/environment.hpp"
#include "millrace/plugin/internal_event.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::exec_action {
namespace {

constexpr std::size_t kShownError = 200;  // bytes of the program's last words in an error
constexpr double kLargestOutput = 64 << 20;

std::string last_line(std::string_view text) {
  text = trim(text);
  const auto end = text.rfind('\n');
  if (end != std::string_view::npos) text.remove_prefix(end + 1);
  if (text.size() <= kShownError) return printable(text);
  return printable(text.substr(0, kShownError)) + "…";
}

Result<ChildOptions> read_options(const Settings& settings) {
  ChildOptions options;
  if (settings.has("argv")) {
    options.arguments = settings.strings("argv");
  } else {
    options.arguments = {"/bin/sh", "-c", settings.string("command")};
  }
  auto environment = read_environment(settings, "environment");
  if (!environment) return environment.error();
  options.environment = std::move(*environment);
  if (settings.has("directory")) options.directory = settings.string("directory");
  const auto& input = settings.value("stdin");
  if (input.is_string()) {
    options.input = view(input.get_string());
  } else if (!input.is_null()) {
    options.input = to_json(input);
  }
  options.timeout = settings.seconds("timeout");
  options.output_limit = static_cast<std::size_t>(settings.integer("output_limit"));
  return options;
}

Result<> judge(const ChildOutcome& outcome, const std::string& program, const Settings& settings) {
  auto last_words = last_line(outcome.errors);
  if (!last_words.empty()) last_words.insert(0, ": ");
  if (outcome.timed_out) {
    return fail(Errc::timeout, "{} did not end within {} seconds{}", program,
                settings.number("timeout"), last_words);
  }
  const auto& success = settings.list("success");
  if (std::ranges::find(success, Value(outcome.exit_code)) != success.end()) return {};
  return fail(Errc::io, "{} ended with code {}{}", program, outcome.exit_code, last_words);
}

Object describe(const ChildOutcome& outcome, const std::vector<std::string>& arguments) {
  return {{"exec",
           {{"argv", Array(arguments.begin(), arguments.end())},
            {"rc", outcome.exit_code},
            {"stdout", valid_utf8(outcome.output)},
            {"stderr", valid_utf8(outcome.errors)},
            {"timed_out", outcome.timed_out}}}};
}

class ExecAction final : public Action {
 public:
  static Result<std::unique_ptr<ExecAction>> create(const Settings& settings) {
    if (auto checked = settings.empty() ? Result<>() : check(settings); !checked) {
      return checked.error();
    }
    return std::make_unique<ExecAction>();
  }

  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    if (auto checked = check(settings); !checked) co_return checked;
    auto options = read_options(settings);
    if (!options) co_return options.error();
    const auto arguments = options->arguments;
    const std::string program = settings.has("argv") ? printable(arguments[0]) : "the command";
    context.log.debug("action.exec", "running {} with {} arguments", program, arguments.size() - 1);

    const auto outcome = co_await run_child(context.loop, std::move(*options));
    if (!outcome) co_return outcome.error();

    // Whatever became of the program, what was asked for is printed and told first.
    auto verdict = judge(*outcome, program, settings);
    auto told = tell(*outcome, arguments, settings, context);
    co_return verdict ? told : verdict;
  }

 private:
  static Result<> check(const Settings& settings) {
    if (settings.has("argv") == settings.has("command")) {
      return fail(Errc::invalid_settings, "exactly one of argv and command is required");
    }
    if (settings.has("argv") && settings.list("argv").empty()) {
      return fail(Errc::invalid_settings, "argv is empty");
    }
    for (const auto& code : settings.list("success")) {
      if (!code.is_int64()) return fail(Errc::invalid_settings, "success must be exit codes");
    }
    return {};
  }

  Result<> tell(const ChildOutcome& outcome, const std::vector<std::string>& arguments,
                const Settings& settings, const ActionContext& context) {
    Result<> printed;
    if (settings.boolean("print")) {
      std::string text = printable(outcome.output);
      if (text.ends_with('\n')) text.pop_back();
      printed = context.output.banner(context.loop.clock().wall(), "exec", text);
    }
    const bool set_fact = settings.boolean("set_fact");
    const bool post_event = settings.boolean("post_event");
    if (!set_fact && !post_event) return printed;

    const auto rule_set =
        settings.has("ruleset") ? settings.string("ruleset") : std::string(context.rule_set);
    const auto entry = describe(outcome, arguments);
    const auto with_meta = [&] {  // each its own: two events of one uuid would count as one
      return with_internal_meta(entry, "exec", context.loop.clock(), uuids_).value();
    };
    Result<> told;
    if (set_fact) told = context.engine.set_fact(rule_set, with_meta());
    if (told && post_event) told = context.engine.post_event(rule_set, with_meta());
    return told ? printed : told;
  }

  UuidGenerator uuids_;
};

}  // namespace
}  // namespace millrace::exec_action

MILLRACE_PLUGIN(exec_action, plugin) {
  using millrace::Array;
  using millrace::Object;
  using millrace::Setting;
  using millrace::SettingType;
  plugin.action<millrace::exec_action::ExecAction>(
      "exec", "Runs a program.",
      {{Setting("argv", SettingType::strings, "the program and its arguments; no shell").nullable(),
        Setting("command", SettingType::string,
                "instead of argv: a command line for /bin/sh -c; never put an event's text into it")
            .nullable(),
        Setting("timeout", SettingType::seconds, "then the program and all it started are ended")
            .at_least(0.001)
            .by_default(60),
        Setting("environment", SettingType::object, "variables added to the engine's own")
            .by_default(Object())
            .nullable(),
        Setting("directory", SettingType::string, "where to run; by default the engine's directory")
            .nullable(),
        Setting("stdin", SettingType::any,
                "given on standard input: a text, or anything else as JSON")
            .nullable(),
        Setting("output_limit", SettingType::integer,
                "bytes kept of each of the two outputs; the rest is dropped")
            .at_least(0)
            .at_most(millrace::exec_action::kLargestOutput)
            .by_default(1 << 20),
        Setting("success", SettingType::list, "exit codes that are no failure")
            .by_default(Array{0}),
        Setting("set_fact", SettingType::boolean, "the outcome becomes a fact").by_default(false),
        Setting("post_event", SettingType::boolean, "the outcome becomes an event")
            .by_default(false),
        Setting("ruleset", SettingType::string,
                "the rule set that is told of the outcome; by default the rule's own")
            .nullable(),
        Setting("print", SettingType::boolean, "print what the program wrote on standard output")
            .by_default(false)}});
}
