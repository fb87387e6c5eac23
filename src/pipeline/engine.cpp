// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/engine.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <list>
#include <utility>

#include "millrace/ansible/facts.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/pipeline/journal.hpp"
#include "millrace/pipeline/recorder.hpp"
#include "millrace/rules/session.hpp"
#include "rule_set_runner.hpp"

namespace millrace::pipeline {
namespace {

bool needs_controller(std::string_view action) {
  const auto name = action.substr(action.rfind('.') + 1);
  return name == "run_job_template" || name == "run_workflow_template";
}

constexpr std::array<std::string_view, 2> kActionsOnHosts = {"run_playbook", "run_module"};

// Between the runs of a source that is started again; doubled each time, until a run was sound.
constexpr Duration kFirstPause = std::chrono::milliseconds(100);
constexpr Duration kLongestPause = std::chrono::seconds(60);
// After which a source that was asked to end is told of.
constexpr Duration kLongEnd = std::chrono::seconds(2);
constexpr Duration kSoundRun = std::chrono::seconds(60);

template <class Made>
const Descriptor<Made>* look_up(const Extensions<Made>& extensions, const rules::Extension& named,
                                std::string_view kind, Diagnostics& diagnostics) {
  const auto* found = extensions.find(named.name);
  if (found == nullptr) {
    const auto known = extensions.names();
    const auto short_name = named.name.substr(named.name.rfind('.') + 1);
    auto hint = did_you_mean(short_name, known);
    if (hint.empty()) hint = fmt::format("known: {}", fmt::join(known, ", "));
    diagnostics.error(fmt::format("unknown-{}", kind), named.where,
                      fmt::format("unknown {} `{}`", kind, named.name), hint);
    return nullptr;
  }
  check_settings(found->schema, named.node, fmt::format("{} {}", kind, named.name), named.where,
                 diagnostics);
  return found;
}

}  // namespace

void check_extensions(const rules::Rulebook& rulebook, const Registry& registry,
                      Diagnostics& diagnostics) {
  for (const auto& rule_set : rulebook.rule_sets) {
    for (const auto& source : rule_set.sources) {
      look_up(registry.sources, source.plugin, "source", diagnostics);
      for (const auto& filter : source.filters)
        look_up(registry.filters, filter, "filter", diagnostics);
    }
    for (const auto& rule : rule_set.rules) {
      for (const auto& action : rule.actions) {
        look_up(registry.actions, action, "action", diagnostics);
      }
    }
  }
}

void check_inventory(const rules::Rulebook& rulebook, const std::string& inventory,
                     Diagnostics& diagnostics) {
  if (!inventory.empty()) return;
  for (const auto& rule_set : rulebook.rule_sets) {
    for (const auto& rule : rule_set.rules) {
      if (!rule.enabled) continue;
      for (const auto& action : rule.actions) {
        const auto short_name = std::string_view(action.name).substr(action.name.rfind('.') + 1);
        if (std::ranges::find(kActionsOnHosts, short_name) == kActionsOnHosts.end()) continue;
        diagnostics.error(
            "no-inventory", action.where,
            fmt::format("Rule {} has an action {} which needs inventory to be defined", rule.name,
                        action.name),
            "name one with `--inventory`, or in ANSIBLE_INVENTORY");
      }
    }
  }
}

class Engine::Impl final : public EngineServices {
 public:
  Impl(std::vector<rules::Rulebook> rulebooks, MainLoop& loop, BlockingPool& pool, Log& log,
       Output& output, EngineOptions options)
      : rulebooks_(std::move(rulebooks)),
        loop_(loop),
        pool_(pool),
        log_(log),
        output_(output),
        options_(std::move(options)),
        source_tasks_(
            loop.executor(),
            [this](std::string_view name, const std::exception_ptr& why) { on_crash(name, why); }),
        rule_set_tasks_(
            loop.executor(),
            [this](std::string_view name, const std::exception_ptr& why) { on_crash(name, why); }) {
  }

  // --- building
  // ------------------------------------------------------------------------------------------------------

  void build(const Registry& registry, Diagnostics& diagnostics) {
    for (const auto& rulebook : rulebooks_) {
      check_extensions(rulebook, registry, diagnostics);
      for (const auto& rule_set : rulebook.rule_sets) {
        for (const auto& rule : rule_set.rules) check_controller(rule, diagnostics);
        auto session = rules::Session::create(rule_set, diagnostics, options_.session);
        if (find(rule_set.name) != nullptr) {
          diagnostics.error(
              "duplicate-ruleset", rule_set.where,
              fmt::format("Ruleset with name: {} defined multiple times", rule_set.name));
        }
        if (diagnostics.has_errors()) continue;
        add(rule_set, std::move(session), registry, diagnostics);
      }
    }
  }

