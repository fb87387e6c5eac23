// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/job_template_action.hpp"

#include <string>
#include <utility>
#include <vector>

#include "millrace/plugin/hand_on.hpp"

namespace millrace {
namespace {

// "a,b" of a text or of a list of texts.
Result<std::string> limit_of(const Value& limit) {
  if (limit.is_string()) return std::string(view(limit.get_string()));
  const auto wrong =
      fail(Errc::invalid_settings, "job_args.limit must be a text or a list of texts");
  if (!limit.is_array()) return wrong;
  std::vector<std::string_view> hosts;
  for (const auto& host : limit.get_array()) {
    if (!host.is_string()) return wrong;
    hosts.push_back(view(host.get_string()));
  }
  return fmt::format("{}", fmt::join(hosts, ","));
}

Result<> add_limit(Object& arguments, const HandedOn& match) {
  const auto* given = arguments.if_contains("limit");
  const auto limit = given != nullptr ? limit_of(*given) : Result<std::string>(match.limit());
  if (!limit) return limit.error();
  arguments["limit"] = *limit;
  return {};
}

Result<> add_events(Object& arguments, const HandedOn& match) {
  auto& variables = arguments["extra_vars"];
  if (variables.is_null()) variables = Object();
  if (!variables.is_object())
    return fail(Errc::invalid_settings, "job_args.extra_vars must be a mapping");
  variables.get_object()["ansible_eda"] = match.ansible_eda;
  return {};
}

void add_uuid_labels(const ActionContext& context, std::vector<std::string>& labels) {
  for (const auto& [name, document] : context.bindings) {
    const auto* meta = document->object().if_contains("meta");
    const auto* uuid =
        meta != nullptr && meta->is_object() ? meta->get_object().if_contains("uuid") : nullptr;
    if (uuid != nullptr && uuid->is_string())
      labels.push_back(fmt::format("eda-event-uuid-{}", view(uuid->get_string())));
  }
}

std::int64_t retries_of(const Settings& settings) {
  const auto retries = settings.integer("retries");
  return retries == 0 && settings.boolean("retry") ? 1 : retries;
}

void note(const ControllerJob& job, ActionContext& context) {
  context.outcome["controller_job_id"] = job.id;
  context.outcome["url"] = job.page;
  if (!job.created.empty()) context.outcome["run_at"] = job.created;
  context.outcome["status"] = job.status;
}

// The controller's own word for how the job ended stays, if it has.
void tell_failure(const Error& error, ActionContext& context) {
  auto& outcome = context.outcome;
  outcome.emplace("run_at", to_iso8601(context.run_at));
  outcome["message"] = error.message();
  auto& status = outcome["status"];
  if (status == "failed" || status == "error" || status == "canceled") return;
  status = "failed";
  outcome["reason"] = Object{{"error", error.message()}};
}

}  // namespace

SettingsSchema JobTemplateAction::schema() {
  using enum SettingType;
  return {
      {Setting("name", string, "the template").required(),
       Setting("organization", string, "to which it belongs").required(),
       Setting("job_args", object, "arguments of the launch, as the controller takes them")
           .by_default(Object())
           .nullable(),
       Setting("include_events", boolean, "the job gets the events as `ansible_eda`")
           .by_default(true),
       Setting("labels", strings, "labels of the job, besides those of all jobs")
           .by_default(Array())
           .nullable(),
       Setting("add_event_uuid_label", boolean, "a label for each event").by_default(false),
       Setting("set_facts", boolean, "the job's artifacts become a fact").by_default(false),
       Setting("post_events", boolean, "the job's artifacts become an event").by_default(false),
       Setting("ruleset", string, "the rule set that gets them; by default the rule's own")
           .nullable(),
       Setting("var_root", any, "part of the event that is handed on instead of the whole")
           .nullable(),
       Setting("retry", boolean, "run the template once more if the job fails").by_default(false),
       Setting("retries", integer, "how often to run it again if the job fails")
           .at_least(0)
           .by_default(0),
       Setting("delay", seconds, "pause before each of these runs")
           .at_least(0)
           .at_most(1e9)
           .by_default(0),
       Setting("lock", string, "actions of one lock do not overlap").nullable()}};
}

Task<Result<>> JobTemplateAction::run(const Settings& settings, ActionContext& context) {
  auto& outcome = context.outcome;
  outcome[kind_ == JobKind::job ? "job_template_name" : "name"] = settings.string("name");
  outcome["organization"] = settings.string("organization");
  outcome["job_id"] = uuids_.next();
  auto ran = co_await run_jobs(settings, context);
  if (!ran && ran.error().code() != Errc::cancelled) tell_failure(ran.error(), context);
  co_return ran;
}

Task<Result<>> JobTemplateAction::run_jobs(const Settings& settings, ActionContext& context) {
  auto* controller = context.engine.job_controller();
  if (controller == nullptr)
    co_return fail(Errc::invalid_settings, "{} needs controller url and token to be defined",
                   context.action);
  const auto order = order_of(settings, context);
  if (!order) co_return order.error();
  const auto retries = retries_of(settings);
  ControllerJob job;
  for (std::int64_t i = 0; i <= retries; ++i) {
    if (i > 0) {
      if (auto slept = co_await context.loop.sleep_for(settings.seconds("delay")); !slept)
        co_return slept;
      context.log.warning(fmt::format("action.{}", context.action),
                          "Previous {} failed. Retry {} of {}", context.action, i, retries);
    }
    auto launched = co_await controller->launch(*order);
    if (!launched) co_return launched.error();
    note(*launched, context);
    auto ended = co_await controller->wait(std::move(*launched));
    if (!ended) co_return ended.error();
    job = std::move(*ended);
    note(job, context);
    if (job.status != "failed") break;
  }
  if (job.status != "successful")
    co_return fail(Errc::io, "job {} of template {} ended: {}", job.id, order->name, job.status);
  if (job.artifacts.empty()) co_return Result<>();
  co_return give_back(job.artifacts, settings, context,
                      kind_ == JobKind::job ? "job: set-facts" : "workflow: set-facts", uuids_);
}

Result<JobOrder> JobTemplateAction::order_of(const Settings& settings,
                                             const ActionContext& context) const {
  const auto match = hand_on(context, settings.value("var_root"));
  if (!match) return match.error();
  JobOrder order{.kind = kind_,
                 .name = settings.string("name"),
                 .organization = settings.string("organization")};
  if (settings.has("job_args")) order.arguments = settings.object("job_args");
  if (auto added = add_limit(order.arguments, *match); !added) return added.error();
  if (settings.boolean("include_events")) {
    if (auto added = add_events(order.arguments, *match); !added) return added.error();
  }
  if (settings.has("labels")) order.labels = settings.strings("labels");
  if (settings.boolean("add_event_uuid_label")) add_uuid_labels(context, order.labels);
  return order;
}

}  // namespace millrace
