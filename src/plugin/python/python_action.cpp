// SPDX-License-Identifier: Apache-2.0
#include "python_action.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "failure.hpp"
#include "millrace/event/json.hpp"
#include "millrace/plugin/internal_event.hpp"

namespace millrace::python {
namespace {

constexpr double kLongestDelay = 1e9;  // seconds: what a Duration can count

Object describe(const ActionContext& context) {
  Array hosts;
  for (const auto& host : context.hosts) hosts.emplace_back(host);
  Object described{{"action", context.action},           {"rule_set", context.rule_set},
                   {"rule_set_id", context.rule_set_id}, {"rule", context.rule},
                   {"rule_id", context.rule_id},         {"run_at", to_iso8601(context.run_at)},
                   {"hosts", std::move(hosts)}};
  const auto& bindings = context.bindings;
  if (bindings.empty() || (bindings.size() == 1 && bindings.front().first == "m")) {
    described["event"] = bindings.empty() ? Value(Object()) : bindings.front().second->value();
  } else {
    auto& events = described["events"].emplace_object();
    for (const auto& [name, document] : bindings) events[name] = document->value();
  }
  return described;
}

// What an action in Python asks of the engine.
class Requests final : public RequestHandler {
 public:
  Requests(ActionContext& context, UuidGenerator& uuids) : context_(context), uuids_(uuids) {}

  Result<Value> answer(std::string_view method, const Object& arguments) override {
    if (method == "post_event") return done(add(arguments, "event"));
    if (method == "set_fact") return done(add(arguments, "fact"));
    if (method == "retract_fact") return done(retract(arguments));
    if (method == "facts") return facts(arguments);
    if (method == "shut_down") return done(shut_down(arguments));
    if (method == "print")
      return printed(context_.output.write(fmt::format("{}\n", text_of(arguments, "text"))));
    if (method == "banner") {
      return printed(context_.output.banner(
          context_.loop.clock().wall(), text_of(arguments, "name"), text_of(arguments, "text")));
    }
    return fail(Errc::unsupported, "actions cannot ask for `{}`", method);
  }

 private:
  static Result<Value> done(const Result<>& result) {
    if (!result) return result.error();
    return Value();
  }

  Result<Value> printed(const Result<>& result) {
    if (context_.output.closed()) context_.engine.output_closed();
    return done(result);
  }

  std::string rule_set(const Object& arguments) const {
    const auto named = text_of(arguments, "ruleset");
    return std::string(named.empty() ? context_.rule_set : named);
  }

  static Result<Object> object(const Object& arguments, std::string_view key) {
    const auto* value = arguments.if_contains(key);
    if (value != nullptr && value->is_object()) return value->get_object();
    return fail(Errc::invalid_event, "the {} must be a dict", key);
  }

  Result<> add(const Object& arguments, std::string_view key) {
    auto entry = object(arguments, key);
    if (!entry) return entry.error();
    const bool is_fact = key == "fact";
    auto whole = with_internal_meta(std::move(*entry), is_fact ? "set_fact" : "post_event",
                                    context_.loop.clock(), uuids_);
    if (!whole) return whole.error();
    const auto where = rule_set(arguments);
    return is_fact ? context_.engine.set_fact(where, std::move(*whole))
                   : context_.engine.post_event(where, std::move(*whole));
  }

  Result<> retract(const Object& arguments) {
    using Retract = EngineServices::Retract;
    const auto fact = object(arguments, "fact");
    if (!fact) return fact.error();
    const auto* partial = arguments.if_contains("partial");
    const bool whole = partial != nullptr && *partial == Value(false);
    return context_.engine.retract_fact(rule_set(arguments), *fact,
                                        whole ? Retract::whole : Retract::partial);
  }

  Result<Value> facts(const Object& arguments) const {
    Array all;
    for (const auto& document : context_.engine.facts(rule_set(arguments)))
      all.push_back(document->value());
    return Value(std::move(all));
  }

  Result<> shut_down(const Object& arguments) {
    ShutdownRequest request;
    if (text_of(arguments, "kind") == "now") request.kind = ShutdownRequest::Kind::now;
    const auto* delay = arguments.if_contains("delay");
    request.delay = delay != nullptr && delay->is_number()
                        ? std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
                              std::clamp(delay->to_number<double>(), 0.0, kLongestDelay)))
                        : context_.engine.default_shutdown_delay();
    request.message = text_of(arguments, "message");
    request.rule_set = context_.rule_set;
    request.rule = context_.rule;
    context_.engine.shut_down(std::move(request));
    return {};
  }

  ActionContext& context_;
  UuidGenerator& uuids_;
};

}  // namespace

Task<Result<>> PythonAction::run(const Settings& settings, ActionContext& context) {
  Requests requests(context, uuids_);
  const auto fields = fmt::format("\"settings\":{},\"context\":{}", to_json(settings.all()),
                                  to_json(describe(context)));
  const auto answer = co_await instance_.call(fields, &requests);
  if (!answer) co_return answer.error();
  co_return Result<>();
}

}  // namespace millrace::python
