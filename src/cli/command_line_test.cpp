// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "completion.hpp"

namespace millrace::cli {
namespace {

using Words = std::vector<std::string>;

template <class Wanted>
Wanted taken(Words words) {
  CommandLine line;
  const auto result = line.parse(std::move(words));
  if (const auto* answer = std::get_if<Answer>(&result)) ADD_FAILURE() << answer->text;
  const auto* command = std::get_if<Command>(&result);
  const auto* wanted = command != nullptr ? std::get_if<Wanted>(command) : nullptr;
  EXPECT_TRUE(wanted != nullptr);
  return wanted != nullptr ? *wanted : Wanted();
}

Answer answer(Words words) {
  CommandLine line;
  const auto result = line.parse(std::move(words));
  const auto* found = std::get_if<Answer>(&result);
  EXPECT_TRUE(found != nullptr);
  return found != nullptr ? *found : Answer();
}

// "name=value" of each option, in order.
Words run_options_of(Words words) {
  Words out;
  for (const auto& [option, value] : taken<RunArguments>(std::move(words)).options)
    out.push_back(option->name() + "=" + value);
  std::ranges::sort(out);
  return out;
}

TEST(CommandLine, TakesRunWithItsOptions) {
  EXPECT_EQ(run_options_of({"run", "a.yml", "-r", "b.yml", "--vars=v.yml", "-vv", "--quiet",
                            "--controller-url", "http://x"}),
            (Words{"controller-url=http://x", "quiet=", "rulebook=a.yml", "rulebook=b.yml",
                   "vars=v.yml", "verbose=", "verbose="}));
}

TEST(CommandLine, TakesOneValueForEachOption) {
  EXPECT_EQ(run_options_of({"run", "-r", "a.yml", "b.yml"}),
            (Words{"rulebook=a.yml", "rulebook=b.yml"}));
  EXPECT_EQ(run_options_of({"run", "-e", "v.yml", "b.yml"}),
            (Words{"rulebook=b.yml", "vars=v.yml"}));
}

TEST(CommandLine, TakesCheck) {
  const auto check = taken<CheckArguments>(
      {"check", "a.yml", "b.yml", "--json", "-e", "v.yml", "-E", "A, B", "--events", "e.jsonl"});
  EXPECT_EQ(check.rulebooks, (Words{"a.yml", "b.yml"}));
  EXPECT_EQ(check.form, OutputForm::json);
  EXPECT_EQ(check.events, "e.jsonl");
  EXPECT_EQ(check.variables.file, "v.yml");
  EXPECT_EQ(check.variables.environment_names, (Words{"A", "B"}));
}

TEST(CommandLine, TakesExplainAndBench) {
  const auto explain = taken<ExplainArguments>({"explain", "a.yml", "--event", "-"});
  EXPECT_EQ(explain.rulebook, "a.yml");
  EXPECT_EQ(explain.events, "-");
  EXPECT_EQ(explain.form, OutputForm::text);
  const auto bench = taken<BenchArguments>({"bench", "a.yml", "--events", "e", "--repeat", "9"});
  EXPECT_EQ(bench.repeat, 9u);
}

TEST(CommandLine, TakesReplay) {
  const auto replay = taken<ReplayArguments>({"replay", "run.zst", "a.yml", "b.yml", "--from",
                                              "5 minutes", "--to=2 hours", "--speed", "10"});
  EXPECT_EQ(replay.record, "run.zst");
  EXPECT_EQ(replay.rulebooks, (Words{"a.yml", "b.yml"}));
  EXPECT_EQ(replay.from, "5 minutes");
  EXPECT_EQ(replay.to, "2 hours");
  EXPECT_EQ(replay.speed, "10");
  EXPECT_EQ(taken<ReplayArguments>({"replay", "run.zst", "a.yml"}).speed, "max");
}

TEST(CommandLine, TakesTest) {
  const auto test = taken<TestArguments>(
      {"test", "a.yml", "--filter", "x", "b.yml", "--junit", "j.xml", "--json"});
  EXPECT_EQ(test.files, (Words{"a.yml", "b.yml"}));
  EXPECT_EQ(test.filter, "x");
  EXPECT_EQ(test.junit_file, "j.xml");
  EXPECT_EQ(test.form, OutputForm::json);
}

TEST(CommandLine, TakesThePluginCommands) {
  EXPECT_EQ(taken<PluginListArguments>({"plugin", "list", "--json"}).form, OutputForm::json);
  const auto doc = taken<PluginDocArguments>(
      {"plugin", "doc", "-S", "a", "webhook", "--source-dir=b", "-F", "c", "--plugin-dir", "d"});
  EXPECT_EQ(doc.name, "webhook");
  EXPECT_EQ(doc.plugins.source_folders, (Words{"a", "b"}));
  EXPECT_EQ(doc.plugins.filter_folders, Words{"c"});
  EXPECT_EQ(doc.plugins.plugin_folders, Words{"d"});
  EXPECT_EQ(taken<PluginCheckArguments>({"plugin", "check", "x.py"}).file, "x.py");
  EXPECT_EQ(taken<PluginDocArguments>({"plugin", "doc", "webhook"}).name, "webhook");
  const auto begun = taken<PluginNewArguments>(
      {"plugin", "new", "source", "weather", "--language", "python", "--directory", "x"});
  EXPECT_EQ(begun.kind, "source");
  EXPECT_EQ(begun.name, "weather");
  EXPECT_EQ(begun.language, "python");
  EXPECT_EQ(begun.directory, "x");
  EXPECT_EQ(taken<PluginNewArguments>({"plugin", "new", "filter", "mine"}).language, "cpp");
}

TEST(CommandLine, PrintsHelpWithoutArguments) {
  const auto help = answer({});
  EXPECT_EQ(help.exit_code, 1);
  EXPECT_EQ(help.to, Answer::To::standard_output);
  EXPECT_NE(help.text.find("completion"), std::string::npos);
}

TEST(CommandLine, PrintsHelpWithExamplesForEveryCommand) {
  for (const Words& words : std::vector<Words>{{"--help"},
                                               {"run", "--help"},
                                               {"check", "-h"},
                                               {"explain", "--help"},
                                               {"test", "--help"},
                                               {"bench", "--help"},
                                               {"replay", "--help"},
                                               {"completion", "--help"},
                                               {"plugin", "--help"},
                                               {"plugin", "list", "--help"},
                                               {"plugin", "doc", "--help"},
                                               {"plugin", "check", "--help"},
                                               {"plugin", "new", "--help"}}) {
    const auto help = answer(words);
    EXPECT_EQ(help.exit_code, 0) << words[0];
    EXPECT_NE(help.text.find("Example"), std::string::npos) << help.text;
  }
}

TEST(CommandLine, PrintsTheVersion) {
  EXPECT_TRUE(answer({"--version"}).text.starts_with("millrace "));
  EXPECT_EQ(answer({"--version"}).exit_code, 0);
}

TEST(CommandLine, RefusesWrongCommandLinesInOneLine) {
  const auto refused = [](Words words) {
    const auto text = answer(std::move(words));
    EXPECT_EQ(text.exit_code, 2);
    EXPECT_EQ(text.to, Answer::To::standard_error);
    EXPECT_EQ(std::ranges::count(text.text, '\n'), 1) << text.text;
    return text.text;
  };
  EXPECT_NE(refused({"chek", "a.yml"}).find("unknown command `chek`; did you mean `check`?"),
            std::string::npos);
  EXPECT_NE(refused({"run", "a.yml", "--var", "x"})
                .find("millrace run: unknown option --var; did you mean `--vars`?"),
            std::string::npos);
  EXPECT_NE(refused({"check"}).find("millrace check: RULEBOOK is required"), std::string::npos);
  EXPECT_NE(refused({"explain", "a.yml"}).find("--event"), std::string::npos);
  EXPECT_NE(refused({"run", "a.yml", "--stats"}).find("--stats"), std::string::npos);
  EXPECT_NE(refused({"bench", "a", "--events", "b", "--repeat", "0"}).find("--repeat"),
            std::string::npos);
  EXPECT_NE(refused({"completion", "fish"}).find("bash or zsh"), std::string::npos);
  EXPECT_NE(refused({"plugin", "lst"}).find("did you mean `list`?"), std::string::npos);
  EXPECT_NE(refused({"--frobnicate"}).find("unknown option --frobnicate"), std::string::npos);
}

// What the shell offers for the words typed so far.
std::string bash_offers(const std::string& words) {
  const CommandLine line;
  const auto script = bash_completion(line.description()) + "COMP_WORDS=(" + words +
                      "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _millrace millrace; "
                      "echo ${COMPREPLY[@]}\n";
  char path[] = "/tmp/millrace-completion-XXXXXX";
  const int fd = ::mkstemp(path);
  EXPECT_EQ(::write(fd, script.data(), script.size()), static_cast<ssize_t>(script.size()));
  ::close(fd);
  const std::unique_ptr<FILE, int (*)(FILE*)> shell(
      ::popen(fmt::format("bash {}", path).c_str(), "r"), ::pclose);
  char text[4096] = {};
  const auto size = std::fread(text, 1, sizeof text - 1, shell.get());
  ::unlink(path);
  return {text, size};
}

TEST(Completion, OffersCommandsOptionsAndChoicesInBash) {
  EXPECT_EQ(bash_offers("millrace r"), "run replay\n");
  EXPECT_EQ(bash_offers("millrace plugin d"), "doc\n");
  EXPECT_EQ(bash_offers("millrace run --execution-s"), "--execution-strategy\n");
  EXPECT_EQ(bash_offers("millrace run --log-format ''"), "text json\n");
  EXPECT_EQ(bash_offers("millrace completion z"), "zsh\n");
  EXPECT_EQ(bash_offers("millrace check --json --js"), "--json\n");
}

TEST(Completion, KnowsEveryCommandInZsh) {
  const CommandLine line;
  const auto script = zsh_completion(line.description());
  for (const auto* part : {"_millrace_run()", "_millrace_plugin_doc()", "--vars[", "#compdef"})
    EXPECT_NE(script.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace millrace::cli
