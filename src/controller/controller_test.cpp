// SPDX-License-Identifier: Apache-2.0
#include "millrace/controller/controller.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/event/json.hpp"
#include "millrace/net/http_server.hpp"
#include "millrace/net/request_text.hpp"

namespace millrace::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = "GET /api/v2/config/";
constexpr std::string_view kTemplates = "GET /api/v2/unified_job_templates/";
constexpr std::string_view kLaunch = "POST /launch/1/";
constexpr std::string_view kJobs = "GET /api/v2/jobs/";
constexpr std::string_view kLabels = "GET /api/v2/labels/";
constexpr std::string_view kNewLabel = "POST /api/v2/labels/";

// Plays a controller: gives each kind of request its answers, one after another, the last for ever.
class PlayedController final : public net::HttpHandler {
 public:
  void answer(std::string_view request, std::string body, unsigned status = 200,
              std::string_view header = {}) {
    answers_[std::string(request)].push_back({status, "Told", std::move(body), header});
  }

  std::optional<net::HttpAnswer> refuse(const net::IncomingRequest& request) override {
    authorization = request.find("Authorization").value_or("");
    return std::nullopt;
  }
  Task<Result<net::HttpAnswer>> answer(net::IncomingRequest& request) override {
    requests.push_back(fmt::format("{} {}{}{}", request.method(), request.target(),
                                   request.body().text().empty() ? "" : " ",
                                   request.body().text()));
    const auto found =
        answers_.find(fmt::format("{} {}", request.method(), net::path_of(request.target())));
    if (found == answers_.end()) co_return net::HttpAnswer{404, "Not Found", "unexpected"};
    const auto answer = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    co_return answer;
  }

  std::size_t count(std::string_view begin) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        requests, [begin](const std::string& request) { return request.starts_with(begin); }));
  }

  std::vector<std::string> requests;
  std::string authorization;

 private:
  std::map<std::string, std::deque<net::HttpAnswer>> answers_;
};

std::string results(std::string_view entries, std::string_view next = "null") {
  return fmt::format(R"({{"results":[{}],"next":{}}})", entries, next);
}

std::string a_template(std::string_view name, std::string_view type = "job_template",
                       std::string_view more = "") {
  return fmt::format(
      R"({{"type":"{}","name":"{}","summary_fields":{{"organization":{{"id":7,"name":"Default"}}}},)"
      R"("related":{{"launch":"/launch/1/"}}{}}})",
      type, name, more);
}

std::string a_job(int id, std::string_view status) {
  return fmt::format(R"({{"id":{},"status":"{}","created":"then","artifacts":{{"n":{}}}}})", id,
                     status, id);
}

class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest()
      : log_([this](LogLevel level, std::string_view component, std::string_view message) {
          log_lines_.push_back(fmt::format("{} {}: {}", to_string(level), component, message));
        }),
        tasks_(
            loop_.executor(),
            [](std::string_view, const std::exception_ptr& why) { std::rethrow_exception(why); }),
        server_({loop_, log_, "played"}, played_, {.host = "127.0.0.1"}) {
    tasks_.spawn("played", play());
    EXPECT_TRUE(loop_.run_until([this] { return server_.port() != 0; }));
    played_.answer(kConfig, R"({"version":"4.5"})");
  }
  ~ControllerTest() override {
    tasks_.request_stop();
    EXPECT_TRUE(loop_.run_until([this] { return tasks_.size() == 0; }));
  }

  std::string origin() const { return fmt::format("http://127.0.0.1:{}", server_.port()); }

  void start(ControllerOptions options = {}) {
    if (options.url.empty()) options.url = origin();
    if (options.token.empty() && options.username.empty()) options.token = "s3cret";
    auto made = Controller::create(loop_, log_, std::move(options));
    ASSERT_TRUE(made) << made.error().message();
    controller_ = std::move(*made);
  }

  struct Run {
    std::optional<Result<ControllerJob>> outcome;
  };
  Run& launch(JobOrder order) {
    auto& run = runs_.emplace_back();
    tasks_.spawn("run", launch_and_wait(std::move(order), run));
    return run;
  }
  Run& wait(std::int64_t id, JobKind kind = JobKind::job) {
    auto& run = runs_.emplace_back();
    tasks_.spawn("run", wait_for({.kind = kind, .id = id}, run));
    return run;
  }
  // Lets both run on: the system for real, and time as it is needed.
  bool until(const std::function<bool()>& done) {
    for (int i = 0; i < 2000; ++i) {
      if (loop_.run_until(done, 5ms)) return true;
      loop_.advance(500ms);
    }
    return false;
  }
  Result<ControllerJob> finish(Run& run) {
    if (!until([&run] { return run.outcome.has_value(); })) return fail(Errc::timeout, "goes on");
    return *run.outcome;
  }
  Result<ControllerJob> run(JobOrder order) { return finish(launch(std::move(order))); }
  std::string error_of(JobOrder order) {
    const auto ended = run(std::move(order));
    return ended ? "none" : ended.error().message();
  }
  std::size_t warnings(std::string_view part) const {
    return static_cast<std::size_t>(std::ranges::count_if(log_lines_, [part](const auto& line) {
      return line.starts_with("warning") && line.contains(part);
    }));
  }

  ManualClock clock_;
  MainLoop loop_{clock_};
  std::vector<std::string> log_lines_;
  Log log_;
  PlayedController played_;
  std::unique_ptr<Controller> controller_;
  std::deque<Run> runs_;
  TaskGroup tasks_;
  net::HttpServer server_;

 private:
  Task<> play() {
    EXPECT_TRUE(co_await server_.listen());
    static_cast<void>(co_await server_.serve());
  }
  Task<> launch_and_wait(JobOrder order, Run& run) {
    auto launched = co_await controller_->launch(std::move(order));
    if (launched) launched = co_await controller_->wait(std::move(*launched));
    run.outcome = std::move(launched);
  }
  Task<> wait_for(ControllerJob job, Run& run) {
    run.outcome = co_await controller_->wait(std::move(job));
  }
};

