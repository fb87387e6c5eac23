// SPDX-License-Identifier: Apache-2.0
// Shows messages, one variable, or all that an action can know. Secrets are masked by the names of
// their keys, because what is printed here ends up in logs and tickets.

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/python_text.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::debug_action {
namespace {

constexpr std::size_t kLongestDump = 8192;  // bytes of the variables in an error

bool names_a_secret(std::string_view key) {
  constexpr std::array<std::string_view, 5> kParts = {"token", "password", "key", "passphrase",
                                                      "secret"};
  std::string lower(key);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return std::ranges::any_of(
      kParts, [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

void mask_secrets(Value& value) {
  if (auto* list = value.if_array()) {
    for (auto& item : *list) mask_secrets(item);
  }
  auto* object = value.if_object();
  if (object == nullptr) return;
  for (auto& entry : *object) {
    if (entry.value().is_string() && names_a_secret({entry.key().data(), entry.key().size()})) {
      entry.value() = "******";
    } else {
      mask_secrets(entry.value());
    }
  }
}

Value masked_variables(const ActionContext& context) {
  Value variables(context.template_variables());
  mask_secrets(variables);
  return variables;
}

const Value* step(const Value& from, std::string_view name) {
  if (const auto* object = from.if_object()) return object->if_contains(name);
  const auto* list = from.if_array();
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (list == nullptr || error != std::errc() || end != name.data() + name.size()) return nullptr;
  return list->if_contains(index);
}

const Value* find(const Value& variables, std::string_view dotted) {
  const Value* at = &variables;
  for (const auto name : split(dotted, '.')) {
    at = step(*at, name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

Result<> print(const ActionContext& context, std::string_view name, std::string_view content) {
  return context.output.banner(context.loop.clock().wall(), name, content);
}

Result<> print_messages(const Value& messages, const ActionContext& context) {
  const auto* list = messages.if_array();
  if (list == nullptr) return print(context, "debug", python_str(messages));
  for (const auto& message : *list) {
    if (auto printed = print(context, "debug", python_str(message)); !printed) return printed;
  }
  return {};
}

Result<> print_variable(const std::string& name, const ActionContext& context) {
  const auto variables = masked_variables(context);
  if (const Value* found = find(variables, name)) {
    return print(context, "debug", fmt::format("{}: {}", name, python_str(*found)));
  }
  context.log.error("action.debug", "Key {} not found in variable pool", name);
  auto dump = python_repr(variables);
  if (dump.size() > kLongestDump) dump = dump.substr(0, kLongestDump) + "…";
  return fail(Errc::not_found, "KeyError {} with variables {}", python_repr(Value(name)), dump);
}

Result<> print_all(const ActionContext& context) {
  Object all;
  all["hosts"] = Array(context.hosts.begin(), context.hosts.end());
  all["inventory"] = context.engine.inventory();
  all["project_data_file"] = nullptr;
  all["rule"] = context.rule;
  all["rule_run_at"] = to_iso8601(context.run_at);
  all["rule_set"] = context.rule_set;
  all["rule_set_uuid"] = context.rule_set_id;
  all["rule_uuid"] = context.rule_id;
  all["variables"] = masked_variables(context);
  if (auto printed = print(context, "debug: kwargs", python_pformat(Value(std::move(all))));
      !printed) {
    return printed;
  }

  Array memory;
  for (const auto& document : context.engine.facts(context.rule_set)) {
    memory.push_back(document->value());
  }
  Value facts(std::move(memory));
  mask_secrets(facts);
  return print(context, "debug: facts", python_pformat(facts));
}

class DebugAction final : public Action {
 public:
  static Result<std::unique_ptr<DebugAction>> create(const Settings& settings) {
    if (auto checked = settings.empty() ? Result<>() : check(settings); !checked) {
      return checked.error();
    }
    return std::make_unique<DebugAction>();
  }

  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    if (auto checked = check(settings); !checked) co_return checked;
    if (settings.has("msg")) co_return print_messages(settings.value("msg"), context);
    if (settings.has("var")) co_return print_variable(settings.string("var"), context);
    co_return print_all(context);
  }

 private:
  static Result<> check(const Settings& settings) {
    if (!settings.has("msg") || !settings.has("var")) return {};
    return fail(Errc::invalid_settings, "msg and var exclude each other");
  }
};

}  // namespace
}  // namespace millrace::debug_action

MILLRACE_PLUGIN(debug_action, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  plugin.action<millrace::debug_action::DebugAction>(
      "debug", "Prints messages, a variable, or all that the action knows.",
      {{Setting("msg", SettingType::any, "a message, or a list of messages"),
        Setting("var", SettingType::string, "dotted name of the variable to print")}});
}
