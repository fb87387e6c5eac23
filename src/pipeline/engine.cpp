// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/engine.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <unordered_set>
#include <utility>

#include "millrace/ansible/facts.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/pipeline/journal.hpp"
#include "millrace/pipeline/recorder.hpp"
#include "millrace/rules/session.hpp"
#include "rule_set_audit.hpp"
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

// A rule set that was replaced is counted with what it was before.
void merge_by_name(std::vector<Summary::RuleSet>& rule_sets) {
  std::vector<Summary::RuleSet> merged;
  for (auto& rule_set : rule_sets) {
    const auto same = std::ranges::find(merged, rule_set.name, &Summary::RuleSet::name);
    if (same == merged.end()) {
      merged.push_back(std::move(rule_set));
      continue;
    }
    for (auto& [rule, firings] : rule_set.firings) {
      const auto counted =
          std::ranges::find(same->firings, rule, &std::pair<std::string, std::uint64_t>::first);
      if (counted == same->firings.end()) {
        same->firings.emplace_back(std::move(rule), firings);
      } else {
        counted->second += firings;
      }
    }
  }
  rule_sets = std::move(merged);
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
  Impl(const Registry& registry, MainLoop& loop, BlockingPool& pool, Log& log, Output& output,
       EngineOptions options)
      : registry_(registry),
        loop_(loop),
        pool_(pool),
        log_(log),
        output_(output),
        options_(std::move(options)),
        memory_at_start_(resident_bytes()),
        first_tasks_(
            loop.executor(),
            [this](std::string_view name, const std::exception_ptr& why) { on_crash(name, why); }),
        rule_set_tasks_(
            loop.executor(),
            [this](std::string_view name, const std::exception_ptr& why) { on_crash(name, why); }) {
    if (options_.audit == nullptr) return;
    options_.audit->on_room([this] {
      for (const auto& member : members_) member->runner->look_for_room();
    });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override {
    if (options_.audit != nullptr) options_.audit->on_room({});
  }

  // One rule set and its sources.
  struct Member {
    struct StartedSource {
      std::unique_ptr<SourceRunner> runner;
      rules::Restart restart;
      bool running = false;
    };
    Member(rules::RuleSet given, Impl& engine)
        : rules(std::move(given)),
          source_tasks(engine.loop_.executor(),
                       [&engine](std::string_view name, const std::exception_ptr& why) {
                         engine.on_crash(name, why);
                       }) {}

    const rules::RuleSet rules;
    std::unique_ptr<RuleSetRunner> runner;
    std::vector<StartedSource> sources;
    TaskGroup source_tasks;
    bool leaving = false;  // the rulebook no longer has it
    bool ended = false;
  };
  using Members = std::vector<std::unique_ptr<Member>>;
  // A rule set of new rulebooks: one that goes on, or one made for it.
  struct Place {
    Member* kept = nullptr;
    std::unique_ptr<Member> made;
  };

  // --- building
  // ------------------------------------------------------------------------------------------------------

  // Rule sets that are at work already, unchanged, are not made again.
  Task<std::vector<Place>> build(std::vector<rules::Rulebook> rulebooks, Diagnostics& diagnostics) {
    std::vector<Place> places;
    std::unordered_set<std::string> names;
    for (auto& rulebook : rulebooks) {
      check_extensions(rulebook, registry_, diagnostics);
      for (auto& rule_set : rulebook.rule_sets) {
        for (const auto& rule : rule_set.rules) check_controller(rule, diagnostics);
        if (!names.insert(rule_set.name).second) {
          diagnostics.error(
              "duplicate-ruleset", rule_set.where,
              fmt::format("Ruleset with name: {} defined multiple times", rule_set.name));
        }
        if (auto* kept = find_same(rule_set)) {
          places.push_back({.kept = kept});
        } else if (auto made = co_await make_member(std::move(rule_set), diagnostics)) {
          places.push_back({.made = std::move(made)});
        }
      }
    }
    co_return places;
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

  // For before the loop runs for good.
  void build_first(std::vector<rules::Rulebook> rulebooks, Diagnostics& diagnostics) {
    loop_.run_until_done(place_first(std::move(rulebooks), diagnostics));
  }
  Task<> place_first(std::vector<rules::Rulebook> rulebooks, Diagnostics& diagnostics) {
    for (auto& place : co_await build(std::move(rulebooks), diagnostics))
      members_.push_back(std::move(place.made));
    if (diagnostics.has_errors()) co_return;
    for (const auto& member : members_) member->runner->join_journal();
  }

  Member* find_same(const rules::RuleSet& rule_set) const {
    const auto found = std::ranges::find_if(members_, [&](const auto& member) {
      return !member->leaving && !member->ended && member->rules.content == rule_set.content;
    });
    return found == members_.end() ? nullptr : found->get();
  }

  // Empty if there is a fault, of this rule set or of one before.
  Task<std::unique_ptr<Member>> make_member(rules::RuleSet rule_set, Diagnostics& diagnostics) {
    auto member = std::make_unique<Member>(std::move(rule_set), *this);
    auto session = rules::Session::create(member->rules, diagnostics, options_.session);
    if (diagnostics.has_errors()) co_return nullptr;
    auto actions = co_await make_actions(member->rules, diagnostics);
    member->runner = std::make_unique<RuleSetRunner>(
        member->rules, std::move(session), std::move(actions),
        RuleSetRunner::Environment{*this, loop_, pool_, log_, output_, options_, uuids_,
                                   ++sessions_, memory_at_start_,
                                   [this](const std::string& why) { give_up(why); }});
    if (auto recovered = member->runner->recover(); !recovered) {
      diagnostics.error("damaged-journal", member->rules.where, recovered.error().message(),
                        "move the journal away to begin without what was accepted and remembered");
    }
    for (const auto& source : member->rules.sources)
      co_await add_source(source, *member, diagnostics);
    if (diagnostics.has_errors()) co_return nullptr;
    co_return member;
  }

  Task<std::vector<std::vector<RuleAction>>> make_actions(const rules::RuleSet& rule_set,
                                                          Diagnostics& diagnostics) {
    std::vector<std::vector<RuleAction>> by_rule;
    for (const auto& rule : rule_set.rules) {
      auto& actions = by_rule.emplace_back();
      if (!rule.enabled) continue;
      for (const auto& entry : rule.actions) {
        if (auto action = co_await make_action(entry, diagnostics))
          actions.push_back(std::move(*action));
      }
    }
    co_return by_rule;
  }

  Task<std::optional<RuleAction>> make_action(const rules::Extension& entry,
                                              Diagnostics& diagnostics) {
    RuleAction made;
    made.name = entry.name;
    made.descriptor = registry_.actions.find(entry.name);
    if (made.descriptor == nullptr) co_return std::nullopt;  // told by check_extensions()
    made.arguments = ValueTemplate::compile(entry.settings);
    if (!co_await made.arguments.prepare(options_.templates)) {
      co_await tell_of_templates(entry, diagnostics, [this](const ValueTemplate& setting) {
        return setting.prepare(options_.templates);
      });
      co_return std::nullopt;
    }
    Result<Settings> checked;
    if (made.arguments.is_constant()) {
      Value clear = entry.settings;
      if (!co_await decrypt(clear, entry, diagnostics)) co_return std::nullopt;
      checked = Settings::check(made.descriptor->schema, clear.get_object());
      if (!checked) {
        diagnostics.error("wrong-settings", entry.where, checked.error().message());
        co_return std::nullopt;
      }
      made.constant.emplace(*checked);
    }
    auto action = made.descriptor->create(made.constant ? *made.constant : Settings());
    if (!action) {
      diagnostics.error("wrong-settings", entry.where, action.error().message());
      co_return std::nullopt;
    }
    made.action = std::move(*action);
    co_return made;
  }

  // Whether the encrypted texts of settings are in clear.
  Task<bool> decrypt(Value& settings, const rules::Extension& entry, Diagnostics& diagnostics) {
    if (!ansible::Vault::holds_encrypted(settings)) co_return true;
    Result<> done = ansible::Vault::no_secrets();
    if (options_.vault != nullptr)
      done = co_await options_.vault->decrypt_all(settings, entry.name);
    if (done) co_return true;
    const bool no_vault = done.error().code() == Errc::invalid_settings;
    diagnostics.error(no_vault ? "no-vault-secrets" : "wrong-vault-text", entry.where,
                      done.error().message());
    co_return false;
  }

  // What is wrong with the templates of the settings, all of it, each at its place.
  template <class Try>
  Task<> tell_of_templates(const rules::Extension& entry, Diagnostics& diagnostics, Try attempt) {
    for (const auto& setting : entry.settings) {
      const auto compiled = ValueTemplate::compile(setting.value());
      const auto tried = co_await attempt(compiled);
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

  Task<> add_source(const rules::SourceEntry& entry, Member& member, Diagnostics& diagnostics) {
    auto& runner = *member.runner;
    const auto& where = entry.plugin.where;
    const auto complain = [&](const Error& error) {
      diagnostics.error("wrong-settings", where, error.message());
    };
    const auto* descriptor = registry_.sources.find(entry.plugin.name);
    // Settings of sources are rendered once, with the startup variables; those of filters are not.
    const auto arguments = ValueTemplate::compile(entry.plugin.settings);
    const Scope scope(options_.variables);
    auto rendered = co_await arguments.render(scope, options_.templates);
    if (!rendered) {
      co_await tell_of_templates(entry.plugin, diagnostics, [&](const ValueTemplate& setting) {
        return setting.render(scope, options_.templates);
      });
      co_return;
    }
    if (!co_await decrypt(*rendered, entry.plugin, diagnostics)) co_return;
    auto settings = Settings::check(descriptor->schema, rendered->get_object());
    if (!settings) co_return complain(settings.error());
    std::vector<SourceRunner::NamedFilter> filters;
    for (const auto& named : entry.filters) {
      const auto* filter = registry_.filters.find(named.name);
      auto filter_settings = Settings::check(filter->schema, named.settings);
      if (!filter_settings) co_return complain(filter_settings.error());
      auto made = filter->create(*filter_settings);
      if (!made) co_return complain(made.error());
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
    if (!source) co_return complain(source.error());
    member.sources.push_back({std::move(*source), entry.restart});
  }

  SourceMemory memory_of(const std::string& rule_set, const std::string& source) const {
    if (options_.source_memory.empty()) return {};
    return SourceMemory(options_.source_memory / file_name_of(rule_set) /
                        (file_name_of(source) + ".json"));
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
    if (std::ranges::any_of(members_, wants_facts)) {
      first_tasks_.spawn("gathering of facts", gather_facts());
      co_await first_tasks_.join();
    }
    for (const auto& member : members_) start(*member);
    co_await rule_set_tasks_.join();
    if (options_.journal != nullptr) {
      if (auto kept = co_await options_.journal->finish(); !kept) failed_ = true;
    }
    // Nobody reads any more: sources that wait for an answer get it.
    for (const auto& member : members_) member->runner->stop_intake();
    stop_sources();
    const auto reminder = loop_.call_later(kLongEnd, [this] { tell_of_deaf_sources(); });
    for (const auto& member : members_) co_await member->source_tasks.join();
    loop_.cancel(reminder);
    if (options_.recorder != nullptr) co_await options_.recorder->finish();
  }

  static bool wants_facts(const std::unique_ptr<Member>& member) {
    return member->rules.gather_facts;
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
    for (const auto& member : members_) {
      if (!wants_facts(member)) continue;
      for (const auto& facts : *gathered) {
        // What an earlier run has gathered of the host: nothing else has such a `meta`.
        member->runner->retract({{"meta", facts.at("meta")}}, rules::Session::Retract::partial);
        member->runner->insert_fact(facts);
      }
    }
  }

  void start(Member& member) {
    rule_set_tasks_.spawn("rule set " + member.rules.name, member.runner->run(),
                          [this, &member] { on_rule_set_end(member); });
    for (auto& entry : member.sources) {
      entry.running = true;
      member.source_tasks.spawn("source " + entry.runner->origin().name,
                                run_source(*entry.runner, entry.restart, member),
                                [&entry] { entry.running = false; });
    }
  }

  void on_rule_set_end(Member& member) {
    member.ended = true;
    member_ended_.notify_all();
    if (options_.audit == nullptr) return;
    static const Ending kReplaced{.message = "The rulebook has changed"};
    static const Ending kUnknown{.message = "The rule set has ended"};
    options_.audit->send(shutdown_message(member.leaving ? kReplaced : ending_.value_or(kUnknown)));
  }

  void stop_sources() {
    first_tasks_.request_stop();
    for (const auto& member : members_) member->source_tasks.request_stop();
  }

  // The run waits for them: native ones perhaps for ever.
  void tell_of_deaf_sources() {
    for (const auto& member : members_) {
      for (const auto& entry : member->sources) {
        if (entry.running && member->source_tasks.stopping())
          log_.warning(entry.runner->log_name(), "was asked to end, and does not yet");
      }
    }
  }

  // --- replacing
  // -----------------------------------------------------------------------------------------------------

  Task<std::optional<Replacement>> replace(std::vector<rules::Rulebook> rulebooks,
                                           Diagnostics& diagnostics) {
    auto places = co_await build(std::move(rulebooks), diagnostics);
    if (diagnostics.has_errors() || stopping_) co_return std::nullopt;
    Replacement done;
    Waiters ended;
    // A task of the rule sets: the run does not end between the old ones and the new.
    rule_set_tasks_.spawn("replacement", exchange(std::move(places), done),
                          [&ended] { ended.notify_all(); });
    co_await ended.wait_to_the_end();
    co_return done;
  }

  Task<> exchange(std::vector<Place> places, Replacement& done) {
    for (auto& member : members_) {
      const bool stays = std::ranges::any_of(
          places, [&](const Place& place) { return place.kept == member.get(); });
      (stays ? done.kept : done.stopped).push_back(member->rules.name);
      if (stays) continue;
      member->leaving = true;
      member->source_tasks.request_stop();
    }
    const auto reminder = loop_.call_later(kLongEnd, [this] { tell_of_deaf_sources(); });
    // While they end they are still found by name, and can be asked to stop at once.
    for (const auto& member : members_) {
      if (!member->leaving) continue;
      co_await member->source_tasks.join();
      member->runner->close_intake();
    }
    while (std::ranges::any_of(
        members_, [](const auto& member) { return member->leaving && !member->ended; }))
      co_await member_ended_.wait_to_the_end();
    loop_.cancel(reminder);
    if (stopping_) co_return;
    Members all;
    for (auto& place : places) {
      if (place.made) {
        done.started.push_back(place.made->rules.name);
        start(*place.made);
        all.push_back(std::move(place.made));
      } else {
        all.push_back(
            std::move(*std::ranges::find(members_, place.kept, &Members::value_type::get)));
      }
    }
    for (const auto& member : members_) {
      if (member) member->runner->add_to(past_);
    }
    past_.partial_matches = past_.state_bytes = 0;  // gone with the rule sets
    members_ = std::move(all);
    for (const auto& member : members_) {
      if (std::ranges::find(done.started, member->rules.name) != done.started.end())
        member->runner->join_journal();
    }
  }

  Task<> run_source(SourceRunner& source, rules::Restart restart, const Member& member) {
    Duration pause = kFirstPause;
    while (true) {
      const Instant begun = loop_.clock().now();
      const auto ended = co_await source.run_source();
      if (!ended && ended.error().code() == Errc::cancelled) co_return;
      if (member.leaving) co_return;
      if (restart == rules::Restart::never || (ended && restart == rules::Restart::on_failure)) {
        end_source(source.origin(), ended);
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

  void end_source(const Origin& origin, const Result<>& ended) {
    const auto& name = origin.name;
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
    const auto text = fmt::format("Source {} initiated shutdown at {}", origin.type,
                                  to_local_text(loop_.clock().wall()));
    end_because({text, options_.shutdown_delay, origin.type});
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
    end_because({fmt::format("{} ended by an exception", task), options_.shutdown_delay});
    drain();
  }

  // The first reason counts.
  void end_because(Ending ending) {
    if (!ending_) ending_ = std::move(ending);
  }

  void give_up(const std::string& why) {
    log_.error("engine", "{}", why);
    failed_ = true;
    end_because({why, options_.shutdown_delay});
    stop(options_.shutdown_delay);
  }

  // A source has ended: the others stop, and what was emitted is read.
  void drain() {
    if (std::exchange(stopping_, true)) return;
    stop_sources();
    for (const auto& member : members_) member->runner->close_intake();
  }

  void stop(Duration delay) {
    stopping_ = true;
    stop_sources();
    for (const auto& member : members_) {
      member->runner->set_deadline(delay);
      member->runner->stop_intake();
    }
  }

  void stop_now() {
    stop(Duration::zero());
    for (const auto& member : members_) member->runner->cancel_actions();
  }

  void stop_on_request(Stop how) {
    end_because({.message = "The program was asked to stop",
                 .delay = how == Stop::now ? Duration::zero() : options_.shutdown_delay,
                 .kind = how == Stop::now ? "now" : "graceful"});
    if (how == Stop::now) {
      stop_now();
    } else {
      stop(options_.shutdown_delay);
    }
  }

  // --- services
  // ------------------------------------------------------------------------------------------------------

  RuleSetRunner* find(std::string_view name) const {
    const auto found = std::ranges::find_if(members_, [&](const auto& member) {
      return member->rules.name == name && !(member->leaving && member->ended);
    });
    return found == members_.end() ? nullptr : (*found)->runner.get();
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
    const bool now = request.kind == ShutdownRequest::Kind::now;
    end_because({request.message, request.delay, "", now ? "now" : "graceful"});
    if (now) {
      // The action that asks is itself running: let it end first.
      loop_.call_soon([this] { stop_now(); });
    } else {
      stop(request.delay);
    }
  }

  Duration default_shutdown_delay() const override { return options_.shutdown_delay; }
  const Object& variables() const override { return options_.variables; }
  const std::string& inventory() const override { return options_.inventory; }
  const std::string& project() const override { return options_.project; }
  JobController* job_controller() const override { return options_.job_controller; }
  bool print_events() const override { return options_.print_events; }

  void output_closed() override {
    if (std::exchange(output_lost_, true)) return;
    log_.error("engine", "standard output is closed: stopping");
    failed_ = true;
    end_because({"standard output is closed", options_.shutdown_delay});
    stop(options_.shutdown_delay);
  }

  bool failed() const { return failed_; }
  bool source_failed() const { return source_failed_; }

  Summary summary() const {
    Summary summary = past_;
    for (const auto& member : members_) member->runner->add_to(summary);
    merge_by_name(summary.rule_sets);
    for (const auto& member : members_) {
      for (const auto& entry : member->sources) {
        summary.sources.push_back({member->rules.name, entry.runner->origin().name,
                                   std::as_const(*entry.runner).status()});
      }
    }
    if (options_.journal != nullptr) summary.journal = options_.journal->totals();
    if (options_.recorder != nullptr) summary.record = options_.recorder->totals();
    return summary;
  }

  Progress progress() const {
    Progress progress;
    for (const auto& member : members_) {
      member->runner->add_to(progress);
      for (const auto& entry : member->sources)
        progress.fraction_read = std::max(progress.fraction_read, entry.runner->fraction_read());
    }
    return progress;
  }

 private:
  const Registry& registry_;
  MainLoop& loop_;
  BlockingPool& pool_;
  Log& log_;
  Output& output_;
  const EngineOptions options_;
  UuidGenerator uuids_;
  const std::size_t memory_at_start_;
  std::uint64_t sessions_ = 0;
  Members members_;
  Waiters member_ended_;
  Summary past_;  // of rule sets that have left
  std::optional<Ending> ending_;
  TaskGroup first_tasks_;  // before the sources start
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
  auto impl = std::make_unique<Impl>(registry, loop, pool, log, output, std::move(options));
  impl->build_first(std::move(rulebooks), diagnostics);
  if (diagnostics.has_errors()) return nullptr;
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Task<> Engine::run() { co_await impl_->run(); }

void Engine::stop(Stop how) { impl_->stop_on_request(how); }

Task<std::optional<Engine::Replacement>> Engine::replace(std::vector<rules::Rulebook> rulebooks,
                                                         Diagnostics& diagnostics) {
  co_return co_await impl_->replace(std::move(rulebooks), diagnostics);
}

bool Engine::failed() const { return impl_->failed(); }
bool Engine::source_failed() const { return impl_->source_failed(); }
Summary Engine::summary() const { return impl_->summary(); }
Progress Engine::progress() const { return impl_->progress(); }

}  // namespace millrace::pipeline
