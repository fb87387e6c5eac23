// SPDX-License-Identifier: Apache-2.0
#include "run_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::cli {
namespace {

using Effect = RunOption::Effect;
using Of = RunOption::Of;

constexpr double kLongestDelay = 1e9;  // seconds; far from where nanoseconds overflow

Result<double> to_seconds(std::string_view text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds >= 0))
    return fail(Errc::invalid_settings, "`{}` is not a number of seconds", text);
  return std::min(seconds, kLongestDelay);
}

Result<std::uint32_t> to_count(std::string_view text) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Errc::invalid_settings, "`{}` is not a whole number", text);
  return count;
}

// "100", "64K", "10M", "1G", also with iB.
Result<std::uint64_t> to_bytes(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  std::uint64_t bytes = 0;
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, bytes);
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  const auto at = unit.empty() ? 0 : kUnits.find(unit.front());
  const auto power = unit.empty() ? 0 : at + 1;
  const bool known = at < kUnits.size() && (unit.size() <= 1 || unit.substr(1) == "iB");
  if (error != std::errc() || !known || bytes == 0 ||
      bytes > std::numeric_limits<std::uint64_t>::max() >> (10 * power))
    return fail(Errc::invalid_settings, "`{}` is no number of bytes, such as 500M or 1G", text);
  return bytes << (10 * power);
}

// Of a flag: nothing behind the option itself, a word in the environment.
Result<bool> to_flag(std::string_view text) {
  for (const std::string_view word : {"", "1", "true", "True", "TRUE", "yes", "on"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"0", "false", "False", "FALSE", "no", "off"}) {
    if (text == word) return false;
  }
  return fail(Errc::invalid_settings, "`{}` is neither true nor false", text);
}

using Take = std::function<Result<>(RunRequest&, std::string_view)>;

Take text_into(std::string daemon::RunOptions::* member) {
  return [member](RunRequest& request, std::string_view value) -> Result<> {
    request.options.*member = value;
    return {};
  };
}

Take text_into(std::string daemon::AuditServer::* member) {
  return [member](RunRequest& request, std::string_view value) -> Result<> {
    request.options.audit.*member = value;
    return {};
  };
}

Take flag_into(bool daemon::RunOptions::* member) {
  return [member](RunRequest& request, std::string_view value) -> Result<> {
    const auto flag = to_flag(value);
    if (!flag) return flag.error();
    request.options.*member = *flag;
    return {};
  };
}

Take folder_into(std::vector<std::filesystem::path> PluginPaths::* member) {
  return [member](RunRequest& request, std::string_view value) -> Result<> {
    (request.options.plugins.paths.*member).emplace_back(value);
    return {};
  };
}

Result<> take_python(RunRequest& request, std::string_view value) {
  request.options.plugins.python.interpreter = value;
  return {};
}

Take nothing() {
  return [](RunRequest&, std::string_view) -> Result<> { return {}; };
}

Result<> take_environment_names(RunRequest& request, std::string_view value) {
  for (const auto& name : split(value, ',')) {
    const auto trimmed = trim(name);
    if (!trimmed.empty()) request.options.environment_variables.emplace_back(trimmed);
  }
  return {};
}

template <class Member>
Take seconds_into(Member daemon::RunOptions::* member) {
  return [member](RunRequest& request, std::string_view value) -> Result<> {
    const auto seconds = to_seconds(value);
    if (!seconds) return seconds.error();
    request.options.*member =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
    return {};
  };
}

Result<> take_skip_audit(RunRequest& request, std::string_view value) {
  const auto flag = to_flag(value);
  if (!flag) return flag.error();
  request.options.audit.skip_actions = *flag;
  return {};
}

Result<> take_reporting_queue(RunRequest& request, std::string_view value) {
  const auto count = to_count(value);
  if (!count) return count.error();
  if (*count > 0) request.options.audit.most_waiting = *count;
  return {};
}

Result<> take_execution_strategy(RunRequest& request, std::string_view value) {
  if (value != "sequential" && value != "parallel")
    return fail(Errc::invalid_settings, "`{}` is neither sequential nor parallel", value);
  request.options.execution_strategy = value == "parallel" ? rules::ExecutionStrategy::parallel
                                                           : rules::ExecutionStrategy::sequential;
  return {};
}

// 0 is the default.
Result<> take_concurrent_actions(RunRequest& request, std::string_view value) {
  const auto count = to_count(value);
  if (!count) return count.error();
  if (*count > 0) request.options.concurrent_actions = *count;
  return {};
}

