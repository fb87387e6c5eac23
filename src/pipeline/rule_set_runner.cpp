// SPDX-License-Identifier: Apache-2.0
#include "rule_set_runner.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <numeric>
#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/event/python_text.hpp"
#include "millrace/pipeline/recorder.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::uint64_t kRefusalsTold = 10;      // of a rule set; the others are counted
constexpr std::size_t kReasonBytes = 1000;       // of a refusal; a filter's may repeat the event
constexpr std::size_t kMostFirings = 1'000'000;  // that actions may pile up by posting events

TaskGroup::OnFailure tell(Log& log, std::string component) {
  return [&log, component = std::move(component)](std::string_view task,
                                                  const std::exception_ptr& why) {
    try {
      std::rethrow_exception(why);
    } catch (const std::exception& error) {
      log.error(component, "{} ended by an exception: {}", task, error.what());
    } catch (...) {
      log.error(component, "{} ended by an unknown exception", task);
    }
  };
}

std::unique_ptr<RuleSetRecorder> recorder_of(const rules::RuleSet& rules,
                                             const EngineOptions& options) {
  if (options.recorder == nullptr) return nullptr;
  return std::make_unique<RuleSetRecorder>(*options.recorder, rules);
}

std::unique_ptr<RuleSetJournal> journal_of(const rules::RuleSet& rules, rules::Session& session,
                                           const RuleSetRunner::Environment& environment) {
  auto* journal = environment.options.journal;
  if (journal == nullptr) return nullptr;
  return std::make_unique<RuleSetJournal>(*journal, rules, session, environment.log);
}

}  // namespace

RuleSetRunner::RuleSetRunner(const rules::RuleSet& rules, std::unique_ptr<rules::Session> session,
                             std::vector<std::vector<RuleAction>> actions, Environment environment)
    : rules_(rules),
      session_(std::move(session)),
      recorder_(recorder_of(rules, environment.options)),
      journal_(journal_of(rules, *session_, environment)),
      actions_(std::move(actions)),
      environment_(environment),
      log_name_("rules." + rules.name),
      id_(environment.uuids.next()),
      deadline_(environment.options.shutdown_delay),
      reader_(session_->paths(), environment.options.limits),
      inbox_(environment.options.inbox_events),
      tasks_(environment.loop.executor(), tell(environment.log, log_name_)),
      firings_(environment.loop.executor(), tell(environment.log, log_name_)),
      firings_by_rule_(rules.rules.size()),
      counts_{.number = environment.number, .memory_at_start = environment.memory_at_start} {
  for (std::size_t i = 0; i < rules.rules.size(); ++i)
    rule_ids_.push_back(environment.uuids.next());
}

bool RuleSetRunner::parallel() const {
  const auto strategy = rules_.execution_strategy ? rules_.execution_strategy
                                                  : environment_.options.execution_strategy;
  return strategy == rules::ExecutionStrategy::parallel;
}

Result<> RuleSetRunner::recover() {
  if (!journal_) return {};
  if (auto recovered = journal_->recover(reader_); !recovered) return recovered;
  const auto at = environment_.loop.clock().wall();
  for (const auto& [id, firing] : journal_->unfinished()) {
    ++firings_by_rule_[firing.activation.rule];
    plan_.push_back({firing.activation, {}, at, id, firing.done});
  }
  return {};
}

// The calendar, from which a journal's times count, may have been set back since.
Instant RuleSetRunner::now() const {
  const Instant now = environment_.loop.clock().now();
  return journal_ ? std::max(now, journal_->last_input()) : now;
}

Task<> RuleSetRunner::run() {
  counts_.start = environment_.loop.clock().wall();
  tasks_.spawn("actions", run_plan());
  const bool beats = environment_.options.heartbeat > Duration::zero();
  if (beats) beat();
  advance_to_now();
  set_timer();
  co_await read_inbox();
  drop_timer();
  advance_to_now();
  reading_ended_ = true;
  planned_.notify_all();
  // What fired is acted upon for as long as the shutdown delay allows.
  const auto deadline = environment_.loop.call_later(deadline_, [this] { cancel_actions(); });
  co_await tasks_.join();
  environment_.loop.cancel(deadline);
  if (heartbeat_) environment_.loop.cancel(*heartbeat_);
  if (beats) tell_statistics();
}

