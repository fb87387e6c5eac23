// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <utility>

#include "millrace/base/text.hpp"
#include "plugin_skeleton.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

constexpr int kWrongCommandLine = 2;
constexpr std::size_t kHelpColumn = 38;

constexpr auto* kFooter =
    "Examples:\n"
    "  millrace check rulebook.yml\n"
    "  millrace explain rulebook.yml --event event.json\n"
    "  millrace run rulebook.yml --vars vars.yml\n"
    "\n"
    "`millrace COMMAND --help` tells more about a command.";

std::string option_names(const RunOption& option) {
  std::string names = option.letter != 0 ? fmt::format("-{},", option.letter) : std::string();
  for (const auto& name : option.names) names += fmt::format("--{},", name);
  names.pop_back();
  return names;
}

std::string meaning_of(const RunOption& option) {
  if (option.environment.empty()) return option.meaning;
  return fmt::format("{} [{}]", option.meaning, option.environment);
}

// The innermost command that was named.
const CLI::App* chosen(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
  return app;
}

std::string path_of(const CLI::App* app) {
  std::string path = app->get_name();
  for (app = app->get_parent(); app != nullptr; app = app->get_parent())
    path = fmt::format("{} {}", app->get_name(), path);
  return path;
}

std::vector<std::string> known_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> known_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

// The heading in help.
void call_them_commands(CLI::App& app) {
  for (auto* command : app.get_subcommands([](CLI::App*) { return true; })) {
    command->group("Commands");
    call_them_commands(*command);
  }
}

// One line about what nobody asked for.
std::string unexpected(const CLI::App& app, const std::string& word) {
  if (word.starts_with('-')) {
    const auto name = word.substr(0, word.find('='));
    return fmt::format("unknown option {}{}", name, near_miss(name, known_options(app)));
  }
  const auto commands = known_commands(app);
  if (commands.empty()) return fmt::format("unexpected argument `{}`", word);
  return fmt::format("unknown command `{}`{}", word, near_miss(word, commands));
}

}  // namespace

CommandLine::CommandLine()
    : app_(std::make_unique<CLI::App>("Event automation: rules that answer events with actions.",
                                      "millrace")) {
  app_->set_version_flag("--version", "millrace " MILLRACE_VERSION, "print the version");
  app_->set_help_flag("-h,--help", "print this help");
  app_->footer(kFooter);
  app_->require_subcommand(0, 1);
  app_->get_formatter()->column_width(kHelpColumn);
  app_->get_formatter()->label("SUBCOMMAND", "COMMAND");
  app_->get_formatter()->label("Positionals", "Arguments");
  describe_run();
  describe_check();
  describe_explain();
  describe_try();
  describe_test();
  describe_bench();
  describe_replay();
  describe_plugin();
  describe_completion();
  call_them_commands(*app_);
}

CommandLine::~CommandLine() = default;

void CommandLine::describe_run() {
  auto* run = app_->add_subcommand("run", "run rulebooks until their sources end");
  run->footer(
      "Variables in brackets name the environment variable that holds the default.\n"
      "\n"
      "Exit codes: 0 a normal end, 1 it could not start or a source failed, 2 wrong command line,\n"
      "130 and 143 after SIGINT and SIGTERM; a second signal ends the program at once.\n"
      "\n"
      "Examples:\n"
      "  millrace run rulebook.yml\n"
      "  millrace run -r rulebook.yml --vars vars.yml -i inventory.yml -v\n"
      "  millrace run rulebook.yml --log-format json --stats stats.json --quiet\n"
      "  millrace run rulebook.yml --record run.zst --record-max-size 100M\n"
      "  millrace run rulebook.yml -S sources --plugin-dir plugins --config millrace.yml");
  run->add_option("RULEBOOK", rulebooks_, "rulebooks to run")->type_name("FILE");
  for (const auto& option : run_options()) {
    if (option.of == RunOption::Of::ansible_rulebook_only) continue;
    const auto names = option_names(option);
    const auto meaning = meaning_of(option);
    auto* added =
        option.is_flag() ? run->add_flag(names, meaning) : run->add_option(names, meaning);
    if (!option.is_flag()) added->type_name(option.argument)->take_all()->allow_extra_args(false);
    if (option.effect != RunOption::Effect::works)
      added->group("Options taken for compatibility, without effect in this version");
    run_options_.emplace_back(&option, added);
  }
}