Result<> take_partial_matches(RunRequest& request, std::string_view value) {
  const auto count = to_count(value);
  if (!count) return count.error();
  request.options.session.most_partial_matches = *count;
  return {};
}

Result<> take_state_bytes(RunRequest& request, std::string_view value) {
  const auto bytes = to_bytes(value);
  if (!bytes) return bytes.error();
  request.options.session.most_bytes = *bytes;
  return {};
}

Result<> take_log_format(RunRequest& request, std::string_view value) {
  if (value != "text" && value != "json")
    return fail(Errc::invalid_settings, "`{}` is neither text nor json", value);
  request.options.log.format = value == "json" ? LogFormat::json : LogFormat::text;
  return {};
}

Result<> take_quiet(RunRequest& request, std::string_view) {
  request.options.summary = daemon::RunOptions::Summary::none;
  return {};
}

Result<> take_no_progress(RunRequest& request, std::string_view) {
  request.options.progress = daemon::RunOptions::Progress::none;
  return {};
}

Result<> take_record(RunRequest& request, std::string_view value) {
  request.options.record.file = value;
  return {};
}

Result<> take_record_max_size(RunRequest& request, std::string_view value) {
  const auto bytes = to_bytes(value);
  if (!bytes) return bytes.error();
  request.options.record.most_bytes = *bytes;
  return {};
}

Result<> take_record_keep(RunRequest& request, std::string_view value) {
  const auto count = to_count(value);
  if (!count) return count.error();
  request.options.record.keep = *count;
  return {};
}

Result<> take_journal(RunRequest& request, std::string_view value) {
  request.options.journal.folder = value;
  return {};
}

Result<> take_journal_max_size(RunRequest& request, std::string_view value) {
  const auto bytes = to_bytes(value);
  if (!bytes) return bytes.error();
  request.options.journal.most_bytes = *bytes;
  return {};
}

Result<> take_journal_sync(RunRequest& request, std::string_view value) {
  using Sync = pipeline::JournalOptions::Sync;
  if (value != "always" && value != "never")
    return fail(Errc::invalid_settings, "must be always or never");
  request.options.journal.sync = value == "always" ? Sync::always : Sync::never;
  return {};
}

Result<> take_vault_password_file(RunRequest& request, std::string_view value) {
  request.options.vault.password_file = value;
  return {};
}

Result<> take_vault_id(RunRequest& request, std::string_view value) {
  request.options.vault.ids.emplace_back(value);
  return {};
}

Result<> take_ask_vault_pass(RunRequest& request, std::string_view) {
  request.options.vault.ask = daemon::VaultOptions::Ask::yes;
  return {};
}

Result<> take_rulebook(RunRequest& request, std::string_view value) {
  request.options.rulebooks.emplace_back(value);
  return {};
}

Result<> take_verbose(RunRequest& request, std::string_view) {
  ++request.verbosity;
  return {};
}

Result<> take_version(RunRequest& request, std::string_view) {
  request.version = true;
  return {};
}

Take controller_text(std::string controller::ControllerOptions::* member) {
  return [member](RunRequest& request, std::string_view value) -> Result<> {
    request.options.controller.*member = value;
    return {};
  };
}

Take controller_count(std::size_t controller::ControllerOptions::* member) {
  return [member](RunRequest& request, std::string_view value) -> Result<> {
    const auto count = to_count(value);
    if (!count) return count.error();
    request.options.controller.*member = std::max<std::size_t>(*count, 1);
    return {};
  };
}

Take controller_pause(Duration controller::ControllerOptions::* member) {
  return [member](RunRequest& request, std::string_view value) -> Result<> {
    const auto seconds = to_seconds(value);
    if (!seconds) return seconds.error();
    request.options.controller.*member =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
    return {};
  };
}

Result<> take_controller_ssl_verify(RunRequest& request, std::string_view value) {
  const auto flag = to_flag(value);
  request.options.controller.ssl_verify = !flag ? std::string(value) : *flag ? "yes" : "no";
  return {};
}

Result<> take_controller_labels(RunRequest& request, std::string_view value) {
  const auto wrong = fail(Errc::invalid_settings, "`{}` is no JSON list of texts", value);
  const auto labels = parse_json(value);
  if (!labels || !labels->is_array()) return wrong;
  auto& all = request.options.controller.labels;
  all.clear();
  for (const auto& label : labels->get_array()) {
    if (!label.is_string()) return wrong;
    all.emplace_back(view(label.get_string()));
  }
  return {};
}