const JobOrder kOrder{.name = "deploy", .organization = "Default"};

TEST_F(ControllerTest, LaunchesATemplateAndWaitsForTheEnd) {
  played_.answer(kTemplates, results(a_template("other") + "," + a_template("deploy")));
  played_.answer(kLaunch, R"({"id":5,"status":"pending","created":"now"})", 201);
  played_.answer(kJobs, results(a_job(5, "running")));
  played_.answer(kJobs, results(a_job(5, "successful")));
  start();

  auto order = kOrder;
  order.arguments = {{"limit", "a,b"}, {"extra_vars", {{"i", 1}}}};
  const auto job = run(std::move(order));

  ASSERT_TRUE(job) << job.error().message();
  EXPECT_EQ(job->id, 5);
  EXPECT_EQ(job->status, "successful");
  EXPECT_EQ(job->page, origin() + "/#/jobs/5/details");
  EXPECT_EQ(to_json(Value(job->artifacts)), R"({"n":5})");
  EXPECT_EQ(
      played_.requests,
      (std::vector<std::string>{
          "GET /api/v2/config/", "GET /api/v2/unified_job_templates/?name=deploy",
          R"(POST /launch/1/ {"limit":"a,b","extra_vars":{"i":1}})",
          "GET /api/v2/jobs/?id__in=5&page_size=1", "GET /api/v2/jobs/?id__in=5&page_size=1"}));
  EXPECT_EQ(played_.authorization, "Bearer s3cret");
  EXPECT_TRUE(
      std::ranges::none_of(log_lines_, [](const auto& line) { return line.contains("s3cret"); }));
}

TEST_F(ControllerTest, LaunchesAWorkflowWithoutTheLimitThatItDoesNotTake) {
  played_.answer(kTemplates, results(a_template("deploy") + "," +
                                     a_template("deploy", "workflow_job_template")));
  played_.answer(kLaunch, R"({"id":6})", 201);
  played_.answer("GET /api/v2/workflow_jobs/", results(a_job(6, "canceled")));
  start();

  auto order = kOrder;
  order.kind = JobKind::workflow;
  order.arguments = {{"limit", "a"}};
  const auto job = run(std::move(order));

  ASSERT_TRUE(job) << job.error().message();
  EXPECT_EQ(job->status, "canceled");
  EXPECT_EQ(job->page, origin() + "/#/jobs/workflow/6/details");
  EXPECT_EQ(played_.count("POST /launch/1/ {}"), 1u);
  EXPECT_EQ(warnings("does not take a limit"), 1u);
}

TEST_F(ControllerTest, LeavesAWorkflowItsLimitWhereItIsAskedFor) {
  played_.answer(kTemplates, results(a_template("deploy", "workflow_job_template",
                                                R"(,"ask_limit_on_launch":true)")));
  played_.answer(kLaunch, R"({"id":6})", 201);
  played_.answer("GET /api/v2/workflow_jobs/", results(a_job(6, "successful")));
  start();
  auto order = kOrder;
  order.kind = JobKind::workflow;
  order.arguments = {{"limit", "a"}};
  ASSERT_TRUE(run(std::move(order)));
  EXPECT_EQ(played_.count(R"(POST /launch/1/ {"limit":"a"})"), 1u);
}