  void check_controller(const rules::Rule& rule, Diagnostics& diagnostics) const {
    if (options_.job_controller != nullptr || !rule.enabled) return;
    for (const auto& action : rule.actions) {
      if (!needs_controller(action.name)) continue;
      diagnostics.error(
          "no-controller", action.where,
          fmt::format("Rule {} has an action {} which needs controller url and token to be defined",
                      rule.name, action.name),
          "give --controller-url, and --controller-token or a user and a password");
    }
  }

  void add(const rules::RuleSet& rule_set, std::unique_ptr<rules::Session> session,
           const Registry& registry, Diagnostics& diagnostics) {
    auto actions = make_actions(rule_set, registry, diagnostics);
    runners_.push_back(std::make_unique<RuleSetRunner>(
        rule_set, std::move(session), std::move(actions),
        RuleSetRunner::Environment{*this, loop_, pool_, log_, output_, options_, uuids_}));
    if (auto recovered = runners_.back()->recover(); !recovered) {
      diagnostics.error("damaged-journal", rule_set.where, recovered.error().message(),
                        "move the journal away to begin without what was accepted and remembered");
    }
    for (const auto& source : rule_set.sources)
      add_source(source, *runners_.back(), registry, diagnostics);
  }

  std::vector<std::vector<RuleAction>> make_actions(const rules::RuleSet& rule_set,
                                                    const Registry& registry,
                                                    Diagnostics& diagnostics) {
    std::vector<std::vector<RuleAction>> by_rule;
    for (const auto& rule : rule_set.rules) {
      auto& actions = by_rule.emplace_back();
      if (!rule.enabled) continue;
      for (const auto& entry : rule.actions) {
        if (auto action = make_action(entry, registry, diagnostics))
          actions.push_back(std::move(*action));
      }
    }
    return by_rule;
  }

  std::optional<RuleAction> make_action(const rules::Extension& entry, const Registry& registry,
                                        Diagnostics& diagnostics) {
    RuleAction made;
    made.name = entry.name;
    made.descriptor = registry.actions.find(entry.name);
    if (made.descriptor == nullptr) return std::nullopt;  // told by check_extensions()
    made.arguments = ValueTemplate::compile(entry.settings);
    if (!wait_for(made.arguments.prepare(options_.templates))) {
      tell_of_templates(entry, diagnostics, [this](const ValueTemplate& setting) {
        return wait_for(setting.prepare(options_.templates));
      });
      return std::nullopt;
    }
    Result<Settings> checked;
    if (made.arguments.is_constant()) {
      Value clear = entry.settings;
      if (!decrypt(clear, entry, diagnostics)) return std::nullopt;
      checked = Settings::check(made.descriptor->schema, clear.get_object());
      if (!checked) {
        diagnostics.error("wrong-settings", entry.where, checked.error().message());
        return std::nullopt;
      }
      made.constant.emplace(*checked);
    }
    auto action = made.descriptor->create(made.constant ? *made.constant : Settings());
    if (!action) {
      diagnostics.error("wrong-settings", entry.where, action.error().message());
      return std::nullopt;
    }
    made.action = std::move(*action);
    return made;
  }

  // Whether the encrypted texts of settings are in clear.
  bool decrypt(Value& settings, const rules::Extension& entry, Diagnostics& diagnostics) {
    if (!ansible::Vault::holds_encrypted(settings)) return true;
    Result<> done = ansible::Vault::no_secrets();
    if (options_.vault != nullptr)
      done = wait_for(options_.vault->decrypt_all(settings, entry.name));
    if (done) return true;
    const bool no_vault = done.error().code() == Errc::invalid_settings;
    diagnostics.error(no_vault ? "no-vault-secrets" : "wrong-vault-text", entry.where,
                      done.error().message());
    return false;
  }

