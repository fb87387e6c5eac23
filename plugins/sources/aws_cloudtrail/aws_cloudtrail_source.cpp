// SPDX-License-Identifier: Apache-2.0
// Asks CloudTrail again and again for what has happened since.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "millrace/loop/backoff.hpp"
#include "millrace/net/aws_client.hpp"
#include "millrace/plugin/plugin.hpp"
#include "trail_event.hpp"
#include "trail_memory.hpp"

namespace millrace::aws_cloudtrail {
namespace {

using namespace std::chrono_literals;

constexpr Duration kBetweenPages = 500ms;  // two requests a second are allowed
constexpr int kMostRefusals = 5;           // of the keys, in a row

std::string text_of(const Settings& settings, std::string_view name) {
  return settings.has(name) ? settings.string(name) : std::string();
}

double seconds_of(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

class AwsCloudTrailSource final : public Source {
 public:
  explicit AwsCloudTrailSource(const Settings& settings)
      : account_{.region = text_of(settings, "region"),
                 .endpoint_url = text_of(settings, "endpoint_url"),
                 .access_key = text_of(settings, "access_key"),
                 .secret_key = text_of(settings, "secret_key"),
                 .session_token = text_of(settings, "session_token"),
                 .profile = text_of(settings, "profile")},
        attributes_(settings.has("lookup_attributes") ? settings.list("lookup_attributes")
                                                      : Array()),
        category_(text_of(settings, "event_category")),
        delay_(settings.seconds("delay_seconds")),
        lateness_(std::chrono::duration<double>(settings.seconds("lateness")).count()) {}

  Task<Result<>> run(SourceContext& context) override {
    const auto http = net::HttpClient::create(context.loop());
    if (!http) co_return http.error();
    if (auto signed_in = sign_in(**http); !signed_in) co_return signed_in.error();
    auto recalled = context.memory().recall();
    if (!recalled) co_return recalled.error();
    if (*recalled) memory_ = TrailMemory::from_value(**recalled, lateness_);
    Result<> going;
    if (!memory_) {
      memory_.emplace(seconds_of(context.clock().wall()), lateness_);
      going = co_await context.memory().remember(memory_->to_value(), context.pool());
    }
    context.status().link = SourceStatus::Link::connecting;
    while (going) {
      going = co_await poll(context);
      if (!going) going = co_await pause_after(context, **http, going.error());
      if (going) going = co_await remember(context);
    }
    co_return going;
  }

 private:
  Result<> sign_in(net::HttpClient& http) {
    auto account = net::find_aws_account(account_);
    if (!account) return account.error();
    client_.emplace(
        http,
        net::AwsService{.name = "cloudtrail",
                        .target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
                        .json_version = "1.1"},
        std::move(*account));
    return {};
  }

  // All pages, then the pause. A poll that fails is asked anew, and what it has brought is left
  // out.
  Task<Result<>> poll(SourceContext& context) {
    const auto poll = unfinished_ ? unfinished_ : SettledPolls::begin();
    unfinished_ = poll;
    std::string next;
    Object request{{"StartTime", memory_->since()}};
    if (!attributes_.empty()) request["LookupAttributes"] = attributes_;
    if (!category_.empty()) request["EventCategory"] = category_;
    while (true) {
      if (!next.empty()) request["NextToken"] = next;
      const auto page = co_await client_->call("LookupEvents", request);
      if (!page) co_return page.error();
      on_success(context);
      if (auto emitted = co_await emit_page(context, *page, poll); !emitted) {
        is_final_ = true;
        co_return emitted;
      }
      next = next_of(*page);
      if (next.empty()) break;
      if (auto slept = co_await context.sleep_for(kBetweenPages); !slept) co_return slept;
    }
    unfinished_.reset();
    memory_->end_poll();
    if (poll->has_events) polls_.end(poll, memory_->to_value());
    co_return co_await context.sleep_for(delay_);
  }

  static std::string next_of(const Object& page) {
    const auto* next = page.if_contains("NextToken");
    return next != nullptr && next->is_string() ? std::string(view(next->get_string())) : "";
  }

  // Newest first, as the service lists them.
  Task<Result<>> emit_page(SourceContext& context, const Object& page,
                           const SettledPolls::PollPtr& poll) {
    const auto* events = page.if_contains("Events");
    if (events == nullptr || !events->is_array()) co_return Result<>();
    EventBatch batch;
    for (const auto& item : events->get_array()) {
      if (item.is_object() && is_new(item.get_object()))
        batch.events.emplace_back(event_of(item.get_object()));
    }
    if (batch.events.empty()) co_return Result<>();
    batch.delivery = SettledPolls::delivery(poll);
    co_return co_await context.emit(std::move(batch));
  }

  bool is_new(const Object& item) {
    const auto* id = item.if_contains("EventId");
    const auto* time = item.if_contains("EventTime");
    if (id == nullptr || !id->is_string()) return true;
    const bool has_time = time != nullptr && time->is_number();
    return memory_->add(std::string(view(id->get_string())),
                        has_time ? time->to_number<double>() : memory_->since());
  }

  void on_success(SourceContext& context) {
    backoff_.reset();
    refusals_ = 0;
    if (context.status().link == SourceStatus::Link::up) return;
    context.status().connected();
    context.log().info(context.log_name(), "asks {}", client_->url());
  }

  Task<Result<>> pause_after(SourceContext& context, net::HttpClient& http, Error why) {
    const auto code = why.code();
    if (is_final_ || code == Errc::cancelled || code == Errc::invalid_settings ||
        code == Errc::not_found)
      co_return why;
    if (code == Errc::permission_denied) {
      if (++refusals_ >= kMostRefusals) co_return why;
      if (auto signed_in = sign_in(http); !signed_in) co_return signed_in.error();
    }
    auto& link = context.status().link;
    if (std::exchange(link, SourceStatus::Link::retrying) != SourceStatus::Link::retrying)
      context.log().warning(context.log_name(), "{}; tries again", why.message());
    co_return co_await context.sleep_for(backoff_.next());
  }

  Task<Result<>> remember(SourceContext& context) {
    auto value = polls_.take();
    if (!value) co_return Result<>();
    co_return co_await context.memory().remember(std::move(*value), context.pool());
  }

  const net::AwsAccount account_;
  const Array attributes_;
  const std::string category_;
  const Duration delay_;
  const double lateness_;
  std::optional<net::AwsClient> client_;
  std::optional<TrailMemory> memory_;
  SettledPolls polls_;
  SettledPolls::PollPtr unfinished_;
  Backoff backoff_{{.first = 1s, .longest = 60s}};
  int refusals_ = 0;
  bool is_final_ = false;  // what emit() says ends the source
};

SettingsSchema schema() {
  using enum SettingType;
  return {
      .settings = {
          Setting("region", string, "Region; by default as Amazon's tools find it").nullable(),
          Setting("endpoint_url", string, "URL of the service, instead of the region's").nullable(),
          Setting("access_key", string, "Key; by default as Amazon's tools find it").nullable(),
          Setting("secret_key", string, "Secret of the key").secret().nullable(),
          Setting("session_token", string, "Token of a key that is valid for a while")
              .secret()
              .nullable(),
          Setting("profile", string, "Section of ~/.aws/credentials and ~/.aws/config").nullable(),
          Setting("delay_seconds", seconds, "Pause after each round")
              .by_default(10)
              .at_least(0.5)
              .at_most(1e6),
          Setting("lookup_attributes", list,
                  "What events must have: objects with AttributeKey and AttributeValue")
              .nullable(),
          Setting("event_category", string, "insight: those events instead of the usual ones")
              .nullable(),
          Setting("lateness", seconds,
                  "How much later than others an event may become known and is still taken")
              .by_default(0)
              .at_least(0)
              .at_most(86400),
      }};
}

}  // namespace
}  // namespace millrace::aws_cloudtrail

MILLRACE_PLUGIN(aws_cloudtrail_source, plugin) {
  plugin.source<millrace::aws_cloudtrail::AwsCloudTrailSource>(
      "aws_cloudtrail", "Tells what CloudTrail records of an Amazon account.",
      millrace::aws_cloudtrail::schema(), {"amazon.aws.aws_cloudtrail"});
}
