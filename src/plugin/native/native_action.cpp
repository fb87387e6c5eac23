// SPDX-License-Identifier: Apache-2.0
#include "native/native_action.hpp"

#include <algorithm>
#include <future>

#include "millrace/event/json.hpp"
#include "millrace/plugin/internal_event.hpp"

namespace millrace::native {
namespace {

constexpr double kLongestDelay = 1e9;  // seconds: what a Duration can count

std::string firing_json(const ActionContext& context) {
  Object firing{{"action", context.action},
                {"rule_set", context.rule_set},
                {"rule_set_id", context.rule_set_id},
                {"rule", context.rule},
                {"rule_id", context.rule_id},
                {"run_at", to_iso8601(context.run_at)},
                {"hosts", boost::json::value_from(context.hosts)}};
  if (context.bindings.empty()) {
    firing["event"] = Object();
  } else if (context.bindings.size() == 1 && context.bindings.front().first == "m") {
    firing["event"] = context.bindings.front().second->value();
  } else {
    Object events;
    for (const auto& [name, document] : context.bindings) events[name] = document->value();
    firing["events"] = std::move(events);
  }
  return to_json(Value(std::move(firing)));
}

Result<Object> parse_object(std::string_view json) {
  auto value = parse_json(json);
  if (!value) return value.error();
  if (!value->is_object()) return fail(Errc::invalid_event, "this is no object");
  return std::move(value->get_object());
}

Result<ShutdownRequest> parse_request(std::string_view json, Duration default_delay) {
  auto object = parse_object(json);
  if (!object) return object.error();
  ShutdownRequest request{.delay = default_delay};
  if (const auto* kind = object->if_contains("kind"); kind != nullptr && *kind == "now")
    request.kind = ShutdownRequest::Kind::now;
  if (const auto* delay = object->if_contains("delay"); delay != nullptr && delay->is_number()) {
    const std::chrono::duration<double> seconds(
        std::clamp(delay->to_number<double>(), 0.0, kLongestDelay));
    request.delay = std::chrono::duration_cast<Duration>(seconds);
  }
  if (const auto* message = object->if_contains("message");
      message != nullptr && message->is_string())
    request.message = view(message->get_string());
  return request;
}

/// What the plugin has while its `run` lasts, on the worker thread. The task that waits keeps the
/// engine's context and the loop alive meanwhile.
class ActionCall final : public PluginCall {
 public:
  ActionCall(const NativeLibrary& library, ActionContext& context, UuidGenerator& uuids)
      : PluginCall(library.name(), context.log, library.log_name()),
        context_(context),
        uuids_(uuids) {}

  StopSignal& stop_signal() { return stop_; }

  millrace_status wait(double seconds) override {
    return stop_.wait(seconds) ? MILLRACE_STOP : MILLRACE_OK;
  }
  bool stopping() const override { return stop_.requested(); }

  Result<> post_event(std::string_view rule_set, std::string_view event) override {
    return enter(rule_set, event, &EngineServices::post_event);
  }
  Result<> set_fact(std::string_view rule_set, std::string_view fact) override {
    return enter(rule_set, fact, &EngineServices::set_fact);
  }
  Result<> retract_fact(std::string_view rule_set, std::string_view fact,
                        Partial partial) override {
    using Retract = EngineServices::Retract;
    const auto object = parse_object(fact);
    if (!object) return object.error();
    const auto how = partial == Partial::yes ? Retract::partial : Retract::whole;
    return on_loop([&] { return context_.engine.retract_fact(or_own(rule_set), *object, how); });
  }
  Result<> shut_down(std::string_view json) override {
    return on_loop([&]() -> Result<> {
      auto request = parse_request(json, context_.engine.default_shutdown_delay());
      if (!request) return request.error();
      request->rule_set = context_.rule_set;
      request->rule = context_.rule;
      context_.engine.shut_down(std::move(*request));
      return {};
    });
  }
  Result<> print(std::string_view text) override {
    return on_loop([&] { return context_.output.write(text); });
  }
  Result<std::string> facts(std::string_view rule_set) override {
    const auto documents = on_loop([&] { return context_.engine.facts(or_own(rule_set)); });
    Array all;
    for (const auto& document : documents) all.push_back(document->value());
    return to_json(Value(std::move(all)));
  }
  Result<> banner(std::string_view name, std::string_view text) override {
    return on_loop(
        [&] { return context_.output.banner(context_.loop.clock().wall(), name, text); });
  }

 private:
  std::string_view or_own(std::string_view rule_set) const {
    return rule_set.empty() ? context_.rule_set : rule_set;
  }

  using Enter = Result<> (EngineServices::*)(std::string_view, Object);
  Result<> enter(std::string_view rule_set, std::string_view json, Enter enter) {
    auto object = parse_object(json);
    if (!object) return object.error();
    return on_loop([&]() -> Result<> {
      auto entry =
          with_internal_meta(std::move(*object), context_.action, context_.loop.clock(), uuids_);
      if (!entry) return entry.error();
      return (context_.engine.*enter)(or_own(rule_set), std::move(*entry));
    });
  }

  template <class Work>
  std::invoke_result_t<Work> on_loop(Work work) {
    // Shared, because the answer may be read, and this function left, before the loop thread has
    // let go of it.
    const auto promise = std::make_shared<std::promise<std::invoke_result_t<Work>>>();
    auto answer = promise->get_future();
    context_.loop.call_soon_threadsafe([promise, &work] {
      try {
        promise->set_value(work());
      } catch (...) {
        promise->set_exception(std::current_exception());
      }
    });
    return answer.get();
  }

  ActionContext& context_;
  UuidGenerator& uuids_;
  StopSignal stop_;
};

}  // namespace

Task<Result<>> NativeAction::run(const Settings& settings, ActionContext& context) {
  const auto given = settings_json(made_->about().schema, settings);
  const auto firing = firing_json(context);
  ActionCall call(made_->library(), context, uuids_);
  Result<> outcome;
  const auto job = [&] {
    outcome = call.invoke([&](millrace_context* self) {
      return made_->table().run(made_->get(), self, text_of(given), text_of(firing));
    });
  };
  co_await made_->library().work(job, call.stop_signal());
  co_return outcome;
}

Result<ActionDescriptor> describe(std::shared_ptr<NativeLibrary> library,
                                  const millrace_action& table) {
  auto about = read_about(table.about);
  if (!about) return about.error();
  if (table.run == nullptr) return fail(Errc::invalid_settings, "action {} lacks run", about->name);
  auto file = library->file().string();
  const auto kind = std::make_shared<const Registered<millrace_action>>(
      Registered<millrace_action>{std::move(library), std::move(*about), table});
  const auto create = [kind](const Settings&) -> Result<std::unique_ptr<Action>> {
    auto made = create_instance(kind, [&](millrace_context* context, void** instance) {
      const auto& table = kind->table;
      return table.create == nullptr ? MILLRACE_OK : table.create(table.user, context, instance);
    });
    if (!made) return made.error();
    return std::unique_ptr<Action>(std::make_unique<NativeAction>(std::move(*made)));
  };
  return ActionDescriptor{
      kind->about.name, kind->about.aliases, kind->about.summary, kind->about.schema,
      create,           std::move(file)};
}

}  // namespace millrace::native