// At the start, and at the end: whether a window that is over by then fires must not depend on
// which callback of the loop came first.
void RuleSetRunner::advance_to_now() {
  const Instant now = this->now();
  session_->advance(now, fired_);
  if (recorder_) recorder_->advance(now, fired_);
  if (journal_) journal_->advance(now);
  plan({});
}

// --- reading
// -------------------------------------------------------------------------------------------------------------

Task<> RuleSetRunner::read_inbox() {
  while (!intake_stopped_) {
    auto entry = co_await inbox_.pop();
    if (!entry || !*entry) co_return;
    if (audit_is_full() && !co_await wait_for_room()) co_return;
    co_await read_batch(std::move(**entry));
    // Timers, other rule sets and the sources get their turn.
    co_await environment_.loop.yield();
  }
}

Task<> RuleSetRunner::read_batch(InboxBatch entry) {
  if (journal_ && !co_await wait_for_journal()) co_return;
  // A journal answers for the events itself, once it has them.
  const auto settlement = std::make_shared<Settlement>(std::move(entry.batch.delivery));
  const auto of_firings = journal_ ? SettlementPtr() : settlement;
  std::vector<Rejection> rejected = std::move(entry.refused);
  const EventReader::Arrival arrival{entry.origin, entry.received_at, {}};
  if (recorder_) co_await catch_up_recording();
  Instant now = this->now();
  for (std::size_t i = 0; i < entry.batch.events.size(); ++i) {
    Event& event = entry.batch.events[i];
    if (auto read = reader_.read(event, arrival); !read) {
      refuse(*entry.origin, event.position(), read.error());
      rejected.push_back({entry.positions.empty() ? i : entry.positions[i], read.error()});
      continue;
    }
    ++events_;
    counts_.last_event_at = entry.received_at;
    if (environment_.options.print_events) print_event(reader_.document());
    session_->insert_event(reader_, now, fired_);
    if (recorder_) recorder_->event(now, event, arrival, reader_.uuid(), fired_);
    if (journal_) journal_->event(now, event, arrival, reader_.uuid());
    if (fired_.empty()) continue;
    const bool is_last = i + 1 == entry.batch.events.size();
    if (!co_await act_on_fired(of_firings) && !is_last) {
      settlement->abandon();  // the events behind this one stay unread
      co_return;
    }
    now = this->now();
  }
  tell_notices();
  set_timer();
  if (!journal_) {
    settlement->taken(rejected);
  } else {
    journal_->when_safe([settlement, rejected] { settlement->taken(rejected); });
  }
}

// While nothing can be kept nothing is taken. False when the intake was stopped meanwhile.
Task<bool> RuleSetRunner::wait_for_journal() {
  auto& journal = journal_->journal();
  while (journal.behind() && !intake_stopped_) {
    if (auto waited = co_await journal.wait_for_room(); !waited) co_return false;
  }
  co_return !intake_stopped_;
}

// A disk that is slower than the sources slows them down, as actions do.
Task<> RuleSetRunner::catch_up_recording() {
  auto& recorder = *environment_.options.recorder;
  if (recorder.behind()) co_await recorder.catch_up();
}

// Lets actions start at once, and waits while too many firings wait; false when the intake was
// stopped meanwhile.
Task<bool> RuleSetRunner::act_on_fired(SettlementPtr settlement) {
  plan(settlement);
  co_await environment_.loop.yield();
  co_return co_await wait_for_room();
}

bool RuleSetRunner::audit_is_full() const {
  const auto* audit = environment_.options.audit;
  return audit != nullptr && audit->full();
}

// Until few enough firings wait, and few enough messages of the audit; false when the intake was
// stopped meanwhile.
Task<bool> RuleSetRunner::wait_for_room() {
  const auto behind = [this] {
    return plan_.size() > environment_.options.pending_activations || audit_is_full();
  };
  if (intake_stopped_ || !behind()) co_return !intake_stopped_;
  const auto& options = environment_.options;
  const Instant since = environment_.loop.clock().now();
  const auto check = [this, since] { check_patience(since); };
  const std::array timers = {environment_.loop.call_later(options.longest_audit_wait, check),
                             environment_.loop.call_later(options.longest_action_wait, check)};
  Result<> waited;
  while (waited && !intake_stopped_ && behind()) waited = co_await plan_has_room_.wait();
  for (const auto& timer : timers) environment_.loop.cancel(timer);
  co_return waited && !intake_stopped_;
}

