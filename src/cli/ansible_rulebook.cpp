// SPDX-License-Identifier: Apache-2.0
#include "ansible_rulebook.hpp"

#include <fmt/format.h>
#include <getopt.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "report.hpp"

namespace millrace::cli {
namespace {

constexpr auto* kName = "ansible-rulebook";
constexpr int kWrongCommandLine = 2;
constexpr int kFirstLong = 256;  // beyond every letter

std::vector<const RunOption*> own_options() {
  std::vector<const RunOption*> own;
  for (const auto& option : run_options()) {
    if (option.of != RunOption::Of::millrace_only) own.push_back(&option);
  }
  return own;
}

// The tables that getopt_long reads.
class OptionTables {
 public:
  OptionTables() : letters_(":h") {
    long_.push_back({"help", no_argument, nullptr, 'h'});
    for (std::size_t i = 0; i < options_.size(); ++i) {
      const auto& option = *options_[i];
      const int argument = option.is_flag() ? no_argument : required_argument;
      for (const auto& name : option.names)
        long_.push_back({name.c_str(), argument, nullptr, kFirstLong + static_cast<int>(i)});
      if (option.letter == 0) continue;
      letters_ += option.letter;
      if (!option.is_flag()) letters_ += ':';
    }
    long_.push_back({});
  }

  const char* letters() const { return letters_.c_str(); }
  const ::option* long_options() const { return long_.data(); }
  const RunOption* find(int code) const {
    if (code >= kFirstLong) return options_[static_cast<std::size_t>(code - kFirstLong)];
    const auto found = std::ranges::find(options_, code, &RunOption::letter);
    return found == options_.end() ? nullptr : *found;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto* option : options_) {
      for (const auto& name : option->names) names.push_back("--" + name);
    }
    return names;
  }

 private:
  const std::vector<const RunOption*> options_ = own_options();
  std::string letters_;
  std::vector<::option> long_;
};

Answer refuse(std::string_view why) {
  return {fmt::format("{0}: error: {1} (`{0} --help` lists the options)\n", kName, why),
          Answer::To::standard_error, kWrongCommandLine};
}

Answer refuse_option(const OptionTables& tables, const std::string& word, int letter) {
  if (!word.starts_with("--"))
    return refuse(fmt::format("unknown option -{}", static_cast<char>(letter)));
  const auto name = word.substr(0, word.find('='));
  std::vector<std::string> like;
  for (auto& known : tables.names()) {
    if (known.starts_with(name)) like.push_back(std::move(known));
  }
  if (like.size() > 1)
    return refuse(fmt::format("ambiguous option {}: {}", name, fmt::join(like, ", ")));
  if (like.size() == 1) return refuse(fmt::format("option {} takes no value", like.front()));
  return refuse(fmt::format("unknown option {}{}", name, near_miss(name, tables.names())));
}

std::string version_text() {
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  struct utsname system{};
  ::uname(&system);
  return fmt::format(
      "ansible-rulebook [millrace {}]\n"
      "  Executable location = {}\n"
      "  Drools_jpy version = not used\n"
      "  Java home = not used\n"
      "  Java version = not used\n"
      "  Ansible core version = not used\n"
      "  Python version = not used\n"
      "  Python executable = not used\n"
      "  Platform = {}-{}-{}\n",
      MILLRACE_VERSION, program, system.sysname, system.release, system.machine);
}

void choose_log(RunRequest& request) {
  auto& log = request.options.log;
  log.format = LogFormat::python;
  if (request.verbosity == 0) return;
  log.fd = STDOUT_FILENO;
  log.least = request.verbosity > 1 ? LogLevel::debug : LogLevel::info;
}

// Options as they stand on the command line, or what is wrong with it.
std::variant<std::vector<GivenOption>, Answer> read_options(
    const std::vector<std::string>& arguments) {
  const OptionTables tables;
  auto words = arguments;  // getopt_long wants them changeable
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  const auto count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);

  std::vector<GivenOption> given;
  ::optind = 0;  // starts anew, also the second time
  ::opterr = 0;
  for (;;) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the only thread
    const int code =
        ::getopt_long(count, pointers.data(), tables.letters(), tables.long_options(), nullptr);
    if (code == -1) break;
    const std::string word = pointers[static_cast<std::size_t>(std::max(::optind - 1, 1))];
    if (code == 'h') return Answer{ansible_rulebook_help()};
    if (code == ':') return refuse(fmt::format("option {} needs a value", word));
    if (code == '?') return refuse_option(tables, word, ::optopt);
    given.push_back({tables.find(code), ::optarg != nullptr ? ::optarg : ""});
  }
  if (::optind < count)
    return refuse(
        fmt::format("unexpected argument `{}`", pointers[static_cast<std::size_t>(::optind)]));
  return given;
}

}  // namespace

std::string ansible_rulebook_help() {
  auto out = fmt::format("usage: {} -r RULEBOOK [OPTION…]\n\noptions:\n", kName);
  const auto add = [&](const std::string& names, std::string_view meaning) {
    out += fmt::format("  {:<44}  {}\n", names, meaning);
  };
  add("-h, --help", "print this help");
  for (const auto* option : own_options()) {
    auto names = option->letter != 0 ? fmt::format("-{}, ", option->letter) : std::string();
    names += fmt::format("--{}", fmt::join(option->names, ", --"));
    if (!option->is_flag()) names += " " + option->argument;
    auto meaning = option->meaning;
    if (!option->environment.empty()) meaning += fmt::format(" [{}]", option->environment);
    add(names, meaning);
  }
  return out;
}

std::variant<RunRequest, Answer> parse_ansible_rulebook(const std::vector<std::string>& arguments,
                                                        const Environment& environment) {
  if (arguments.size() < 2) return Answer{ansible_rulebook_help(), Answer::To::standard_output, 1};
  const auto read = read_options(arguments);
  if (const auto* answer = std::get_if<Answer>(&read)) return *answer;
  auto request = resolve(std::get<std::vector<GivenOption>>(read), environment);
  if (!request) return refuse(request.error().message());
  if (request->version) return Answer{version_text()};
  choose_log(*request);
  request->options.summary = daemon::RunOptions::Summary::none;
  request->options.progress = daemon::RunOptions::Progress::none;
  request->options.faults = daemon::RunOptions::Faults::logged;
  return std::move(*request);
}

}  // namespace millrace::cli
