// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/facts.hpp"

#include <utility>

#include "artifacts.hpp"
#include "millrace/ansible/playbook.hpp"

namespace millrace::ansible {
namespace {

Value setup_play() {
  return Array{Object{
      {"name", "gather facts"},
      {"hosts", "all"},
      {"gather_facts", false},
      {"tasks", Array{Object{{"name", "gather facts"}, {"ansible.builtin.setup", Object()}}}}}};
}

// Of the event of a host that has answered.
void add_facts(const Object& event, std::vector<Object>& all) {
  const auto* data = event_data(event);
  const auto* kind = event.if_contains("event");
  if (data == nullptr || kind == nullptr || *kind != "runner_on_ok") return;
  const auto* result = data->if_contains("res");
  const auto* host = data->if_contains("host");
  const auto* facts = result != nullptr && result->is_object()
                          ? result->get_object().if_contains("ansible_facts")
                          : nullptr;
  if (host == nullptr || facts == nullptr || !facts->is_object()) return;
  auto& added = all.emplace_back(facts->get_object());
  added["meta"] = Object{{"hosts", *host}};
}

}  // namespace

Task<Result<std::vector<Object>>> gather_facts(const std::string& inventory, MainLoop& loop,
                                               BlockingPool& pool) {
  PlaybookOptions options;
  options.written = setup_play();
  options.inventory = inventory;
  auto playbook = co_await Playbook::prepare(std::move(options), loop, pool);
  if (!playbook) co_return playbook.error();
  std::vector<Object> all;
  PlaybookListener listener;
  listener.print = [](std::string_view) { return Result<>(); };
  listener.event = [&all](const Object& event) { add_facts(event, all); };
  const auto outcome = co_await (*playbook)->run(listener);
  co_await (*playbook)->clean_up();
  if (!outcome) co_return outcome.error();
  if (all.empty() && outcome->rc != 0)
    co_return fail(Errc::io, "cannot gather facts: {}", outcome->reason);
  co_return all;
}

}  // namespace millrace::ansible
