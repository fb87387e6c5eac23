// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/ansible_action.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace millrace {
namespace {

constexpr double kMostRetries = 1'000'000;

std::int64_t retries_of(const Settings& settings) {
  const auto retries = settings.integer("retries");
  return settings.boolean("retry") ? std::max<std::int64_t>(retries, 1) : retries;
}

ansible::PlaybookOptions::Print print_of(const Settings& settings, const Output& output) {
  using Print = ansible::PlaybookOptions::Print;
  if (settings.boolean("json_mode")) return Print::json;
  return output.is_terminal() ? Print::coloured : Print::plain;
}

void tell_job(const ActionContext& context, const HandedOn& match, const std::string& name,
              const std::string& job_id) {
  if (context.audit == nullptr) return;
  auto message = context.audit_fields();
  message["type"] = "Job";
  message["run_at"] = to_iso8601(context.loop.clock().wall());
  message["matching_events"] = match.matching_events;
  message["hosts"] = match.limit();
  message["name"] = name;
  message["job_id"] = job_id;
  context.audit->send(std::move(message));
}

void tell_event(const ActionContext& context, const std::string& job_id, Object event) {
  if (context.audit == nullptr) return;
  auto message = context.audit_fields();
  message["type"] = "AnsibleEvent";
  const auto* created = event.if_contains("created");
  message["run_at"] = created != nullptr ? *created : Value();
  event["job_id"] = job_id;
  message["event"] = std::move(event);
  context.audit->send(std::move(message));
}

ansible::PlaybookListener listener_of(const ActionContext& context, const std::string& job_id) {
  return {.print = [&context](std::string_view lines) { return context.output.write(lines); },
          .event = [&context,
                    &job_id](Object event) { tell_event(context, job_id, std::move(event)); }};
}

}  // namespace

std::vector<Setting> AnsibleAction::common_settings() {
  return {
      Setting("set_facts", SettingType::boolean, "what the run leaves becomes a fact")
          .by_default(false),
      Setting("post_events", SettingType::boolean, "what the run leaves becomes an event")
          .by_default(false),
      Setting("ruleset", SettingType::string,
              "the rule set that is told what the run leaves; by default the rule's own")
          .nullable(),
      Setting("var_root", SettingType::any,
              "path of the part of the event that is handed on, or a mapping of paths to names")
          .nullable(),
      Setting("verbosity", SettingType::integer, "how much Ansible tells, 4 is `-vvvv`")
          .at_least(0)
          .by_default(0),
      Setting("json_mode", SettingType::boolean,
              "print the run's events as lines of JSON instead of what Ansible prints")
          .by_default(false),
      Setting("retry", SettingType::boolean, "run it once more when it fails").by_default(false),
      Setting("retries", SettingType::integer, "how often to run it again while it fails")
          .at_least(0)
          .at_most(kMostRetries)
          .by_default(0),
      Setting("delay", SettingType::seconds, "how long to wait before it is run again")
          .at_least(0)
          .by_default(0),
      Setting("extra_vars", SettingType::object,
              "variables for Ansible; texts are data, templates in them are not evaluated")
          .by_default(Object())
          .nullable(),
      Setting("lock", SettingType::string,
              "actions of a rule set that have the same lock never overlap")
          .nullable()};
}

Task<Result<>> AnsibleAction::run(const Settings& settings, ActionContext& context) {
  const auto match = hand_on(context, settings.value("var_root"));
  if (!match) co_return match.error();
  context.outcome["playbook_name"] = settings.string("name");
  auto work = choose(settings, context, *match);
  if (!work) co_return work.error();
  const auto name = work->name;
  const auto job_id = uuids_.next();
  context.outcome["playbook_name"] = name;
  context.outcome["job_id"] = job_id;
  auto& options = work->options;
  options.inventory = context.engine.inventory();
  options.limit = match->limit();
  if (settings.has("extra_vars")) options.extra_vars = settings.object("extra_vars");
  options.extra_vars["ansible_eda"] = match->ansible_eda;
  options.verbosity = settings.integer("verbosity");
  options.print = print_of(settings, context.output);
  tell_job(context, *match, name, job_id);
  auto ran = co_await run_playbook(std::move(*work), job_id, settings, context);
  if (!ran) co_return ran.error();
  context.outcome["rc"] = ran->rc;
  context.outcome["status"] = ran->status();
  if (ran->rc != 0) {
    co_return fail(Errc::io, "{} failed with rc {}{}{}", name, ran->rc,
                   ran->reason.empty() ? "" : ": ", ran->reason);
  }
  if (!ran->artifacts) co_return Result<>();
  const auto artifacts = choose_artifacts(std::move(*ran->artifacts));
  if (!artifacts) co_return Result<>();
  co_return give_back(*artifacts, settings, context, banner(), uuids_);
}

Task<Result<ansible::PlaybookOutcome>> AnsibleAction::run_playbook(Work work,
                                                                   const std::string& job_id,
                                                                   const Settings& settings,
                                                                   const ActionContext& context) {
  auto playbook =
      co_await ansible::Playbook::prepare(std::move(work.options), context.loop, context.pool);
  if (!playbook) co_return playbook.error();
  const auto listener = listener_of(context, job_id);
  const auto log_name = fmt::format("action.{}", context.action);
  const auto retries = retries_of(settings);
  auto ran = co_await (*playbook)->run(listener);
  for (std::int64_t i = 1; i <= retries && ran && ran->rc != 0; ++i) {
    const auto slept = co_await context.loop.sleep_for(settings.seconds("delay"));
    if (!slept) {
      ran = slept.error();
      break;
    }
    context.log.warning(log_name, "Previous run_playbook failed. Retry {} of {}", i, retries);
    ran = co_await (*playbook)->run(listener);
  }
  co_await (*playbook)->clean_up();
  co_return ran;
}

}  // namespace millrace
