// SPDX-License-Identifier: Apache-2.0
// Runs a command and makes events of the lines that it writes.

#include <memory>
#include <string>
#include <utility>

#include "command.hpp"
#include "millrace/base/text.hpp"
#include "millrace/plugin/environment.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::exec_source {
namespace {

constexpr std::int64_t kUsualLine = std::int64_t{1} << 20;
constexpr double kLongestLine = 16 << 20;  // what the engine takes as one event

class ExecSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    if (settings.has("command") == settings.has("shell"))
      return fail(Errc::invalid_settings, "exactly one of command and shell is required");
    CommandOptions options;
    if (settings.has("command")) {
      options.process.arguments = settings.strings("command");
      if (options.process.arguments.empty())
        return fail(Errc::invalid_settings, "command is empty");
      options.name = printable(options.process.arguments.front());
    } else {
      options.process.arguments = {"/bin/sh", "-c", settings.string("shell")};
      options.name = "the command";
    }
    auto environment = read_environment(settings, "environment");
    if (!environment) return environment.error();
    options.process.environment = std::move(*environment);
    if (settings.has("directory")) options.process.directory = settings.string("directory");
    options.format = settings.string("format") == "json" ? Format::json : Format::lines;
    const auto stream = settings.string("stream");
    options.output = stream != "stderr";
    options.errors = stream != "stdout";
    options.max_line = static_cast<std::size_t>(settings.integer("max_line"));
    return std::unique_ptr<Source>(std::make_unique<ExecSource>(std::move(options)));
  }

  explicit ExecSource(CommandOptions options) : options_(std::move(options)) {}

  Task<Result<>> run(SourceContext& context) override {
    const auto command = Command::start(context, options_);
    if (!command) co_return command.error();
    co_return co_await (*command)->run();
  }

 private:
  const CommandOptions options_;
};

SettingsSchema schema() {
  SettingsSchema schema;
  auto& all = schema.settings;
  all.push_back(Setting("command", SettingType::strings,
                        "the program, which is looked up in PATH, and its arguments; no shell")
                    .nullable());
  all.push_back(
      Setting("shell", SettingType::string, "instead of command: a command line for /bin/sh -c")
          .nullable());
  all.push_back(Setting("format", SettingType::string,
                        "lines: each is an event {\"line\": text}; json: each is itself an event")
                    .one_of({"lines", "json"})
                    .by_default("lines"));
  all.push_back(Setting("stream", SettingType::string,
                        "of which of its two outputs; both adds the key stream")
                    .one_of({"stdout", "stderr", "both"})
                    .by_default("stdout"));
  all.push_back(
      Setting("directory", SettingType::string, "where to run; by default the engine's directory")
          .nullable());
  all.push_back(Setting("environment", SettingType::object, "variables added to the engine's own")
                    .by_default(Object())
                    .nullable());
  all.push_back(
      Setting("max_line", SettingType::integer, "bytes of a line; a longer one is refused")
          .by_default(kUsualLine)
          .at_least(1)
          .at_most(kLongestLine));
  return schema;
}

}  // namespace
}  // namespace millrace::exec_source

MILLRACE_PLUGIN(exec_source, plugin) {
  plugin.source<millrace::exec_source::ExecSource>(
      "exec", "Makes events of the lines that a command writes.", millrace::exec_source::schema());
}