  // What is wrong with the templates of the settings, all of it, each at its place.
  template <class Try>
  void tell_of_templates(const rules::Extension& entry, Diagnostics& diagnostics, Try attempt) {
    for (const auto& setting : entry.settings) {
      const auto tried = attempt(ValueTemplate::compile(setting.value()));
      if (tried) continue;
      const auto* node = entry.node.find(setting.key());
      const bool can_mend =
          tried.error().code() != Errc::unavailable && tried.error().code() != Errc::unsupported;
      diagnostics.error(can_mend ? "wrong-template" : "no-templates",
                        node != nullptr ? node->where : entry.where,
                        fmt::format("{}: {}: {}", entry.name, std::string_view(setting.key()),
                                    tried.error().message()));
    }
  }

  void add_source(const rules::SourceEntry& entry, RuleSetRunner& runner, const Registry& registry,
                  Diagnostics& diagnostics) {
    const auto& where = entry.plugin.where;
    const auto complain = [&](const Error& error) {
      diagnostics.error("wrong-settings", where, error.message());
    };
    const auto* descriptor = registry.sources.find(entry.plugin.name);
    // Settings of sources are rendered once, with the startup variables; those of filters are not.
    const auto arguments = ValueTemplate::compile(entry.plugin.settings);
    const Scope scope(options_.variables);
    auto rendered = wait_for(arguments.render(scope, options_.templates));
    if (!rendered) {
      return tell_of_templates(entry.plugin, diagnostics, [&](const ValueTemplate& setting) {
        return wait_for(setting.render(scope, options_.templates));
      });
    }
    if (!decrypt(*rendered, entry.plugin, diagnostics)) return;
    auto settings = Settings::check(descriptor->schema, rendered->get_object());
    if (!settings) return complain(settings.error());
    std::vector<SourceRunner::NamedFilter> filters;
    for (const auto& named : entry.filters) {
      const auto* filter = registry.filters.find(named.name);
      auto filter_settings = Settings::check(filter->schema, named.settings);
      if (!filter_settings) return complain(filter_settings.error());
      auto made = filter->create(*filter_settings);
      if (!made) return complain(made.error());
      filters.push_back({named.name, std::move(*made)});
    }
    auto source = SourceRunner::create(
        Origin{entry.name, entry.plugin.name},
        [descriptor, settings = std::move(*settings)] { return descriptor->create(settings); },
        std::move(filters), runner.inbox(), memory_of(runner.rules().name, entry.name),
        SourceRunner::Environment{
            loop_, pool_, log_, options_.limits, options_.inbox_events,
            [&runner](const Origin& origin, std::uint64_t position, const Error& error) {
              runner.refuse(origin, position, error);
            }});
    if (!source) return complain(source.error());
    sources_.push_back({std::move(*source), runner.rules().name, entry.restart});
  }

  SourceMemory memory_of(const std::string& rule_set, const std::string& source) const {
    if (options_.source_memory.empty()) return {};
    return SourceMemory(options_.source_memory / file_name_of(rule_set) /
                        (file_name_of(source) + ".json"));
  }

  // Before the loop runs for good.
  template <class T>
  Result<T> wait_for(Task<Result<T>> task) {
    std::optional<Result<T>> outcome;
    loop_.run_until_done(keep(std::move(task), outcome));
    return std::move(*outcome);
  }
  template <class T>
  static Task<> keep(Task<Result<T>> task, std::optional<Result<T>>& outcome) {
    outcome = co_await std::move(task);
  }

  // --- running
  // -------------------------------------------------------------------------------------------------------

  Task<> run() {
    if (options_.journal != nullptr) {
      if (auto begun = co_await options_.journal->begin(); !begun) {
        log_.error("journal", "{}", begun.error().message());
        failed_ = true;
        co_return;
      }
    }
    if (std::ranges::any_of(runners_, wants_facts)) {
      source_tasks_.spawn("gathering of facts", gather_facts());
      co_await source_tasks_.join();
    }
    for (auto& runner : runners_)
      rule_set_tasks_.spawn("rule set " + runner->rules().name, runner->run());
    for (auto& entry : sources_) {
      entry.running = true;
      source_tasks_.spawn("source " + entry.runner->origin().name,
                          run_source(*entry.runner, entry.restart),
                          [&entry] { entry.running = false; });
    }
    co_await rule_set_tasks_.join();
    if (options_.journal != nullptr) {
      if (auto kept = co_await options_.journal->finish(); !kept) failed_ = true;
    }
    // Nobody reads any more: sources that wait for an answer get it.
    for (auto& runner : runners_) runner->stop_intake();
    source_tasks_.request_stop();
    const auto reminder = loop_.call_later(kLongEnd, [this] { tell_of_deaf_sources(); });
    co_await source_tasks_.join();
    loop_.cancel(reminder);
    if (options_.recorder != nullptr) co_await options_.recorder->finish();
  }

