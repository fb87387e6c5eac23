// SPDX-License-Identifier: Apache-2.0
// Sends a request, again where that may help, and tells the rule set what was answered.

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http_call.hpp"
#include "millrace/base/text.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/loop/backoff.hpp"
#include "millrace/plugin/hand_on.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::http_action {
namespace {

constexpr std::string_view kLogName = "action.http";
constexpr std::size_t kShownAnswer = 200;  // bytes of an answer in an error

using Answer = Result<net::HttpResponse>;

std::string reason_of(const Answer& answer) {
  if (!answer) return answer.error().message();
  auto said = printable(trim(std::string_view(answer->body).substr(0, kShownAnswer)));
  std::ranges::replace(said, '\n', ' ');
  return fmt::format("status {}{}{}", answer->status, said.empty() ? "" : ": ", said);
}

bool is_worth_another_try(const Answer& answer, const Settings& settings) {
  if (answer) {
    return names_status(settings.list("retry_on"), answer->status) &&
           !names_status(settings.list("expect"), answer->status);
  }
  return answer.error().code() == Errc::unavailable || answer.error().code() == Errc::timeout;
}

// A number of seconds; dates are not understood.
Duration asked_pause(const Answer& answer) {
  const auto text = answer ? answer->header("retry-after") : std::nullopt;
  std::uint32_t seconds = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), seconds);
  return std::chrono::seconds(seconds);
}

class HttpAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    auto request = request_of(settings, context.id);
    if (!request) co_return request.error();
    if (!client_) {
      auto made = net::HttpClient::create(context.loop);
      if (!made) co_return made.error();
      client_ = std::move(*made);
    }
    const auto method = request->method;
    const auto answer = co_await send(std::move(*request), settings, context);
    if (!answer) {
      if (answer.error().code() == Errc::cancelled) co_return answer.error();
      co_return Error(answer.error()).with_context(method);
    }
    context.outcome["http_status"] = answer->status;
    // Whatever the status is, what was asked for is told.
    const auto told = give_back(event_of(*answer), settings, context, "http: set-facts", uuids_);
    if (!names_status(settings.list("expect"), answer->status))
      co_return fail(Errc::io, "{}: {}", method, reason_of(answer));
    co_return told;
  }

 private:
  Task<Answer> send(net::HttpRequest request, const Settings& settings, ActionContext& context) {
    const auto longest = settings.seconds("retry_max_delay");
    Backoff backoff(
        {.first = std::min(settings.seconds("retry_delay"), longest), .longest = longest});
    const auto retries = settings.integer("retries");
    for (std::int64_t attempt = 0;; ++attempt) {
      auto answer = co_await client_->send(request);
      context.outcome["attempts"] = attempt + 1;
      if (attempt == retries || !is_worth_another_try(answer, settings)) co_return answer;
      const auto pause = std::min(std::max(backoff.next(), asked_pause(answer)), longest);
      context.log.warning(kLogName, "{}: {}; again in {:.1f} s", request.method, reason_of(answer),
                          std::chrono::duration<double>(pause).count());
      if (auto slept = co_await context.loop.sleep_for(pause); !slept) co_return slept.error();
    }
  }

  std::unique_ptr<net::HttpClient> client_;
  UuidGenerator uuids_;
};

}  // namespace
}  // namespace millrace::http_action

MILLRACE_PLUGIN(http_action, plugin) {
  plugin.action<millrace::http_action::HttpAction>("http", "Sends an HTTP request.",
                                                   millrace::http_action::schema());
}