// An option that does what it says; `environment` names the variable that holds its default.
RunOption works(std::string name, char letter, std::string argument, std::string environment,
                std::string meaning, Take take) {
  return {.names = {std::move(name)},
          .letter = letter,
          .argument = std::move(argument),
          .environment = std::move(environment),
          .meaning = std::move(meaning),
          .take = std::move(take)};
}

RunOption only(RunOption::Of program, RunOption option) {
  option.of = program;
  return option;
}

RunOption also_called(std::string name, RunOption option) {
  option.names.push_back(std::move(name));
  return option;
}

RunOption ignored(RunOption option) {
  option.effect = Effect::none;
  return option;
}

void add_working_options(std::vector<RunOption>& all) {
  using daemon::RunOptions;
  all.push_back(works("rulebook", 'r', "FILE", "", "rulebook to run; may be given several times",
                      take_rulebook));
  all.push_back(works("vars", 'e', "FILE", "", "YAML file of variables",
                      text_into(&RunOptions::variables_file)));
  all.push_back(works("env-vars", 'E', "NAMES", "",
                      "environment variables to take as variables, separated by commas",
                      take_environment_names));
  all.push_back(works("inventory", 'i', "PATH", "ANSIBLE_INVENTORY",
                      "inventory file or directory for actions that run on hosts",
                      text_into(&RunOptions::inventory)));
  all.push_back(works("print-events", 0, "", "EDA_PRINT_EVENTS",
                      "print each event that is received", flag_into(&RunOptions::print_events)));
  all.push_back(works("shutdown-delay", 0, "SECONDS", "EDA_SHUTDOWN_DELAY",
                      "how long actions may go on at the end (60)",
                      seconds_into(&RunOptions::shutdown_delay)));
  all.push_back(works("execution-strategy", 0, "sequential|parallel", "EDA_EXECUTION_STRATEGY",
                      "how rule sets that do not say it run their actions (sequential)",
                      take_execution_strategy));
  all.push_back(works("max-concurrent-actions", 'm', "N", "EDA_MAX_CONCURRENT_ACTIONS",
                      "actions of one rule set at a time under the parallel strategy (25)",
                      take_concurrent_actions));
  all.push_back(
      works("verbose", 'v', "", "", "tell what is being done; twice: everything", take_verbose));
  all.push_back(only(Of::millrace_only, works("log-format", 0, "text|json", "",
                                              "form of log lines (text)", take_log_format)));
  all.push_back(only(Of::millrace_only,
                     works("stats", 0, "FILE", "", "write the closing summary there, as JSON",
                           text_into(&RunOptions::stats_file))));
  all.push_back(
      only(Of::millrace_only, works("quiet", 'q', "", "", "no closing summary", take_quiet)));
  all.push_back(
      only(Of::millrace_only,
           works("no-progress", 0, "", "", "no line on the terminal that shows how the run goes on",
                 take_no_progress)));
  all.push_back(only(Of::ansible_rulebook_only,
                     works("version", 0, "", "", "print the versions and exit", take_version)));
  all.push_back(ignored(works("gc-after", 0, "N", "EDA_GC_AFTER",
                              "accepted and ignored: there is no garbage to collect", nothing())));
}

void add_plugin_options(std::vector<RunOption>& all) {
  all.push_back(works("source-dir", 'S', "DIR", "", "folder of source plugins, searched first",
                      folder_into(&PluginPaths::source_folders)));
  all.push_back(works("filter-dir", 'F', "DIR", "", "folder of filter plugins, searched first",
                      folder_into(&PluginPaths::filter_folders)));
  all.push_back(only(Of::millrace_only,
                     works("plugin-dir", 0, "DIR", "", "folder whose plugins are loaded at start",
                           folder_into(&PluginPaths::plugin_folders))));
  all.push_back(only(Of::millrace_only,
                     works("python", 0, "PROGRAM", "MILLRACE_PYTHON",
                           "the Python that runs plugins and templates (python3)", take_python)));
  all.push_back(
      only(Of::millrace_only, works("config", 0, "FILE", "MILLRACE_CONFIG",
                                    "YAML file of settings of the engine and of its plugins",
                                    text_into(&daemon::RunOptions::configuration_file))));
}

