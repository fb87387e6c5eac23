// SPDX-License-Identifier: Apache-2.0
#include "millrace/daemon/run.hpp"

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "audit/websocket_audit.hpp"
#include "hot_reload.hpp"
#include "millrace/ansible/project.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/terminal.hpp"
#include "millrace/base/text.hpp"
#include "millrace/daemon/assignment.hpp"
#include "millrace/daemon/rulebooks.hpp"
#include "millrace/event/json.hpp"
#include "progress_line.hpp"
#include "work_folder.hpp"
#include "worker.hpp"

namespace millrace::daemon {
namespace {

constexpr std::size_t kBlockingThreads = 4;

constexpr auto kPatience = std::chrono::seconds(2);
constexpr std::string_view kCommand = "ansible_rulebook.cli";

// As the original tells what keeps it from starting: the first fault ends it. The others are told
// before, for the reader.
void log_faults(const Diagnostics& diagnostics, Log& log) {
  const Diagnostic* first = nullptr;
  for (const auto& item : diagnostics.items()) {
    const auto place = item.where.line > 0 ? fmt::format("{}:{}:{}: ", item.where.file,
                                                         item.where.line, item.where.column)
                                           : std::string();
    if (item.severity == Severity::warning) {
      log.warning(kCommand, "{}{}", place, item.message);
      continue;
    }
    if (first == nullptr) first = &item;
    // Conditions are parsed after the form of the rulebook was found good.
    const bool of_form = item.where.line > 0 && !item.message.starts_with("Error parsing");
    // Where a plugin was looked for is what its user wants to know.
    const bool of_plugin = item.code == "plugin-not-found" || item.code == "unknown-source" ||
                           item.code == "unknown-filter";
    const auto more = of_plugin && !item.hint.empty() ? " " + item.hint : "";
    if (of_form || first != &item)
      log.error(kCommand, "{}{}{}{}", of_form ? "Invalid rulebook: " : "", place, item.message,
                more);
  }
  if (first != nullptr) log.error(kCommand, "Terminating: {}", first->message);
}

void print_faults(const LoadedRulebooks& loaded, const Diagnostics& diagnostics,
                  const RunOptions& options, Log& log) {
  if (options.faults == RunOptions::Faults::logged) return log_faults(diagnostics, log);
  const auto colour = ::isatty(STDERR_FILENO) == 1 ? Colour::on : Colour::off;
  for (const auto& item : diagnostics.items()) {
    const auto text = loaded.texts.find(item.where.file);
    const auto rendered =
        render(item, text == loaded.texts.end() ? std::string_view() : text->second, colour);
    static_cast<void>(write_all(STDERR_FILENO, rendered).has_value());
  }
}

// Components by the names of the original's loggers, for people who filter its lines.
std::string original_name(std::string_view component) {
  if (component.starts_with("ansible_rulebook")) return std::string(component);
  if (component.starts_with("source.") || component == "engine") return "ansible_rulebook.engine";
  if (component == "traceback") return "ansible_rulebook.app";
  if (component.starts_with("rules.")) return "ansible_rulebook.rule_set_runner";
  return fmt::format("ansible_rulebook.{}", component == "daemon" ? "app" : component);
}

// Where the progress of the run is shown; nullptr: nowhere.
std::unique_ptr<StatusLine> make_status_line(const RunOptions& options) {
  if (options.progress == RunOptions::Progress::none || options.log.format == LogFormat::json)
    return nullptr;
  const char* terminal = std::getenv("TERM");
  const bool is_capable =
      terminal != nullptr && *terminal != '\0' && std::string_view(terminal) != "dumb";
  if (!is_capable || ::isatty(STDERR_FILENO) != 1) return nullptr;
  return std::make_unique<StatusLine>(STDERR_FILENO);
}

Log::Options log_options(const RunOptions& options, StatusLine* status) {
  auto log = options.log;
  log.status = status;
  if (options.faults == RunOptions::Faults::logged) log.name_of = original_name;
  return log;
}

std::unique_ptr<pipeline::Recorder> make_recorder(const RunOptions& options,
                                                  pipeline::Recorder::Environment environment) {
  if (options.record.file.empty()) return nullptr;
  pipeline::RecordHeader header{.version = MILLRACE_VERSION, .rulebooks = options.rulebooks};
  return std::make_unique<pipeline::Recorder>(options.record, std::move(header), environment);
}

std::filesystem::path state_folder() {
  if (const char* folder = std::getenv("XDG_STATE_HOME"); folder != nullptr && *folder == '/')
    return std::filesystem::path(folder) / "millrace";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/var/lib") / ".local/state/millrace";
}

// By the command line, else the configuration, else the name that the original would store under.
pipeline::JournalOptions choose_journal(const RunOptions& options, const Object& variables,
                                        pipeline::JournalOptions configured, Log& log) {
  if (!options.journal.folder.empty()) return options.journal;
  if (!configured.folder.empty() || options.persistence_id.empty()) return configured;
  auto chosen = options.journal;
  const auto* path = variables.if_contains("drools_db_file_path");
  chosen.folder = path != nullptr && path->is_string()
                      ? std::filesystem::path(view(path->get_string()))
                      : state_folder() / "journal";
  chosen.folder /= file_name_of(options.persistence_id);
  if (variables.contains("drools_db_host")) {
    log.warning("journal", "the state is kept in {}, not in the database that drools_db_host names",
                chosen.folder.string());
  }
  return chosen;
}

std::string human_summary(const pipeline::Summary& summary, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(summary.events) / seconds : 0;
  std::string text =
      fmt::format("{} events read, {} matched", grouped(summary.events), grouped(summary.matched));
  if (summary.refused > 0) text += fmt::format(", {} refused", grouped(summary.refused));
  if (summary.dropped > 0) text += fmt::format(", {} dropped", grouped(summary.dropped));
  text += '\n';
  for (const auto& rule_set : summary.rule_sets) {
    text += fmt::format("  {}\n", rule_set.name);
    for (const auto& [rule, firings] : rule_set.firings)
      text += fmt::format("  {:>10}  {}\n", grouped(firings), rule);
  }
  if (const auto& record = summary.record) {
    text += fmt::format("{} inputs recorded, {}{}\n", grouped(record->inputs),
                        human_bytes(static_cast<double>(record->bytes)),
                        record->failed ? ": the record is not complete" : "");
  }
  text += fmt::format("{} actions run, {} failed; {:.3f} s, {} events/s, peak memory {}\n",
                      grouped(summary.actions_ok), grouped(summary.actions_failed), seconds,
                      grouped(static_cast<std::uint64_t>(rate)),
                      human_bytes(static_cast<double>(peak_rss_bytes())));
  return text;
}

void close_the_books(const RunOptions& options, const pipeline::Summary& summary, double seconds,
                     Log& log) {
  if (options.summary == RunOptions::Summary::standard_error) {
    static_cast<void>(write_all(STDERR_FILENO, human_summary(summary, seconds)).has_value());
  }
  if (options.stats_file.empty()) return;
  const auto text = to_pretty_json(to_value(summary, seconds, peak_rss_bytes())) + "\n";
  if (auto written = write_file_atomically(options.stats_file, text); !written) {
    log.error("daemon", "cannot write the statistics: {}", written.error().message());
  }
}

// SIGINT and SIGTERM end the engine in order; the second of them ends the process, and so does the
// first while there is no engine any more and what is left of the plugins ends. It lives as long as
// the loop is run.
class Interruption {
 public:
  Interruption(MainLoop& loop, Log& log, StatusLine* status)
      : loop_(loop), log_(log), status_(status) {}
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// Until then a signal ends the process, as is usual.
  void begin(pipeline::Engine& engine) {
    engine_ = &engine;
    for (const int number : {SIGINT, SIGTERM}) {
      loop_.on_signal(number, [this, number] { on_signal(number); });
    }
  }
  /// The engine has ended, and is about to go.
  void engine_ended() { engine_ = nullptr; }
  int signal() const { return signal_; }