void CommandLine::add_variables(CLI::App& command, VariablesArguments& variables) {
  command.add_option("-e,--vars", variables.file, "YAML file of variables")->type_name("FILE");
  command
      .add_option("-E,--env-vars", environment_names_,
                  "environment variables to take as variables, separated by commas")
      ->type_name("NAMES");
}

void CommandLine::add_plugins(CLI::App& command) {
  const auto add = [&](const char* names, std::vector<std::string>& folders, const char* meaning) {
    command.add_option(names, folders, meaning)
        ->type_name("DIR")
        ->take_all()
        ->allow_extra_args(false);
  };
  add("-S,--source-dir", plugins_.source_folders, "folder of source plugins, searched first");
  add("-F,--filter-dir", plugins_.filter_folders, "folder of filter plugins, searched first");
  add("--plugin-dir", plugins_.plugin_folders, "folder whose plugins are loaded");
  command
      .add_option("--python", plugins_.python,
                  "the Python that runs plugins and templates (python3) [MILLRACE_PYTHON]")
      ->type_name("PROGRAM");
  command
      .add_option("--config", plugins_.configuration_file,
                  "YAML file of settings of the engine and of its plugins")
      ->type_name("FILE")
      ->envname("MILLRACE_CONFIG");
}

void CommandLine::describe_check() {
  auto* check = app_->add_subcommand("check", "find what is wrong with rulebooks");
  check->footer(
      "Warns also of what is allowed and cannot be meant: tests that exclude each other, rules "
      "that\n"
      "an earlier one starves, conditions that nothing joins, paths that look misspelt.\n"
      "\n"
      "Exit codes: 0 no errors (warnings allowed), 1 errors, 2 wrong command line.\n"
      "\n"
      "Examples:\n"
      "  millrace check rulebooks/*.yml --vars vars.yml\n"
      "  millrace check rulebook.yml --events events.jsonl\n"
      "  millrace check rulebook.yml -S sources --plugin-dir plugins --config millrace.yml\n"
      "  millrace check rulebook.yml --json | jq '.diagnostics[]'");
  check->add_option("RULEBOOK", check_.rulebooks, "rulebooks to check")
      ->type_name("FILE")
      ->required();
  check
      ->add_option(
          "--events", check_.events,
          "sample events to find misspelt paths by (the first 10,000); - is standard input")
      ->type_name("FILE");
  add_variables(*check, check_.variables);
  add_plugins(*check);
  check->add_flag("--json", json_, "print {ok, diagnostics} as JSON");
}

void CommandLine::describe_explain() {
  auto* explain = app_->add_subcommand("explain", "tell why rules match an event, or do not");
  explain->footer(
      "The file holds one JSON object, or one on each line.\n"
      "\n"
      "Examples:\n"
      "  millrace explain rulebook.yml --event event.json\n"
      "  tail -n 1 events.jsonl | millrace explain rulebook.yml --event - --vars vars.yml");
  explain->add_option("RULEBOOK", explain_.rulebook, "the rulebook")->type_name("FILE")->required();
  explain->add_option("--event,--events", explain_.events, "events to explain; - is standard input")
      ->type_name("FILE")
      ->required();
  add_variables(*explain, explain_.variables);
  explain->add_flag("--json", json_, "print the explanation as JSON");
}