void add_ansible_options(std::vector<RunOption>& all) {
  all.push_back(works("project-tarball", 'T', "FILE", "",
                      "tarball of an Ansible project, whose playbooks are run",
                      text_into(&daemon::RunOptions::project_tarball)));
  all.push_back(works("vault-password-file", 0, "FILE", "EDA_VAULT_PASSWORD_FILE",
                      "file that holds the password of encrypted texts", take_vault_password_file));
  all.push_back(works("vault-id", 0, "LABEL@FILE", "",
                      "the same for a label; may be given several times", take_vault_id));
  all.push_back(
      works("ask-vault-pass", 0, "", "", "ask for the vault password", take_ask_vault_pass));
}

void add_record_options(std::vector<RunOption>& all) {
  all.push_back(
      only(Of::millrace_only,
           works("record", 0, "FILE", "",
                 "record what goes into the rule sets, for `millrace replay`", take_record)));
  all.push_back(only(
      Of::millrace_only,
      works("record-max-size", 0, "BYTES", "",
            "then the record is renamed FILE.1, and a new one begun (1G)", take_record_max_size)));
  all.push_back(only(Of::millrace_only,
                     works("record-keep", 0, "N", "",
                           "renamed files of the record that are kept (3)", take_record_keep)));
  all.push_back(only(
      Of::millrace_only,
      works("max-partial-matches", 0, "N", "",
            "events of a rule set that may wait for others (20000000)", take_partial_matches)));
  all.push_back(
      only(Of::millrace_only, works("max-state-bytes", 0, "BYTES", "",
                                    "memory that they may take, roughly (4G)", take_state_bytes)));
}

void add_journal_options(std::vector<RunOption>& all) {
  all.push_back(
      only(Of::millrace_only,
           works("journal", 0, "DIR", "MILLRACE_JOURNAL",
                 "keep there what is accepted, and what rules remember: nothing is lost by a crash",
                 take_journal)));
  all.push_back(only(Of::millrace_only, works("journal-max-size", 0, "BYTES", "",
                                              "what it may take; no event is accepted beyond (1G)",
                                              take_journal_max_size)));
  all.push_back(
      only(Of::millrace_only,
           works("journal-sync", 0, "always|never", "",
                 "whether what is accepted outlives the machine, or the engine only (always)",
                 take_journal_sync)));
  all.push_back(works("persistence-id", 0, "ID", "EDA_PERSISTENCE_ID",
                      "name of a journal in the folder of the user's state",
                      text_into(&daemon::RunOptions::persistence_id)));
}

void add_pressure_options(std::vector<RunOption>& all) {
  using daemon::RunOptions;
  all.push_back(works("hot-reload", 0, "", "",
                      "when a rulebook file changes, exchange the rule sets that changed",
                      flag_into(&RunOptions::hot_reload)));
  all.push_back(works("max-back-pressure-timeout", 0, "SECONDS", "EDA_MAX_BACK_PRESSURE_TIMEOUT",
                      "longest wait for room before a run is given up (3600)",
                      seconds_into(&RunOptions::longest_wait_for_room)));
  all.push_back(works("max-actions-timeout", 0, "SECONDS", "EDA_MAX_ACTIONS_TIMEOUT",
                      "the same, while all concurrent actions are busy",
                      seconds_into(&RunOptions::longest_wait_for_actions)));
  all.push_back(works("heartbeat", 0, "SECONDS", "",
                      "how often to tell statistics, to the websocket server or the log",
                      seconds_into(&RunOptions::heartbeat)));
}

void add_websocket_options(std::vector<RunOption>& all) {
  using daemon::AuditServer;
  using daemon::RunOptions;
  all.push_back(also_called(
      "websocket-address",
      works("websocket-url", 'W', "URL", "EDA_WEBSOCKET_URL",
            "server that audits runs and hands out work", text_into(&AuditServer::url))));
  all.push_back(works("websocket-ssl-verify", 0, "yes|no|FILE", "EDA_WEBSOCKET_SSL_VERIFY",
                      "check the server's certificate; FILE: with these authorities (yes)",
                      text_into(&AuditServer::ssl_verify)));
  all.push_back(works("websocket-access-token", 0, "TOKEN", "EDA_WEBSOCKET_ACCESS_TOKEN",
                      "token for the server", text_into(&AuditServer::access_token)));
  all.push_back(works("websocket-refresh-token", 0, "TOKEN", "EDA_WEBSOCKET_REFRESH_TOKEN",
                      "token that renews the token", text_into(&AuditServer::refresh_token)));
  all.push_back(works("websocket-token-url", 0, "URL", "EDA_WEBSOCKET_TOKEN_URL",
                      "where tokens are renewed", text_into(&AuditServer::token_url)));
  all.push_back(works("id", 0, "ID", "", "activation id", text_into(&RunOptions::id)));
  all.push_back(works("worker", 'w', "", "", "take the rulebook from the websocket server",
                      flag_into(&RunOptions::worker)));
  all.push_back(works("skip-audit-events", 0, "", "EDA_SKIP_AUDIT_EVENTS",
                      "tell the server of statistics and ends only", take_skip_audit));
  all.push_back(works("max-reporting-queue-size", 0, "N", "EDA_MAX_REPORTING_QUEUE_SIZE",
                      "audit messages that may wait before no event is read (50)",
                      take_reporting_queue));
}