// A wait is over that has begun `since`.
void RuleSetRunner::check_patience(Instant since) {
  const auto& options = environment_.options;
  const auto waited = environment_.loop.clock().now() - since;
  const double seconds = std::chrono::duration<double>(waited).count();
  if (audit_is_full() && waited >= options.longest_audit_wait) {
    environment_.give_up(
        fmt::format("TimedOutReporting: no room for audit messages for {:.0f} seconds", seconds));
  } else if (parallel() && firings_.size() >= options.concurrent_actions &&
             waited >= options.longest_action_wait) {
    environment_.give_up(
        fmt::format("TimedOutActions: all {} concurrent actions have been running for {:.0f} "
                    "seconds",
                    firings_.size(), seconds));
  }
}

void RuleSetRunner::refuse(const Origin& origin, std::uint64_t position, const Error& error) {
  ++refused_;
  if (refused_ > kRefusalsTold) return;
  auto& log = environment_.log;
  const auto place = position > 0 ? fmt::format("event {}: ", position) : std::string();
  const std::string_view reason = error.message();
  log.error("source." + origin.name, "{}refused: {}{}", place, reason.substr(0, kReasonBytes),
            reason.size() > kReasonBytes ? "..." : "");
  if (refused_ == kRefusalsTold) {
    log.warning(log_name_, "further refused events are counted, not logged");
  }
}

void RuleSetRunner::print_event(const DocumentPtr& event) {
  const auto content =
      fmt::format("Ruleset: {}\nEvent:\n{}", rules_.name, python_pformat(event->value()));
  const auto printed =
      environment_.output.banner(environment_.loop.clock().wall(), "received event", content);
  if (environment_.output.closed()) return environment_.services.output_closed();
  if (!printed) environment_.log.error(log_name_, "{}", printed.error().message());
}

void RuleSetRunner::plan(const SettlementPtr& settlement) {
  const auto at = environment_.loop.clock().wall();
  for (auto& activation : fired_) {
    ++firings_by_rule_[activation.rule];
    const auto id = journal_ ? journal_->fired(activation) : FiringId();
    counts_.last_rule = activation.rule;
    counts_.last_fired_at = at;
    plan_.push_back({std::move(activation), settlement, at, id});
  }
  fired_.clear();
  planned_.notify_all();
}

void RuleSetRunner::tell_notices() {
  for (const auto& notice : session_->take_notices())
    environment_.log.error(log_name_, "{}", notice.text);
}

// --- time
// ----------------------------------------------------------------------------------------------------------------

void RuleSetRunner::set_timer() {
  const auto next = session_->next_timer();
  if (!next || reading_ended_ || (timer_ && timer_at_ <= *next)) return;
  drop_timer();
  timer_at_ = *next;
  const auto delay = std::max(*next - now(), Duration::zero());
  timer_ = environment_.loop.call_later(delay, [this] { on_timer(); });
}

void RuleSetRunner::on_timer() {
  timer_.reset();
  ++counts_.clock_advances;
  const Instant now = this->now();
  session_->advance(now, fired_);
  if (recorder_ && !fired_.empty()) recorder_->advance(now, fired_);
  if (journal_ && !fired_.empty()) journal_->advance(now);
  plan({});
  set_timer();
}

void RuleSetRunner::drop_timer() {
  if (timer_) environment_.loop.cancel(*timer_);
  timer_.reset();
}

void RuleSetRunner::stop_intake() {
  intake_stopped_ = true;
  inbox_.close();
  inbox_.clear();
  plan_has_room_.notify_all();
  if (journal_) journal_->journal().wake();
}

// --- what actions cause
// --------------------------------------------------------------------------------------------------

void RuleSetRunner::insert_fact(Object fact) {
  const Instant now = this->now();
  const auto document = Document::copy_of(Value(std::move(fact)));
  session_->insert_fact(document, now, fired_);
  if (recorder_) recorder_->fact(now, document->value(), fired_);
  if (journal_) journal_->fact(now, document->value());
  plan({});
  tell_notices();
  set_timer();
}