void CommandLine::describe_try() {
  auto* command = app_->add_subcommand("try", "try a rule set by hand or by script");
  command->footer(
      "Sources and actions are left out, and time passes only when it is told to. At a terminal,\n"
      "`help` lists the commands. From a pipe each line is one of\n"
      "  {\"event\": {...}}  {\"fact\": {...}}  {\"retract_fact\": {...}, \"partial\": true}\n"
      "  {\"advance\": \"5 seconds\"}  {\"facts\": null}\n"
      "answered by {\"rule\": NAME, \"match\": {...}, \"at\": MILLISECONDS} for each firing, and "
      "then\n"
      "by {\"ok\": true} or {\"error\": TEXT}.\n"
      "\n"
      "Exit codes: 0 all commands were taken, 1 some were not, 2 wrong command line.\n"
      "\n"
      "Examples:\n"
      "  millrace try rulebook.yml\n"
      "  echo '{\"event\": {\"i\": 1}}' | millrace try rulebook.yml --ruleset \"My rules\"");
  command->add_option("RULEBOOK", try_.rulebook, "the rulebook")->type_name("FILE")->required();
  command->add_option("--ruleset", try_.rule_set, "its rule set, if it has several")
      ->type_name("NAME");
  add_variables(*command, try_.variables);
}

void CommandLine::describe_test() {
  auto* test = app_->add_subcommand("test", "test rulebooks against cases, on virtual time");
  test->footer(
      "A file of cases says which rulebook it tests, what happens when, and what must fire:\n"
      "  rulebook: rulebook.yml\n"
      "  cases:\n"
      "    - name: a silent host is told of\n"
      "      events:\n"
      "        - event: {type: ping, host: a}\n"
      "      expect:\n"
      "        - {rule: Host is silent, at: 30 seconds}\n"
      "Neither sources nor actions run, and no time is spent waiting.\n"
      "\n"
      "Exit codes: 0 all cases passed, 1 some failed or a file is bad, 2 wrong command line.\n"
      "\n"
      "Examples:\n"
      "  millrace test rulebook.test.yml\n"
      "  millrace test tests/*.test.yml --filter \"silent\"\n"
      "  millrace test tests/*.test.yml --junit results.xml");
  test->add_option("TESTS", test_.files, "files of cases")->type_name("FILE")->required();
  test->add_option("--filter", test_.filter, "run the cases whose name contains this")
      ->type_name("TEXT");
  test->add_option("--junit", test_.junit_file, "write the results there as JUnit XML, too")
      ->type_name("FILE");
  test->add_flag("--json", json_, "print the results as JSON");
}