void add_controller_options(std::vector<RunOption>& all) {
  using Options = controller::ControllerOptions;
  all.push_back(works("controller-url", 0, "URL", "EDA_CONTROLLER_URL",
                      "automation controller that runs job templates",
                      controller_text(&Options::url)));
  all.push_back(works("controller-token", 0, "TOKEN", "EDA_CONTROLLER_TOKEN",
                      "token for the controller", controller_text(&Options::token)));
  all.push_back(works("controller-username", 0, "NAME", "EDA_CONTROLLER_USERNAME",
                      "user at the controller, instead of a token",
                      controller_text(&Options::username)));
  all.push_back(works("controller-password", 0, "TEXT", "EDA_CONTROLLER_PASSWORD",
                      "the user's password", controller_text(&Options::password)));
  all.push_back(works("controller-ssl-verify", 0, "yes|no|FILE", "EDA_CONTROLLER_SSL_VERIFY",
                      "check the controller's certificate, with a file of authorities (yes)",
                      take_controller_ssl_verify));
  all.push_back(works("controller-retry-max-timeout", 0, "SECONDS",
                      "EDA_CONTROLLER_RETRY_MAX_TIMEOUT",
                      "longest wait between attempts of one request (60)",
                      controller_pause(&Options::longest_pause)));
  all.push_back(works("controller-retry-attempts", 0, "N", "EDA_CONTROLLER_RETRY_ATTEMPTS",
                      "attempts of one request to the controller (5)",
                      controller_count(&Options::attempts)));
  all.push_back(works("max-batch-job-polling-size", 0, "N", "EDA_MAX_BATCH_JOB_POLLING_SIZE",
                      "jobs asked for in one request to the controller (25)",
                      controller_count(&Options::poll_batch)));
  all.push_back(only(
      Of::millrace_only,
      works("controller-poll-delay", 0, "SECONDS", "EDA_JOB_TEMPLATE_REFRESH_DELAY",
            "pause between looks at running jobs (10)", controller_pause(&Options::poll_delay))));
  all.push_back(only(
      Of::millrace_only,
      works("controller-connections", 0, "N", "EDA_CONTROLLER_CONNECTION_LIMIT",
            "requests to the controller at a time (30)", controller_count(&Options::connections))));
  all.push_back(
      only(Of::millrace_only, works("controller-labels", 0, "JSON", "EDA_LABELS",
                                    "list of labels that every job gets", take_controller_labels)));
}

std::vector<RunOption> make_options() {
  std::vector<RunOption> all;
  add_working_options(all);
  add_plugin_options(all);
  add_ansible_options(all);
  add_record_options(all);
  add_journal_options(all);
  add_pressure_options(all);
  add_websocket_options(all);
  add_controller_options(all);
  return all;
}

}  // namespace

const std::vector<RunOption>& run_options() {
  static const std::vector<RunOption> kOptions = make_options();
  return kOptions;
}

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Result<RunRequest> resolve(std::span<const GivenOption> given, const Environment& environment) {
  RunRequest request;
  for (const auto& option : run_options()) {
    const bool is_given =
        std::ranges::any_of(given, [&](const GivenOption& one) { return one.option == &option; });
    if (is_given || option.environment.empty()) continue;
    const auto value = environment(option.environment);
    if (!value || value->empty()) continue;
    if (auto taken = option.take(request, *value); !taken)
      return std::move(taken.error()).with_context("environment variable " + option.environment);
  }
  for (const auto& [option, value] : given) {
    if (auto taken = option->take(request, value); !taken)
      return std::move(taken.error()).with_context("option --" + option->name());
  }
  return request;
}

}  // namespace millrace::cli