Result<> RuleSetRunner::insert_event(Object data) {
  if (plan_.size() >= kMostFirings) {
    return fail(Errc::unavailable, "rule set {} has {} firings waiting: the event is refused",
                rules_.name, plan_.size());
  }
  Event event{Value(std::move(data))};
  if (auto read = reader_.read(event, {}); !read) return read.error();
  ++events_;
  counts_.last_event_at = environment_.loop.clock().wall();
  if (environment_.options.print_events) print_event(reader_.document());
  const Instant now = this->now();
  session_->insert_event(reader_, now, fired_);
  if (recorder_) recorder_->event(now, event, {}, reader_.uuid(), fired_);
  if (journal_) journal_->event(now, event, {}, reader_.uuid());
  plan({});
  tell_notices();
  set_timer();
  return {};
}

void RuleSetRunner::retract(const Object& pattern, rules::Session::Retract how) {
  const Instant now = this->now();
  session_->retract(pattern, how, now, fired_);
  if (recorder_) recorder_->retract(now, pattern, how, fired_);
  if (journal_) journal_->retract(now, pattern, how);
  plan({});
  set_timer();
}

// --- acting
// --------------------------------------------------------------------------------------------------------------

Task<> RuleSetRunner::run_plan() {
  while (!actions_cancelled_) {
    if (plan_.empty()) {
      if (reading_ended_ && firings_.size() == 0) break;
      if (auto waited = co_await planned_.wait(); !waited) break;
      continue;
    }
    if (parallel() && firings_.size() >= environment_.options.concurrent_actions) {
      if (auto waited = co_await planned_.wait(); !waited) break;
      continue;
    }
    Firing firing = std::move(plan_.front());
    plan_.pop_front();
    plan_has_room_.notify_all();
    if (parallel()) {
      firings_.spawn("firing", run_firing(std::move(firing)), [this] { planned_.notify_all(); });
    } else {
      co_await run_firing(std::move(firing));
    }
  }
  co_await firings_.join();
}

Task<> RuleSetRunner::run_firing(Firing firing) {
  auto& actions = actions_[firing.activation.rule];
  for (std::size_t i = firing.next_action; i < actions.size(); ++i) {
    auto& action = actions[i];
    if (journal_) journal_->action_started(firing.id, i);
    const auto ran = co_await run_action(firing, action);
    const bool cancelled = !ran && ran.error().code() == Errc::cancelled;
    if (journal_ && !cancelled) journal_->action_ended(firing.id, i, ran.has_value());
    if (ran) {
      ++actions_ok_;
    } else if (cancelled) {
      if (firing.settlement) firing.settlement->abandon();
      co_return;
    } else {
      ++actions_failed_;
      report_failure(action, ran.error());
    }
  }
  const auto& options = environment_.options;
  if (options.audit != nullptr && options.audit_actions && options.heartbeat > Duration::zero())
    tell_statistics();
}

Task<Result<>> RuleSetRunner::run_action(const Firing& firing, RuleAction& action) {
  const auto& options = environment_.options;
  ActionContext context{.action = action.name,
                        .rule_set = rules_.name,
                        .rule_set_id = id_,
                        .rule = rules_.rules[firing.activation.rule].name,
                        .rule_id = rule_ids_[firing.activation.rule],
                        .id = environment_.uuids.next(),
                        .run_at = firing.at,
                        .hosts = rules_.hosts,
                        .bindings = firing.activation.bindings,
                        .engine = environment_.services,
                        .output = environment_.output,
                        .loop = environment_.loop,
                        .pool = environment_.pool,
                        .log = environment_.log,
                        .audit = options.audit_actions ? options.audit : nullptr};
  const auto run_at = environment_.loop.clock().wall();
  std::optional<Settings> rendered;
  auto ran = co_await render(firing, action, rendered);
  const auto* settings = rendered ? &*rendered : action.constant ? &*action.constant : nullptr;
  if (ran) ran = co_await run_locked(*settings, action, context);
  if (context.audit != nullptr) context.audit->send(action_message(context, settings, run_at, ran));
  co_return ran;
}