TEST_F(ControllerTest, PutsTheApiBelowAPathAndTakesAUserInstead) {
  played_.answer("GET /api/controller/v2/config/", "{}");
  played_.answer("GET /api/controller/v2/unified_job_templates/", results(""));
  start({.url = origin() + "/api/controller/", .username = "alice", .password = "s3cret"});
  EXPECT_EQ(error_of(kOrder), "Job template deploy in organization Default does not exist");
  EXPECT_EQ(played_.authorization, "Basic YWxpY2U6czNjcmV0");
}

TEST_F(ControllerTest, FollowsPages) {
  played_.answer(kTemplates,
                 results(a_template("x"), R"("/api/v2/unified_job_templates/?page=2")"));
  played_.answer(kTemplates, results(a_template("deploy")));
  played_.answer(kLaunch, R"({"id":5})", 201);
  played_.answer(kJobs, results(a_job(5, "successful")));
  start();
  ASSERT_TRUE(run(kOrder));
  EXPECT_EQ(played_.count("GET /api/v2/unified_job_templates/?page=2"), 1u);
}

TEST_F(ControllerTest, TakesCredentialsToNoOtherHost) {
  played_.answer(kTemplates, results("", R"("http://elsewhere.example/steal")"));
  start();
  const auto ended = run(kOrder);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::permission_denied);
}

TEST_F(ControllerTest, TellsOfTemplatesThatDoNotExist) {
  played_.answer(kTemplates, results(a_template("deploy", "project")));
  start();
  auto order = kOrder;
  order.kind = JobKind::workflow;
  EXPECT_EQ(error_of(order), "Workflow template deploy in organization Default does not exist");
}

TEST_F(ControllerTest, FindsAndMakesLabels) {
  played_.answer(kTemplates,
                 results(a_template("deploy", "job_template", R"(,"ask_labels_on_launch":true)")));
  played_.answer(kLabels, results(R"({"id":1,"name":"global","organization":7})"));
  played_.answer(kLabels, results(R"({"id":2,"name":"mine","organization":8})"));
  played_.answer(kNewLabel, R"({"id":3})", 201);
  played_.answer(kLaunch, R"({"id":5})", 201);
  played_.answer(kJobs, results(a_job(5, "successful")));
  start({.labels = {"global"}});
  auto order = kOrder;
  order.labels = {"mine"};
  ASSERT_TRUE(run(std::move(order)));
  EXPECT_EQ(played_.count(R"(POST /api/v2/labels/ {"name":"mine","organization":7})"), 1u);
  EXPECT_EQ(played_.count(R"(POST /launch/1/ {"labels":[1,3]})"), 1u);
}

TEST_F(ControllerTest, ReadsALabelAgainThatSomebodyElseHasMade) {
  played_.answer(kTemplates,
                 results(a_template("deploy", "job_template", R"(,"ask_labels_on_launch":true)")));
  played_.answer(kLabels, results(""));
  played_.answer(kLabels, results(R"({"id":9,"name":"global","organization":7})"));
  played_.answer(kNewLabel, R"({"__all__":["Label with this Name already exists."]})", 400);
  played_.answer(kLaunch, R"({"id":5})", 201);
  played_.answer(kJobs, results(a_job(5, "successful")));
  start({.labels = {"global"}});
  ASSERT_TRUE(run(kOrder));
  EXPECT_EQ(played_.count(R"(POST /launch/1/ {"labels":[9]})"), 1u);
}

TEST_F(ControllerTest, TriesAgainWhatFailsForAWhile) {
  played_.answer(kTemplates, "", 500);
  played_.answer(kTemplates, results(a_template("deploy")));
  played_.answer(kLaunch, "", 429, "Retry-After: 20\r\n");
  played_.answer(kLaunch, "", 503);
  played_.answer(kLaunch, R"({"id":5})", 201);
  played_.answer(kJobs, results(a_job(5, "successful")));
  start();
  const auto begin = clock_.now();
  ASSERT_TRUE(run(kOrder));
  EXPECT_EQ(played_.count("POST /launch/1/"), 3u);
  EXPECT_EQ(warnings("again in"), 3u);
  EXPECT_EQ(warnings("again in 20.0 s"), 1u);
  EXPECT_GE(clock_.now() - begin, 30s);
}

TEST_F(ControllerTest, DoesNotWaitLongerThanTheLongestPause) {
  played_.answer(kTemplates, "", 429, "Retry-After: 100000\r\n");
  played_.answer(kTemplates, results(""));
  start({.longest_pause = 3s});
  EXPECT_NE(error_of(kOrder), "none");
  EXPECT_EQ(warnings("again in 3.0 s"), 1u);
}

TEST_F(ControllerTest, LaunchesOnceOnlyIfTheAnswerIsAnError) {
  played_.answer(kTemplates, results(a_template("deploy")));
  played_.answer(kLaunch, "oh", 500);
  start();
  EXPECT_EQ(error_of(kOrder), "POST /launch/1/: status 500: oh");
  EXPECT_EQ(played_.count("POST"), 1u);
}

TEST_F(ControllerTest, TellsWhatTheControllerRefuses) {
  played_.answer(kTemplates, results(a_template("deploy")));
  played_.answer(kLaunch, R"({"extra_vars":["no"]})", 400);
  start();
  const auto ended = run(kOrder);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error(),
            Error(Errc::invalid_settings, R"(POST /launch/1/: status 400: {"extra_vars":["no"]})"));
}