void CommandLine::describe_bench() {
  auto* bench = app_->add_subcommand("bench", "measure how fast rules take events here");
  bench->footer(
      "Reads the events into memory and matches them, without running actions, beside reading\n"
      "alone. The quickest of the repeated passes counts.\n"
      "\n"
      "Example:\n"
      "  millrace bench rulebook.yml --events events.jsonl --repeat 10");
  bench->add_option("RULEBOOK", bench_.rulebook, "the rulebook")->type_name("FILE")->required();
  bench->add_option("--events", bench_.events, "JSON events, one a line")
      ->type_name("FILE")
      ->required();
  bench->add_option("--repeat", bench_.repeat, "passes over the events (5)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
  add_variables(*bench, bench_.variables);
  bench->add_flag("--json", json_, "print the figures as JSON");
}

void CommandLine::describe_replay() {
  auto* replay = app_->add_subcommand("replay", "repeat what `run --record` has recorded");
  replay->footer(
      "What went into the rule sets goes in again, at the same times, without sources and "
      "actions.\n"
      "Prints {\"rule_set\", \"rule\", \"match\", \"at\": MILLISECONDS} for each firing, and "
      "compares\n"
      "them with those of the record. FILE.1, FILE.2 of the same run are read before FILE. The\n"
      "record is compressed JSON lines: `zstdcat FILE` shows it.\n"
      "\n"
      "Exit codes: 0 the same fired as recorded, or it was not compared (after --from, and when "
      "the\n"
      "record lacks the run's start); 1 something else fired, or it could not be replayed; 2 "
      "wrong\n"
      "command line.\n"
      "\n"
      "Examples:\n"
      "  millrace run rulebook.yml --record run.zst\n"
      "  millrace replay run.zst rulebook.yml\n"
      "  millrace replay run.zst changed.yml --from \"2 hours\" --to \"3 hours\"\n"
      "  millrace replay run.zst rulebook.yml --speed 10 | jq -r .rule");
  replay->add_option("FILE", replay_.record, "the record")->type_name("FILE")->required();
  replay->add_option("RULEBOOK", replay_.rulebooks, "rulebooks with its rule sets")
      ->type_name("FILE")
      ->required();
  replay
      ->add_option("--from", replay_.from, "leave out what came earlier than this after the start")
      ->type_name("SPAN");
  replay->add_option("--to", replay_.to, "end this long after the start of the record")
      ->type_name("SPAN");
  replay
      ->add_option("--speed", replay_.speed,
                   "max: without waiting (default); real; or a factor, such as 10")
      ->type_name("max|real|N");
  add_variables(*replay, replay_.variables);
  replay->add_flag("--json", json_, "print the result of the comparison as a last line of JSON");
}

void CommandLine::describe_completion() {
  auto* completion = app_->add_subcommand("completion", "print a script that completes commands");
  completion->footer(
      "Examples:\n"
      "  source <(millrace completion bash)\n"
      "  millrace completion zsh > ~/.zfunc/_millrace");
  completion->add_option("SHELL", completion_.shell, "the shell")
      ->type_name("bash|zsh")
      ->required()
      ->check([](const std::string& shell) {
        return shell == "bash" || shell == "zsh" ? std::string() : "must be bash or zsh";
      });
}

void CommandLine::describe_plugin() {
  auto* plugin = app_->add_subcommand("plugin", "list, document, check or begin plugins");
  plugin->require_subcommand(1);
  plugin->footer(
      "Examples:\n"
      "  millrace plugin list\n"
      "  millrace plugin doc webhook\n"
      "  millrace plugin check my_source.py\n"
      "  millrace plugin new source weather");
  auto* list = plugin->add_subcommand("list", "names, what they do and where they are from");
  list->footer(
      "Lists what is built in, and what lies in the folders that are named, in the plugin folders\n"
      "and in the Ansible collections that are installed.\n"
      "\n"
      "Examples:\n"
      "  millrace plugin list\n"
      "  millrace plugin list -S sources --plugin-dir plugins\n"
      "  millrace plugin list --json | jq -r '.[].name'");
  add_plugins(*list);
  list->add_flag("--json", json_, "print as JSON");
  list->add_flag("--names", plugin_list_.names_only, "print nothing but the names");
  auto* doc = plugin->add_subcommand("doc", "settings of a source, filter or action");
  doc->footer(
      "Examples:\n"
      "  millrace plugin doc webhook\n"
      "  millrace plugin doc ansible.eda.kafka\n"
      "  millrace plugin doc my_source -S sources");
  doc->add_option("NAME", plugin_doc_.name, "its name in rulebooks")
      ->type_name("PLUGIN")
      ->required();
  add_plugins(*doc);
  doc->add_flag("--json", json_, "print as JSON");
  describe_plugin_check(*plugin);
  describe_plugin_new(*plugin);
}

void CommandLine::describe_plugin_check(CLI::App& plugin) {
  auto* check = plugin.add_subcommand("check", "find what is wrong with a plugin");
  check->footer(
      "Tells what the file is, a source, a filter or a plugin, and whether its entry point and "
      "its\n"
      "documentation are as they must be. Sources and filters are not run.\n"
      "\n"
      "Exit codes: 0 no errors (warnings allowed), 1 errors, 2 wrong command line.\n"
      "\n"
      "Examples:\n"
      "  millrace plugin check my_source.py\n"
      "  millrace plugin check build/weather.so --json");
  check->add_option("FILE", plugin_check_.file, "a Python file, a package or a shared object")
      ->type_name("FILE")
      ->required();
  add_plugins(*check);
  check->add_flag("--json", json_, "print the result as JSON");
}

void CommandLine::describe_plugin_new(CLI::App& plugin) {
  auto* begin = plugin.add_subcommand("new", "write what a plugin of your own begins with");
  begin->footer(
      "Writes a plugin that can be built and tested as it is, its test and a README into a folder\n"
      "called NAME. Nothing is overwritten.\n"
      "\n"
      "Examples:\n"
      "  millrace plugin new source weather\n"
      "  millrace plugin new filter shorten --language python --directory plugins/shorten");
  begin->add_option("KIND", plugin_new_.kind, "what it provides")
      ->type_name(fmt::format("{}", fmt::join(plugin_kinds(), "|")))
      ->required();
  begin->add_option("NAME", plugin_new_.name, "its name: small letters, digits and _")
      ->type_name("NAME")
      ->required();
  begin->add_option("--language", plugin_new_.language, "what to write it in (cpp)")
      ->type_name("cpp|python")
      ->check([](const std::string& language) {
        return language == "cpp" || language == "python" ? std::string() : "must be cpp or python";
      });
  begin->add_option("--directory", plugin_new_.directory, "another folder to write to")
      ->type_name("DIR");
}

std::variant<Command, Answer> CommandLine::parse(std::vector<std::string> arguments) {
  if (arguments.empty()) return Answer{app_->help(), Answer::To::standard_output, 1};
  std::ranges::reverse(arguments);  // as CLI11 takes them
  try {
    app_->parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return Answer{app_->help()};
  } catch (const CLI::CallForVersion& version) {
    return Answer{std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    return refuse(error.what());
  }
  return take();
}

// What is unknown is told first: it is mostly why something else is missing.
Answer CommandLine::refuse(const std::string& why) const {
  const auto* command = chosen(app_.get());
  auto text = why;
  for (const auto* app = command; app != nullptr; app = app->get_parent()) {
    if (const auto words = app->remaining(); !words.empty()) text = unexpected(*app, words.front());
  }
  const auto path = path_of(command);
  return {fmt::format("{}: {} (`{} --help` tells more)\n", path, text, path),
          Answer::To::standard_error, kWrongCommandLine};
}

Command CommandLine::take() const {
  const auto* command = chosen(app_.get());
  const auto& name = command->get_name();
  const auto form = json_ ? OutputForm::json : OutputForm::text;
  const auto finished = [&](auto arguments) {
    if constexpr (requires { arguments.form; }) arguments.form = form;
    if constexpr (requires { arguments.plugins; }) arguments.plugins = plugins_;
    if constexpr (requires { arguments.variables; }) {
      for (const auto& part : split(environment_names_, ',')) {
        if (const auto trimmed = trim(part); !trimmed.empty())
          arguments.variables.environment_names.emplace_back(trimmed);
      }
    }
    return arguments;
  };
  if (name == "check" && command->get_parent() != app_.get()) return finished(plugin_check_);
  if (name == "check") return finished(check_);
  if (name == "explain") return finished(explain_);
  if (name == "try") return finished(try_);
  if (name == "test") return finished(test_);
  if (name == "bench") return finished(bench_);
  if (name == "replay") return finished(replay_);
  if (name == "list") return finished(plugin_list_);
  if (name == "doc") return finished(plugin_doc_);
  if (name == "new") return finished(plugin_new_);
  if (name == "completion") return completion_;
  RunArguments run;
  for (const auto& [option, given] : run_options_) {
    if (option->is_flag()) {
      run.options.insert(run.options.end(), given->count(), {option, ""});
    } else {
      for (const auto& value : given->results()) run.options.push_back({option, value});
    }
  }
  for (const auto& file : rulebooks_) run.options.push_back({&run_options().front(), file});
  return run;
}

}  // namespace millrace::cli
