// SPDX-License-Identifier: Apache-2.0
#include "ansible_rulebook.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::cli {
namespace {

using Words = std::vector<std::string>;

std::variant<RunRequest, Answer> parsed(Words words) {
  words.insert(words.begin(), "ansible-rulebook");
  return parse_ansible_rulebook(words,
                                [](const std::string&) { return std::optional<std::string>(); });
}

RunRequest request(Words words) {
  auto result = parsed(std::move(words));
  if (const auto* answer = std::get_if<Answer>(&result)) ADD_FAILURE() << answer->text;
  auto* found = std::get_if<RunRequest>(&result);
  return found != nullptr ? std::move(*found) : RunRequest();
}

Answer answer(Words words) {
  auto result = parsed(std::move(words));
  const auto* found = std::get_if<Answer>(&result);
  if (found == nullptr) ADD_FAILURE() << "was taken as a run";
  return found != nullptr ? *found : Answer();
}

TEST(AnsibleRulebook, TakesTheOptionsOfTheOriginal) {
  const auto run =
      request({"--rulebook", "a.yml", "-e",         "v.yml",      "--env-vars",
               "A,B",        "-i",    "hosts",      "-W",         "ws://x",
               "--id",       "7",     "-w",         "--vault-id", "a@b",
               "--vault-id", "c@d",   "--gc-after", "1000",       "--controller-ssl-verify",
               "no",         "-m",    "2"});
  EXPECT_EQ(run.options.rulebooks, Words{"a.yml"});
  EXPECT_EQ(run.options.variables_file, "v.yml");
  EXPECT_EQ(run.options.environment_variables, (Words{"A", "B"}));
  EXPECT_EQ(run.options.inventory, "hosts");
  EXPECT_EQ(run.options.vault.ids, (Words{"a@b", "c@d"}));
  EXPECT_TRUE(run.options.worker);
  EXPECT_EQ(run.options.id, "7");
  EXPECT_EQ(run.options.audit.url, "ws://x");
  EXPECT_EQ(run.options.concurrent_actions, 2u);
}

TEST(AnsibleRulebook, TakesPrefixesEqualsSignsAndClusters) {
  const auto run = request({"--ruleb=a.yml", "-vvEX", "--shutdown-d", "3", "-i=odd"});
  EXPECT_EQ(run.options.rulebooks, Words{"a.yml"});
  EXPECT_EQ(run.verbosity, 2);
  EXPECT_EQ(run.options.environment_variables, Words{"X"});
  EXPECT_EQ(run.options.shutdown_delay, std::chrono::seconds(3));
}

TEST(AnsibleRulebook, LogsAsTheOriginalDoes) {
  const auto silent = request({"-r", "a.yml"}).options;
  EXPECT_EQ(silent.log.format, LogFormat::python);
  EXPECT_EQ(silent.log.least, LogLevel::warning);
  EXPECT_EQ(silent.log.fd, 2);
  EXPECT_EQ(silent.summary, daemon::RunOptions::Summary::none);
  EXPECT_EQ(silent.faults, daemon::RunOptions::Faults::logged);
  const auto verbose = request({"-r", "a.yml", "-v"}).options;
  EXPECT_EQ(verbose.log.least, LogLevel::info);
  EXPECT_EQ(verbose.log.fd, 1);
  EXPECT_EQ(request({"-r", "a.yml", "-v", "-v"}).options.log.least, LogLevel::debug);
}

TEST(AnsibleRulebook, PrintsHelpWithoutArguments) {
  const auto help = answer({});
  EXPECT_EQ(help.exit_code, 1);
  EXPECT_EQ(help.to, Answer::To::standard_output);
  EXPECT_NE(help.text.find("--rulebook FILE"), std::string::npos);
  EXPECT_EQ(answer({"--help"}).exit_code, 0);
}

TEST(AnsibleRulebook, PrintsNineLinesOfVersions) {
  const auto version = answer({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(std::ranges::count(version.text, '\n'), 9);
  EXPECT_TRUE(version.text.starts_with("ansible-rulebook ["));
  EXPECT_NE(version.text.find("\n  Executable location = /"), std::string::npos);
  EXPECT_NE(version.text.find("\n  Platform = Linux"), std::string::npos);
}

TEST(AnsibleRulebook, RefusesWrongCommandLinesInOneLine) {
  const auto refused = [](Words words) {
    const auto text = answer(std::move(words));
    EXPECT_EQ(text.exit_code, 2);
    EXPECT_EQ(text.to, Answer::To::standard_error);
    EXPECT_EQ(std::ranges::count(text.text, '\n'), 1);
    return text.text;
  };
  EXPECT_NE(refused({"--rulebok", "x"}).find("unknown option --rulebok; did you mean `--rulebook`"),
            std::string::npos);
  EXPECT_NE(refused({"--websocket", "x"}).find("ambiguous option --websocket: --websocket-url"),
            std::string::npos);
  EXPECT_NE(refused({"-vZ"}).find("unknown option -Z"), std::string::npos);
  EXPECT_NE(refused({"-r"}).find("option -r needs a value"), std::string::npos);
  EXPECT_NE(refused({"--worker=yes"}).find("option --worker takes no value"), std::string::npos);
  EXPECT_NE(refused({"-r", "a.yml", "b.yml"}).find("unexpected argument `b.yml`"),
            std::string::npos);
  EXPECT_NE(refused({"--stats", "x"}).find("unknown option --stats"), std::string::npos);
  EXPECT_NE(refused({"--gc-after"}).find("needs a value"), std::string::npos);
}

}  // namespace
}  // namespace millrace::cli