  static bool wants_facts(const std::unique_ptr<RuleSetRunner>& runner) {
    return runner->rules().gather_facts;
  }

  // Before sources start, so that rules know the hosts when the first event comes.
  Task<> gather_facts() {
    if (options_.inventory.empty()) {
      log_.warning("engine", "Ignoring gather_facts, since it requires inventory");
      co_return;
    }
    const auto gathered = co_await ansible::gather_facts(options_.inventory, loop_, pool_);
    if (!gathered) {
      if (gathered.error().code() != Errc::cancelled)
        log_.error("engine", "{}", gathered.error().message());
      co_return;
    }
    for (auto& runner : runners_) {
      if (!wants_facts(runner)) continue;
      for (const auto& facts : *gathered) runner->insert_fact(facts);
    }
  }

  // The run waits for them: native ones perhaps for ever.
  void tell_of_deaf_sources() {
    for (const auto& entry : sources_) {
      if (entry.running)
        log_.warning(entry.runner->log_name(), "was asked to end, and does not yet");
    }
  }

  Task<> run_source(SourceRunner& source, rules::Restart restart) {
    Duration pause = kFirstPause;
    while (true) {
      const Instant begun = loop_.clock().now();
      const auto ended = co_await source.run_source();
      if (!ended && ended.error().code() == Errc::cancelled) co_return;
      if (restart == rules::Restart::never || (ended && restart == rules::Restart::on_failure)) {
        end_source(source.origin().name, ended);
        co_return;
      }
      if (loop_.clock().now() - begun >= kSoundRun) pause = kFirstPause;
      tell_of_restart(source.log_name(), ended, pause);
      if (auto slept = co_await loop_.sleep_for(pause); !slept) co_return;
      pause = std::min(2 * pause, kLongestPause);
    }
  }

  void tell_of_restart(const std::string& log_name, const Result<>& ended, Duration pause) {
    if (!ended)
      log_.write_lines(LogLevel::error, log_name, "Source error: " + ended.error().message());
    log_.write(
        ended ? LogLevel::info : LogLevel::warning, log_name,
        fmt::format("starts again in {:.1f} s", std::chrono::duration<double>(pause).count()));
  }

  void end_source(const std::string& name, const Result<>& ended) {
    const auto log_name = "source." + name;
    if (ended) {
      log_.info(log_name, "ended");
    } else {
      failed_ = true;
      source_failed_ = true;
      const std::string_view why = ended.error().message();
      const auto first = why.substr(0, why.find('\n'));
      log_.error(log_name, "Source error: {}", first);
      log_.error(log_name, "Shutting down source: {}", name);
      if (first.size() < why.size())
        log_.write_lines(LogLevel::error, "traceback", why.substr(first.size() + 1));
    }
    drain();
  }

  void on_crash(std::string_view task, const std::exception_ptr& why) {
    try {
      std::rethrow_exception(why);
    } catch (const std::exception& error) {
      log_.error("engine", "{} ended by an exception: {}", task, error.what());
    } catch (...) {
      log_.error("engine", "{} ended by an unknown exception", task);
    }
    failed_ = true;
    drain();
  }

  // A source has ended: the others stop, and what was emitted is read.
  void drain() {
    if (std::exchange(stopping_, true)) return;
    source_tasks_.request_stop();
    for (auto& runner : runners_) runner->close_intake();
  }

  void stop(Duration delay) {
    stopping_ = true;
    source_tasks_.request_stop();
    for (auto& runner : runners_) {
      runner->set_deadline(delay);
      runner->stop_intake();
    }
  }

  void stop_now() {
    stop(Duration::zero());
    for (auto& runner : runners_) runner->cancel_actions();
  }

  // --- services
  // ------------------------------------------------------------------------------------------------------

  RuleSetRunner* find(std::string_view name) const {
    const auto found = std::ranges::find_if(
        runners_, [&](const auto& runner) { return runner->rules().name == name; });
    return found == runners_.end() ? nullptr : found->get();
  }

  static Error not_found(std::string_view name) {
    return fail(Errc::not_found, "Ruleset {} not found", name);
  }

  Result<> set_fact(std::string_view rule_set, Object fact) override {
    auto* runner = find(rule_set);
    if (runner == nullptr) return not_found(rule_set);
    runner->insert_fact(std::move(fact));
    return {};
  }

