// SPDX-License-Identifier: Apache-2.0
// Asks for URLs again and again, and tells whether each answers with 200.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/net/http_client.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::url_check {
namespace {

constexpr int kOk = 200;

Value event_of(const std::string& url, const Result<net::HttpResponse>& answer) {
  const bool is_up = answer && answer->status == kOk;
  Object check{{"url", url}, {"status", is_up ? "up" : "down"}};
  if (answer) {
    check["status_code"] = answer->status;
  } else {
    check["error_msg"] = answer.error().message();
  }
  return Value(Object{{"url_check", std::move(check)}});
}

class UrlCheckSource final : public Source {
 public:
  explicit UrlCheckSource(const Settings& settings)
      : urls_(settings.strings("urls")),
        delay_(settings.seconds("delay")),
        timeout_(settings.seconds("timeout")),
        verify_ssl_(settings.boolean("verify_ssl")) {}

  Task<Result<>> run(SourceContext& context) override {
    if (urls_.empty()) co_return Result<>();
    auto client = net::HttpClient::create(context.loop());
    if (!client) co_return client.error();
    while (true) {
      for (const auto& url : urls_) {
        const auto answer = co_await (*client)->send(request(url));
        if (!answer && answer.error().code() == Errc::cancelled) co_return answer.error();
        if (auto sent = co_await context.emit(event_of(url, answer)); !sent) co_return sent.error();
      }
      if (auto slept = co_await context.sleep_for(delay_); !slept) co_return slept.error();
    }
  }

 private:
  net::HttpRequest request(const std::string& url) const {
    return {.url = url,
            .timeout = timeout_,
            .follow_redirects = true,
            .tls = {.verify = verify_ssl_},
            .use_proxy = false,  // the check is of the way from here, whatever the environment says
            .only_probe = true};
  }

  const std::vector<std::string> urls_;
  const Duration delay_;
  const Duration timeout_;
  const bool verify_ssl_;
};

SettingsSchema schema() {
  using enum SettingType;
  return {.settings = {
              Setting("urls", strings, "What to ask for, one after another").required(),
              Setting("delay", seconds, "Pause after each round")
                  .by_default(1)
                  .at_least(0)
                  .at_most(1e9),
              Setting("verify_ssl", boolean, "Whether certificates must be valid").by_default(true),
              Setting("timeout", seconds, "How long one answer may take, redirects included")
                  .by_default(300)
                  .at_least(0.001)
                  .at_most(1e6),
          }};
}

}  // namespace
}  // namespace millrace::url_check

MILLRACE_PLUGIN(url_check_source, plugin) {
  plugin.source<millrace::url_check::UrlCheckSource>(
      "url_check", "Tells whether URLs answer, again and again.", millrace::url_check::schema(),
      {"community.eda.url_check"});
}
