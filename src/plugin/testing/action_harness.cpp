// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/testing/action_harness.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "millrace/event/json.hpp"

namespace millrace::testing {
namespace {

constexpr std::size_t kWidth = 80;

Result<> check_known(std::string_view rule_set) {
  if (rule_set == "rules" || rule_set == "others") return {};
  return fail(Errc::not_found, "Ruleset {} not found", rule_set);
}

FileDescriptor memory_file() {
  FileDescriptor file(::memfd_create("output", MFD_CLOEXEC));
  if (!file) std::abort();
  return file;
}

}  // namespace

Result<> FakeEngine::set_fact(std::string_view rule_set, Object fact) {
  if (auto known = check_known(rule_set); !known) return known;
  facts_set.push_back({std::string(rule_set), std::move(fact)});
  return {};
}

Result<> FakeEngine::post_event(std::string_view rule_set, Object event) {
  if (auto known = check_known(rule_set); !known) return known;
  events_posted.push_back({std::string(rule_set), std::move(event)});
  return {};
}

Result<> FakeEngine::retract_fact(std::string_view rule_set, const Object& fact, Retract how) {
  if (auto known = check_known(rule_set); !known) return known;
  retracted.push_back({std::string(rule_set), fact, how});
  return {};
}

std::vector<DocumentPtr> FakeEngine::facts(std::string_view rule_set) const {
  return rule_set == "rules" ? memory : std::vector<DocumentPtr>();
}

void FakeEngine::shut_down(ShutdownRequest request) { shutdowns.push_back(std::move(request)); }

ActionHarness::ActionHarness(Describe describe, std::string_view name, Object settings)
    : log_([this](LogLevel level, std::string_view component, std::string_view message) {
        log_lines_.push_back(fmt::format("{} {}: {}", to_string(level), component, message));
      }),
      tasks_(loop_.executor(),
             [](std::string_view, const std::exception_ptr& why) { std::rethrow_exception(why); }),
      printed_(memory_file()),
      // A second description of the same file: reading has a position of its own.
      printing_(::open(fmt::format("/proc/self/fd/{}", printed_.get()).c_str(),
                       O_WRONLY | O_APPEND | O_CLOEXEC)),
      output_(printing_.get(), kWidth) {
  PluginBuilder builder(registry_);
  describe(builder);
  const auto* descriptor = registry_.actions.find(name);
  if (descriptor == nullptr) std::abort();
  context_.emplace(ActionContext{.action = descriptor->name,
                                 .rule_set = "rules",
                                 .rule_set_id = "11111111-1111-4111-8111-111111111111",
                                 .rule = "rule",
                                 .rule_id = "22222222-2222-4222-8222-222222222222",
                                 .id = "33333333-3333-4333-8333-333333333333",
                                 .run_at = clock_.wall(),
                                 .hosts = hosts,
                                 .bindings = bindings_,
                                 .engine = engine,
                                 .output = output_,
                                 .loop = loop_,
                                 .pool = pool_,
                                 .log = log_,
                                 .audit = &audit});
  // The engine makes an action from no settings when they hold templates: that must succeed.
  if (!descriptor->create(Settings())) std::abort();
  auto checked = Settings::check(descriptor->schema, settings);
  if (!checked) {
    problem_ = checked.error();
    return;
  }
  settings_ = std::move(*checked);
  auto created = descriptor->create(*settings_);
  if (!created) {
    problem_ = created.error();
    return;
  }
  action_ = std::move(*created);
}

ActionHarness::~ActionHarness() {
  tasks_.request_stop();
  // An action that does not stop is a bug.
  if (!loop_.run_until([this] { return tasks_.size() == 0; })) std::abort();
}

void ActionHarness::bind(std::string name, std::string_view json) {
  auto value = parse_json(json);
  if (!value) std::abort();
  bindings_.emplace_back(std::move(name), Document::copy_of(*value));
}

Task<> ActionHarness::run_action() { outcome_ = co_await action_->run(*settings_, *context_); }

void ActionHarness::start() {
  outcome_.reset();
  if (problem_) {
    outcome_ = *problem_;
    return;
  }
  tasks_.spawn("action", run_action());
  loop_.run_ready();
}

Result<> ActionHarness::finish() {
  if (!loop_.run_until([this] { return outcome_.has_value(); })) {
    return fail(Errc::timeout, "the action goes on");
  }
  return *outcome_;
}

Result<> ActionHarness::run() {
  start();
  return finish();
}

void ActionHarness::cancel() {
  tasks_.request_stop();
  loop_.run_ready();
}

std::string ActionHarness::take_output() {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto got = ::read(printed_.get(), buffer.data(), buffer.size());
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string ActionHarness::banner(std::string_view name, std::string_view content) const {
  const auto head = fmt::format("** {} [{}] ", to_local_text(clock_.wall()), name);
  return fmt::format("\n{:*<80}\n{}\n{:*<80}\n", head, content, "");
}

void ActionHarness::close_output() { printing_.close(); }

}  // namespace millrace::testing