TEST_F(ControllerTest, GivesUpAfterTheLastAttempt) {
  played_.answer(kTemplates, "", 503);
  start({.attempts = 3});
  const auto ended = run(kOrder);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::unavailable);
  EXPECT_EQ(played_.count(kTemplates), 3u);
}

TEST_F(ControllerTest, LooksAtAllJobsAtOnceInBatches) {
  played_.answer(kJobs, results(a_job(1, "successful") + "," + a_job(2, "successful")));
  played_.answer(kJobs, results(a_job(3, "failed")));
  start({.poll_batch = 2});
  auto& one = wait(1);
  auto& two = wait(2);
  auto& three = wait(3);
  ASSERT_TRUE(finish(one));
  ASSERT_TRUE(finish(two));
  ASSERT_TRUE(finish(three));
  EXPECT_EQ(three.outcome->value().status, "failed");
  EXPECT_EQ(played_.requests, (std::vector<std::string>{"GET /api/v2/jobs/?id__in=1,2&page_size=2",
                                                        "GET /api/v2/jobs/?id__in=3&page_size=1"}));
}

TEST_F(ControllerTest, WaitsOnWhileTheControllerIsAway) {
  for (int i = 0; i < 7; ++i) played_.answer(kJobs, "", 503);
  played_.answer(kJobs, results(a_job(1, "successful")));
  start({.attempts = 2});
  ASSERT_TRUE(finish(wait(1)));
  EXPECT_EQ(warnings("trying for ever"), 1u);
  EXPECT_TRUE(std::ranges::any_of(log_lines_,
                                  [](const auto& line) { return line.contains("seen again"); }));
}

TEST_F(ControllerTest, EndsTheWaitForAJobThatIsGone) {
  played_.answer(kJobs, results(""));
  start();
  const auto ended = finish(wait(1));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::not_found);
  EXPECT_EQ(played_.count(kJobs), 3u);
}

TEST_F(ControllerTest, EndsTheWaitWhenItMayNotLook) {
  played_.answer(kJobs, "", 403);
  start();
  const auto ended = finish(wait(1));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::permission_denied);
}

TEST_F(ControllerTest, LeavesLookingToAnotherWhenOneGoes) {
  played_.answer(kJobs, results(a_job(1, "successful") + "," + a_job(2, "running")));
  played_.answer(kJobs, results(a_job(2, "running")));
  played_.answer(kJobs, results(a_job(2, "successful")));
  start();
  auto& one = wait(1);
  auto& two = wait(2);
  ASSERT_TRUE(finish(one));
  EXPECT_FALSE(two.outcome);
  ASSERT_TRUE(finish(two));
}

TEST_F(ControllerTest, NeedsAUrlAndCredentials) {
  const auto problem = [this](ControllerOptions options) {
    const auto made = Controller::create(loop_, log_, std::move(options));
    return made ? "none" : made.error().message();
  };
  for (const auto* url : {"controller", "ftp://x", "http://", "http://u:p@x"})
    EXPECT_EQ(problem({.url = url, .token = "t"}), "Invalid controller url.") << url;
  const std::string needs =
      "Error: controller_token or controller_username and controller_password is required";
  EXPECT_EQ(problem({.url = "https://x"}), needs);
  EXPECT_EQ(problem({.url = "https://x", .username = "u"}), needs);
  EXPECT_EQ(problem({.url = "https://x:8443", .token = "t"}), "none");
}

}  // namespace
}  // namespace millrace::controller
