// SPDX-License-Identifier: Apache-2.0
#include "python_templates.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "failure.hpp"
#include "millrace/event/json.hpp"

namespace millrace::python {
namespace {

Error compile_error(const Object& answer) {
  const auto* unavailable = answer.if_contains("unavailable");
  const bool is_jinja_missing = unavailable != nullptr && *unavailable == Value(true);
  return Error(is_jinja_missing ? Errc::unavailable : Errc::invalid_settings,
               std::string(text_of(answer, "error")));
}

Error render_error(const Object& answer) {
  const auto* undefined = answer.if_contains("undefined");
  const bool is_undefined = undefined != nullptr && !undefined->is_null();
  return Error(is_undefined ? Errc::not_found : Errc::invalid_settings,
               std::string(text_of(answer, "error")));
}

bool sees_events(const std::vector<std::string>& names) {
  return std::ranges::any_of(
      names, [](std::string_view name) { return name == "event" || name == "events"; });
}

}  // namespace

PythonTemplates::PythonTemplates(MainLoop& loop, Log& log, PythonOptions options, Object variables)
    : loop_(loop),
      limit_(options.template_limit),
      host_(loop, log,
            {.title = "the host of templates",
             .log_name = "templates",
             .python = std::move(options),
             .settings = {},
             .variables = std::move(variables)}) {
  host_.listen(*this);
}

PythonTemplates::~PythonTemplates() {
  if (watch_) loop_.cancel(*watch_);
}

Task<Result<TemplateHost::Compiled>> PythonTemplates::compile(std::string text) {
  if (const auto known = by_text_.find(text); known != by_text_.end())
    co_return templates_.at(known->second)->compiled;
  const auto id = ++last_template_;
  auto& added = *templates_.emplace(id, std::make_unique<Template>()).first->second;
  added.text = std::move(text);
  added.compiled.id = id;
  auto answer = co_await ask(FrameType::compile, id, added, {});
  if (answer && answer->contains("error")) answer = compile_error(*answer);
  if (!answer) {
    templates_.erase(id);
    co_return answer.error();
  }
  if (const auto* names = answer->if_contains("names"); names != nullptr && names->is_array()) {
    for (const auto& name : names->get_array()) {
      if (name.is_string()) added.compiled.names.emplace_back(view(name.get_string()));
    }
  }
  const auto* constant = answer->if_contains("constant");
  added.compiled.constant = constant != nullptr && *constant == Value(true);
  added.cacheable = added.compiled.constant && !sees_events(added.compiled.names);
  by_text_.emplace(added.text, id);
  co_return added.compiled;
}

Task<Result<Value>> PythonTemplates::render(std::uint32_t id, Object scope) {
  const auto found = templates_.find(id);
  if (found == templates_.end())
    co_return fail(Errc::invalid_settings, "there is no template {}", id);
  auto& rendered = *found->second;
  const bool is_constant = rendered.cacheable && scope.empty();
  if (is_constant && rendered.cached) co_return *rendered.cached;
  const auto number = ++last_render_;
  const auto payload =
      fmt::format("{{\"id\":{},\"template\":{},\"scope\":{}}}", number, id, to_json(scope));
  if (payload.size() > kLongestPayload)
    co_return fail(Errc::invalid_settings, "the events are too large for a template");
  auto answer = co_await ask(FrameType::render, number, rendered, payload);
  if (!answer) co_return answer.error();
  if (answer->contains("error")) co_return render_error(*answer);
  auto& value = (*answer)["value"];
  if (is_constant) rendered.cached = value;
  co_return std::move(value);
}

// -------------------------------------------------------------------------- question and answer

// A compilation has no payload: it is the telling of the template.
Task<Result<Object>> PythonTemplates::ask(FrameType type, std::uint64_t id, Template& asked_for,
                                          std::string_view payload) {
  Answer answer;
  while (!answer.told) {
    if (auto ready = co_await host_.ready(); !ready) co_return ready.error();
    answer.lost = false;
    if (asked_.empty()) progress_at_ = loop_.clock().now();
    asked_.push_back({.type = type, .id = id, .answer = &answer});
    if (asked_for.generation != host_.generation()) tell(asked_for);
    if (!payload.empty()) host_.send(type, kHostChannel, payload);
    watch();
    while (!answer.told && !answer.lost) {
      if (auto waited = co_await answer.changed.wait(); !waited) {
        forget(answer);
        co_return waited.error();
      }
    }
  }
  co_return std::move(*answer.told);
}

void PythonTemplates::tell(Template& told) {
  told.generation = host_.generation();
  host_.send(FrameType::compile, kHostChannel,
             to_json(Object{{"id", told.compiled.id}, {"text", told.text}}));
}

void PythonTemplates::forget(const Answer& answer) {
  for (auto& asked : asked_) {
    if (asked.answer == &answer) asked.answer = nullptr;
  }
}

// One timer for all: when it rings and there was an answer meanwhile, it is set again.
void PythonTemplates::watch() {
  if (watch_) return;
  const auto left = progress_at_ + limit_ - loop_.clock().now();
  watch_ = loop_.call_later(left, [this] {
    watch_.reset();
    if (asked_.empty()) return;
    if (loop_.clock().now() - progress_at_ < limit_) return watch();
    host_.kill(fail(Errc::timeout, "the template took longer than {:g} s",
                    std::chrono::duration<double>(limit_).count()));
  });
}

Result<> PythonTemplates::on_frame(const Frame& frame, const std::shared_ptr<const void>&) {
  auto message = read_object(frame);
  if (!message) return message.error();
  const auto* told = message->if_contains("id");
  if (told == nullptr || !told->is_int64()) return fail(Errc::corrupt, "an answer without an id");
  const auto id = static_cast<std::uint64_t>(told->get_int64());
  const auto type = frame.type == FrameType::compiled ? FrameType::compile : FrameType::render;
  const auto asked = std::ranges::find_if(
      asked_, [&](const Asked& one) { return one.type == type && one.id == id; });
  if (asked == asked_.end()) return {};  // a template was told again
  progress_at_ = loop_.clock().now();
  if (asked->answer != nullptr) {
    asked->answer->told = std::move(*message);
    asked->answer->changed.notify_all();
  }
  asked_.erase(asked);
  return {};
}

void PythonTemplates::on_host_end(const Error& why) {
  if (watch_) loop_.cancel(*std::exchange(watch_, std::nullopt));
  const bool took_too_long = why.code() == Errc::timeout;
  bool first = true;
  for (const auto asked = std::exchange(asked_, {}); const auto& one : asked) {
    const bool worked_at = std::exchange(first, false);
    if (one.answer == nullptr) continue;
    const bool first_death = worked_at && !std::exchange(one.answer->saw_death, true);
    if (worked_at && (took_too_long || !first_death)) {
      one.answer->told = why;
    } else {
      one.answer->lost = true;
    }
    one.answer->changed.notify_all();
  }
}

}  // namespace millrace::python
