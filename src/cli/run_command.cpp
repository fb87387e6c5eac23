// SPDX-License-Identifier: Apache-2.0
#include "run_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string_view>
#include <variant>

#include "ansible_rulebook.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/log.hpp"
#include "millrace/daemon/run.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

constexpr int kFailure = 1;
constexpr int kWrongCommandLine = 2;

LogLevel level_of(int verbosity) {
  if (verbosity > 1) return LogLevel::debug;
  return verbosity == 1 ? LogLevel::info : LogLevel::warning;
}

// What keeps `ansible-rulebook` from starting before anything is read; empty: nothing.
std::string_view cannot_start(const RunRequest& request) {
  const auto& options = request.options;
  if (options.worker && (options.id.empty() || options.audit.url.empty()))
    return "Worker mode needs an id and websocket url specfied";
  if (options.worker || !options.rulebooks.empty()) return {};
  return "Rulebook must be specified in non worker mode";
}

}  // namespace

int print_answer(const Answer& answer) {
  if (answer.to == Answer::To::standard_output) {
    const auto printed = print_result(answer.text);
    return printed != 0 ? printed : answer.exit_code;
  }
  static_cast<void>(write_all(STDERR_FILENO, answer.text).has_value());
  return answer.exit_code;
}

int run(const RunArguments& arguments) {
  auto request = resolve(arguments.options, process_environment());
  const auto refuse = [](std::string_view why) {
    print_failure(fmt::format("run: {} (`millrace run --help` tells more)", why));
    return kWrongCommandLine;
  };
  if (!request) return refuse(request.error().message());
  if (request->options.worker) {
    if (const auto why = cannot_start(*request); !why.empty()) return refuse(why);
  } else if (request->options.rulebooks.empty()) {
    return refuse("no rulebook was given");
  }
  request->options.log.least = level_of(request->verbosity);
  return daemon::run(request->options);
}

int run_as_ansible_rulebook(const std::vector<std::string>& arguments) {
  const auto parsed = parse_ansible_rulebook(arguments, process_environment());
  if (const auto* answer = std::get_if<Answer>(&parsed)) return print_answer(*answer);
  const auto& request = std::get<RunRequest>(parsed);
  if (const auto why = cannot_start(request); !why.empty()) {
    Log(request.options.log).error("ansible_rulebook.cli", "Terminating: {}", why);
    return kFailure;
  }
  return daemon::run(request.options);
}

}  // namespace millrace::cli