// In the sequential strategy nothing overlaps anyhow.
Task<Result<>> RuleSetRunner::run_locked(const Settings& settings, RuleAction& action,
                                         ActionContext& context) {
  const auto* name = settings.all().if_contains("lock");
  std::optional<Locks::Held> lock;
  if (parallel() && name != nullptr && name->is_string()) {
    auto held = co_await locks_.hold(std::string(view(name->get_string())));
    if (!held) co_return held.error();
    lock.emplace(std::move(*held));
  }
  co_return co_await action.action->run(settings, context);
}

// What is constant needs no rendering.
Task<Result<>> RuleSetRunner::render(const Firing& firing, const RuleAction& action,
                                     std::optional<Settings>& rendered) {
  if (action.constant) co_return Result<>();
  const Scope scope(environment_.options.variables, firing.activation.bindings);
  auto arguments = action.arguments.render(scope);
  if (!arguments && arguments.error().code() == Errc::unsupported)
    arguments = co_await action.arguments.render(scope, environment_.options.templates);
  if (!arguments) {
    co_return fail(arguments.error().code(), "{} in action {}", arguments.error().message(),
                   action.name);
  }
  if (ansible::Vault::holds_encrypted(*arguments)) {
    auto* const vault = environment_.options.vault;
    Result<> clear = ansible::Vault::no_secrets();
    if (vault != nullptr) clear = co_await vault->decrypt_all(*arguments, action.name);
    if (!clear) co_return clear.error();
  }
  auto checked = Settings::check(action.descriptor->schema, arguments->get_object());
  if (!checked) co_return checked.error();
  rendered.emplace(std::move(*checked));
  co_return Result<>();
}

void RuleSetRunner::report_failure(const RuleAction& action, const Error& error) {
  if (environment_.output.closed())
    return environment_.services.output_closed();  // which tells of it, once
  if (error.message().starts_with("Undefined jinja variable")) {
    environment_.log.error(log_name_, "{}", error.message());
  } else {
    environment_.log.write_lines(
        LogLevel::error, log_name_,
        fmt::format("Error calling action {}, err {}", action.name, error.message()));
  }
}

// --- telling how it goes
// ---------------------------------------------------------------------------------------------------------

void RuleSetRunner::beat() {
  heartbeat_ = environment_.loop.call_later(environment_.options.heartbeat, [this] {
    // While the server is away the next ones say the same, and more.
    if (!audit_is_full()) tell_statistics();
    beat();
  });
}

void RuleSetRunner::tell_statistics() {
  const auto now = environment_.loop.clock().wall();
  auto counts = counts_;
  counts.fired =
      std::accumulate(firings_by_rule_.begin(), firings_by_rule_.end(), std::uint64_t{0});
  auto statistics = session_statistics(rules_, *session_, counts, now);
  if (auto* audit = environment_.options.audit) {
    audit->send(session_statistics_message(std::move(statistics), now));
  } else {
    environment_.log.info(log_name_, "session statistics: {}", to_json(statistics));
  }
}

void RuleSetRunner::cancel_actions() {
  if (!plan_.empty() || tasks_.size() > 0) {
    environment_.log.warning(
        log_name_, "the shutdown delay is over: {} firings were not acted upon", plan_.size());
  }
  actions_cancelled_ = true;
  for (auto& firing : plan_) {
    if (firing.settlement) firing.settlement->abandon();
  }
  plan_.clear();
  firings_.request_stop();
  tasks_.request_stop();
}

void RuleSetRunner::add_to(Summary& summary) const {
  summary.events += events_;
  summary.matched += session_->statistics().matched;
  summary.refused += refused_;
  summary.dropped += session_->statistics().dropped;
  summary.partial_matches += session_->partial_matches();
  summary.state_bytes += session_->state_bytes();
  summary.actions_ok += actions_ok_;
  summary.actions_failed += actions_failed_;
  Summary::RuleSet rule_set{rules_.name, {}};
  for (std::size_t i = 0; i < rules_.rules.size(); ++i) {
    if (rules_.rules[i].enabled)
      rule_set.firings.emplace_back(rules_.rules[i].name, firings_by_rule_[i]);
  }
  summary.rule_sets.push_back(std::move(rule_set));
}

void RuleSetRunner::add_to(Progress& progress) const {
  progress.events += events_;
  progress.fired +=
      std::accumulate(firings_by_rule_.begin(), firings_by_rule_.end(), std::uint64_t{0});
  progress.waiting += plan_.size();
}

}  // namespace millrace::pipeline