  Result<> post_event(std::string_view rule_set, Object event) override {
    auto* runner = find(rule_set);
    if (runner == nullptr) return not_found(rule_set);
    return runner->insert_event(std::move(event));
  }

  Result<> retract_fact(std::string_view rule_set, const Object& fact, Retract how) override {
    auto* runner = find(rule_set);
    if (runner == nullptr) return not_found(rule_set);
    runner->retract(fact, how == Retract::partial ? rules::Session::Retract::partial
                                                  : rules::Session::Retract::whole);
    return {};
  }

  std::vector<DocumentPtr> facts(std::string_view rule_set) const override {
    const auto* runner = find(rule_set);
    return runner != nullptr ? runner->facts() : std::vector<DocumentPtr>();
  }

  void shut_down(ShutdownRequest request) override {
    if (shutdown_requested_) return;
    shutdown_requested_ = true;
    log_.info("engine", "rule {} of {} asks for shutdown: {}", request.rule, request.rule_set,
              request.message);
    if (request.kind == ShutdownRequest::Kind::now) {
      // The action that asks is itself running: let it end first.
      loop_.call_soon([this] { stop_now(); });
    } else {
      stop(request.delay);
    }
  }

  Duration default_shutdown_delay() const override { return options_.shutdown_delay; }
  JobController* job_controller() const override { return options_.job_controller; }
  const Object& variables() const override { return options_.variables; }
  const std::string& inventory() const override { return options_.inventory; }
  const std::string& project() const override { return options_.project; }
  bool print_events() const override { return options_.print_events; }

  void output_closed() override {
    if (std::exchange(output_lost_, true)) return;
    log_.error("engine", "standard output is closed: stopping");
    failed_ = true;
    stop(options_.shutdown_delay);
  }

  Duration shutdown_delay() const { return options_.shutdown_delay; }
  bool failed() const { return failed_; }
  bool source_failed() const { return source_failed_; }

  Summary summary() const {
    Summary summary;
    for (const auto& runner : runners_) runner->add_to(summary);
    for (const auto& entry : sources_) {
      summary.sources.push_back(
          {entry.rule_set, entry.runner->origin().name, std::as_const(*entry.runner).status()});
    }
    if (options_.journal != nullptr) summary.journal = options_.journal->totals();
    if (options_.recorder != nullptr) summary.record = options_.recorder->totals();
    return summary;
  }

  Progress progress() const {
    Progress progress;
    for (const auto& runner : runners_) runner->add_to(progress);
    for (const auto& entry : sources_)
      progress.fraction_read = std::max(progress.fraction_read, entry.runner->fraction_read());
    return progress;
  }

 private:
  const std::vector<rules::Rulebook> rulebooks_;
  MainLoop& loop_;
  BlockingPool& pool_;
  Log& log_;
  Output& output_;
  const EngineOptions options_;
  UuidGenerator uuids_;
  std::vector<std::unique_ptr<RuleSetRunner>> runners_;
  struct StartedSource {
    std::unique_ptr<SourceRunner> runner;
    std::string rule_set;
    rules::Restart restart;
    bool running = false;
  };
  std::vector<StartedSource> sources_;
  TaskGroup source_tasks_;
  TaskGroup rule_set_tasks_;
  bool stopping_ = false;
  bool shutdown_requested_ = false;
  bool output_lost_ = false;
  bool failed_ = false;
  bool source_failed_ = false;
};

std::unique_ptr<Engine> Engine::create(std::vector<rules::Rulebook> rulebooks,
                                       const Registry& registry, MainLoop& loop, BlockingPool& pool,
                                       Log& log, Output& output, EngineOptions options,
                                       Diagnostics& diagnostics) {
  auto impl =
      std::make_unique<Impl>(std::move(rulebooks), loop, pool, log, output, std::move(options));
  impl->build(registry, diagnostics);
  if (diagnostics.has_errors()) return nullptr;
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Task<> Engine::run() { co_await impl_->run(); }

void Engine::stop(Stop how) {
  if (how == Stop::now) {
    impl_->stop_now();
  } else {
    impl_->stop(impl_->shutdown_delay());
  }
}

bool Engine::failed() const { return impl_->failed(); }
bool Engine::source_failed() const { return impl_->source_failed(); }
Summary Engine::summary() const { return impl_->summary(); }
Progress Engine::progress() const { return impl_->progress(); }

}  // namespace millrace::pipeline