 private:
  void on_signal(int number) {
    if (signal_ != 0 || engine_ == nullptr) {
      if (status_ != nullptr) status_->erase();
      ::_exit(128 + number);
    }
    signal_ = number;
    log_.info("daemon", "signal {}: stopping; another one ends at once", number);
    loop_.call_later(kPatience, [this] {
      log_.warning("daemon",
                   "still stopping: sources or actions take their time to end; another signal ends "
                   "at once");
    });
    engine_->stop(pipeline::Engine::Stop::graceful);
  }

  MainLoop& loop_;
  Log& log_;
  StatusLine* const status_;
  pipeline::Engine* engine_ = nullptr;
  int signal_ = 0;
};

// However the run ends, no host outlives it.
class EndOfPlugins {
 public:
  explicit EndOfPlugins(Plugins& plugins) : plugins_(plugins) {}
  EndOfPlugins(const EndOfPlugins&) = delete;
  EndOfPlugins& operator=(const EndOfPlugins&) = delete;
  ~EndOfPlugins() { plugins_.stop(); }

 private:
  Plugins& plugins_;
};

net::WebsocketClient::Options client_options(const AuditServer& server) {
  net::WebsocketClient::Options options{
      .connection = {.url = server.url, .bearer = server.access_token},
      .refresh_token = server.refresh_token,
      .token_url = server.token_url};
  auto& tls = options.connection.tls;
  const auto& verify = server.ssl_verify;
  tls.verify = verify != "no" && verify != "false" && verify != "False";
  const bool named =
      tls.verify && !verify.empty() && verify != "yes" && verify != "true" && verify != "True";
  if (named) tls.authorities = verify;
  return options;
}

// Worker mode: what to do comes from the server. Its files go with the folder.
struct Work {
  WorkFolder folder;
  Assignment assignment;
};
Task<> keep_assignment(const RunOptions& options, MainLoop& loop, Log& log,
                       std::optional<Result<AssignmentReader>>& outcome) {
  net::WebsocketClient client(loop, log, client_options(options.audit));
  outcome = co_await fetch_assignment(client, options.id, log);
}
Result<Work> fetch_work(const RunOptions& options, MainLoop& loop, Log& log) {
  std::optional<Result<AssignmentReader>> fetched;
  loop.run_until_done(keep_assignment(options, loop, log, fetched));
  if (!*fetched) return fetched->error();
  // Not before: until then a signal ends the process, and would leave the folder behind.
  auto folder = WorkFolder::create();
  if (!folder) return folder.error();
  auto assignment = (*fetched)->finish(folder->path());
  if (!assignment) return assignment.error();
  // Nothing else runs yet that could read the environment.
  for (const auto& [name, value] : assignment->environment)
    ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  return Work{std::move(*folder), std::move(*assignment)};
}

// All but the peers.
pipeline::EngineOptions engine_options_of(const RunOptions& options, const Object& variables) {
  pipeline::EngineOptions engine_options;
  engine_options.variables = variables;
  engine_options.session = options.session;
  engine_options.session.hash_seed = std::random_device()();
  engine_options.inventory = options.inventory;
  engine_options.shutdown_delay = options.shutdown_delay;
  engine_options.execution_strategy = options.execution_strategy;
  engine_options.concurrent_actions = options.concurrent_actions;
  engine_options.print_events = options.print_events;
  engine_options.audit_actions = !options.audit.skip_actions;
  engine_options.heartbeat = options.heartbeat;
  engine_options.longest_audit_wait = options.longest_wait_for_room;
  engine_options.longest_action_wait =
      options.longest_wait_for_actions.value_or(options.longest_wait_for_room);
  return engine_options;
}

// What lives beside the engine, and ends after it.
struct Companions {
  std::unique_ptr<HotReload> hot_reload;
  std::unique_ptr<WebsocketAudit> audit;
};
Task<> run_all(pipeline::Engine& engine, Companions& companions, TaskGroup& tasks,
               Duration longest) {
  if (companions.hot_reload) tasks.spawn("hot reload", companions.hot_reload->run());
  co_await engine.run();
  tasks.request_stop();
  co_await tasks.join();
  if (companions.audit) co_await companions.audit->finish(longest);
}

// Nullptr if no server is named.
std::unique_ptr<WebsocketAudit> make_audit(const RunOptions& options, MainLoop& loop, Log& log) {
  if (options.audit.url.empty()) return nullptr;
  return std::make_unique<WebsocketAudit>(
      loop, log,
      WebsocketAudit::Options{.client = client_options(options.audit),
                              .id = options.id,
                              .most_messages = options.audit.most_waiting});
}

// Nullptr if there is none. Errors: those of Controller::create().
Result<std::unique_ptr<controller::Controller>> make_controller(const RunOptions& options,
                                                                MainLoop& loop, Log& log) {
  if (options.controller.url.empty()) return nullptr;
  return controller::Controller::create(loop, log, options.controller);
}

// Nullptr if none is wanted. Errors: those of Journal::open().
Result<std::unique_ptr<pipeline::Journal>> open_journal(
    const pipeline::JournalOptions& options, pipeline::Journal::Environment environment) {
  if (options.folder.empty()) return nullptr;
  auto journal = std::make_unique<pipeline::Journal>(options, environment);
  if (auto opened = journal->open(); !opened) return opened.error();
  return journal;
}

// Files; names in collections (ns.coll.name) as the files that they stand for.
std::vector<std::string> find_rulebooks(const std::vector<std::string>& names,
                                        const PluginFinder& finder) {
  std::vector<std::string> files;
  for (const auto& name : names) {
    const auto found = finder.find_rulebook(name);
    files.push_back(found ? found->string() : name);  // load_rulebooks() tells what is missing
  }
  return files;
}

Task<> keep(Task<Result<std::unique_ptr<ansible::PrivateFolder>>> task,
            std::optional<Result<std::unique_ptr<ansible::PrivateFolder>>>& outcome) {
  outcome = co_await std::move(task);
}

// What the server says counts, over what the command line says.
void take_over(Assignment& assignment, RunOptions& options) {
  options.rulebooks = {assignment.rulebook.string()};
  for (auto& [label, password] : assignment.vault_passwords)
    options.vault.given.emplace_back(std::move(label), std::move(password));
  if (!assignment.project_tarball.empty())
    options.project_tarball = assignment.project_tarball.string();
  if (auto& given = assignment.controller) {
    auto& controller = options.controller;
    controller.url = std::move(given->url);
    controller.token = std::move(given->token);
    controller.username = std::move(given->username);
    controller.password = std::move(given->password);
    if (!given->ssl_verify.empty()) controller.ssl_verify = std::move(given->ssl_verify);
  }
}

// The Ansible project in a tarball; nullptr without one.
Result<std::unique_ptr<ansible::PrivateFolder>> unpack(const std::string& tarball, MainLoop& loop) {
  if (tarball.empty()) return nullptr;
  std::optional<Result<std::unique_ptr<ansible::PrivateFolder>>> unpacked;
  loop.run_until_done(keep(ansible::unpack_project(tarball, loop), unpacked));
  return std::move(*unpacked);
}

// What takes part while events flow.
struct Living {
  const RunOptions& options;
  MainLoop& loop;
  Log& log;
  Plugins& plugins;
  pipeline::Engine& engine;
  Companions& companions;
  Interruption& interruption;
  StatusLine* status;
};
struct Lived {
  double seconds;
  bool audit_failed;
};
Lived live(const Living& all) {
  all.interruption.begin(all.engine);
  bool audit_failed = false;
  if (all.companions.audit) {
    all.companions.audit->start([&](const Error& error) {
      all.log.error("websocket", "{}", error.message());
      audit_failed = true;
      all.engine.stop(pipeline::Engine::Stop::graceful);
    });
  }
  TaskGroup life(all.loop.executor(), {});
  TaskGroup beside(all.loop.executor(), {});
  const Instant begun = all.loop.clock().now();
  all.loop.call_soon([&all] { all.plugins.go_live(); });
  life.spawn("engine", run_all(all.engine, all.companions, beside, all.options.shutdown_delay),
             [&all] { all.loop.stop(); });
  std::optional<ProgressLine> progress;
  if (all.status != nullptr)
    progress.emplace(all.loop, *all.status, [&all] { return all.engine.progress(); });
  all.loop.run();
  all.interruption.engine_ended();
  return {std::chrono::duration<double>(all.loop.clock().now() - begun).count(), audit_failed};
}

}  // namespace

// Not getrusage(): its maximum is inherited from the process that started this one.
std::size_t peak_rss_bytes() {
  constexpr std::string_view kField = "VmHWM:";
  const auto status = read_file("/proc/self/status");
  const auto at = status ? status->find(kField) : std::string::npos;
  if (at == std::string::npos) return 0;
  return std::strtoull(status->c_str() + at + kField.size(), nullptr, 10) * 1024;
}

Value to_value(const pipeline::Summary& summary, double seconds, std::size_t peak) {
  Object rule_sets;
  for (const auto& rule_set : summary.rule_sets) {
    Object rules;
    for (const auto& [rule, firings] : rule_set.firings) rules[rule] = firings;
    rule_sets[rule_set.name] = std::move(rules);
  }
  Object all{{"events", summary.events},
             {"matched", summary.matched},
             {"refused", summary.refused},
             {"dropped", summary.dropped},
             {"partial_matches", summary.partial_matches},
             {"state_bytes", summary.state_bytes},
             {"rules", std::move(rule_sets)},
             {"actions", Object{{"ok", summary.actions_ok}, {"failed", summary.actions_failed}}},
             {"seconds", seconds},
             {"peak_rss_bytes", peak}};
  Array sources;
  for (const auto& source : summary.sources) {
    const auto& status = source.status;
    sources.push_back(Object{{"rule_set", source.rule_set},
                             {"name", source.name},
                             {"link", to_text(status.link)},
                             {"connects", status.connects},
                             {"acknowledged", status.acknowledged},
                             {"lag", status.lag ? Value(*status.lag) : Value()}});
  }
  all["sources"] = std::move(sources);
  if (const auto& journal = summary.journal) {
    all["journal"] = Object{
        {"inputs", journal->inputs}, {"commits", journal->commits}, {"bytes", journal->bytes}};
  }
  if (const auto& record = summary.record) {
    all["record"] =
        Object{{"inputs", record->inputs}, {"bytes", record->bytes}, {"failed", record->failed}};
  }
  return all;
}

int run(const RunOptions& given) {
  RunOptions options = given;
  // A reader that goes away is an error of the write, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);

  // 1 and 2: what is to be done, and where to tell of it.
  const auto status = make_status_line(options);
  Log log(log_options(options, status.get()));
  const auto terminate = [&](std::string_view why) {
    log.write(LogLevel::error, options.faults == RunOptions::Faults::logged ? kCommand : "daemon",
              fmt::format("Terminating: {}", why));
    return EXIT_FAILURE;
  };
  for (const auto& warning : options.warnings) log.warning("daemon", "{}", warning);
  const SystemClock clock;
  MainLoop loop(clock);
  std::optional<Work> work;
  auto unknown_keys = rules::LoadOptions::UnknownKeys::error;
  if (options.worker) {
    auto fetched = fetch_work(options, loop, log);
    if (!fetched) return terminate(fetched.error().message());
    work.emplace(std::move(*fetched));
    take_over(work->assignment, options);
    unknown_keys = rules::LoadOptions::UnknownKeys::warning;
  }
  const auto secrets = find_vault_secrets(options.vault);
  if (!secrets) return terminate(secrets.error().message());
  ansible::Vault vault(secrets->secrets, loop);
  auto variables =
      load_variables(options.variables_file, options.environment_variables, loop, vault);
  if (!variables) return terminate(variables.error().message());
  if (work) {
    for (const auto& [name, value] : work->assignment.variables) (*variables)[name] = value;
  }
  const auto project = unpack(options.project_tarball, loop);
  if (!project) return terminate(project.error().message());
  Diagnostics diagnostics;
  auto configuration = load_configuration(options.configuration_file, diagnostics);
  check_host_settings(configuration, diagnostics);
  const auto journal_settings =
      choose_journal(options, *variables, journal_options(configuration, diagnostics), log);
  if (!options.inventory.empty() && !std::filesystem::exists(options.inventory)) {
    return terminate(fmt::format("Inventory {} not found", options.inventory));
  }
  if (options.hot_reload && !options.record.file.empty())
    return terminate(
        "a run with --hot-reload cannot be recorded: a replay knows its first rules only");
  std::map<std::string, std::string> texts = {{configuration.file, configuration.text}};

  // 3: plugins.
  BlockingPool pool(kBlockingThreads);
  Plugins plugins(options.plugins, std::move(configuration), *variables, loop, log);
  Interruption interruption(loop, log, status.get());
  const EndOfPlugins end_of_plugins(plugins);
  plugins.load_folders();
  const auto files = find_rulebooks(options.rulebooks, plugins.finder());
  auto loaded = load_rulebooks(files, *variables, loop, plugins.templates(), unknown_keys);
  diagnostics.append(std::move(loaded.diagnostics));
  loaded.texts.merge(texts);
  plugins.load_named(loaded.rulebooks, diagnostics);
  for (const auto& rulebook : loaded.rulebooks)
    pipeline::check_inventory(rulebook, options.inventory, diagnostics);

  // 4 and 5: everything is created and wired.
  const auto controller = make_controller(options, loop, log);
  if (!controller) return terminate(controller.error().message());
  Output output(STDOUT_FILENO, terminal_width(STDOUT_FILENO),
                ::isatty(STDOUT_FILENO) == 1 ? status.get() : nullptr);
  auto engine_options = engine_options_of(options, *variables);
  engine_options.job_controller = controller->get();
  if (*project) engine_options.project = (*project)->path().string();
  engine_options.vault = &vault;
  const auto recorder = make_recorder(options, {loop, pool, log});
  engine_options.recorder = recorder.get();
  engine_options.templates = &plugins.templates();
  const auto journal = open_journal(journal_settings, {loop, pool, log});
  if (!journal) return terminate(journal.error().message());
  engine_options.journal = journal->get();
  if (*journal) engine_options.source_memory = journal_settings.folder / "sources";
  Companions companions{.audit = make_audit(options, loop, log)};
  engine_options.audit = companions.audit.get();
  auto engine = pipeline::Engine::create(std::move(loaded.rulebooks), plugins.registry(), loop,
                                         pool, log, output, std::move(engine_options), diagnostics);
  diagnostics.sort();
  print_faults(loaded, diagnostics, options, log);
  if (!engine) return EXIT_FAILURE;
  if (recorder) {
    if (auto opened = recorder->open(); !opened) return terminate(opened.error().message());
  }

  if (options.hot_reload && !options.worker) {
    auto made = HotReload::create(
        files, {loop, pool, log, plugins, *engine, *variables, options.plugins.python});
    if (!made) return terminate(made.error().message());
    companions.hot_reload = std::move(*made);
  }

  // 6 and 7: events flow until the sources or the user end them.
  const auto [seconds, audit_failed] =
      live({options, loop, log, plugins, *engine, companions, interruption, status.get()});
  close_the_books(options, engine->summary(), seconds, log);
  if (interruption.signal() != 0) return 128 + interruption.signal();
  if (engine->source_failed() && options.faults == RunOptions::Faults::logged) {
    return terminate("One of the source plugins failed");
  }
  return engine->failed() || audit_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace millrace::daemon
