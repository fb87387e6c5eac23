// SPDX-License-Identifier: Apache-2.0
#include "python_templates.hpp"

#include <signal.h>

#include <cstdlib>
#include <string>

#include "python_fixture.hpp"

namespace millrace::python {
namespace {

using namespace std::chrono_literals;

class PythonTemplatesTest : public PythonTest {
 protected:
  TemplateHost& host() { return plugins().templates(); }
  std::uint32_t compiled(std::string text) {
    const auto answer = get(host().compile(std::move(text)));
    EXPECT_TRUE(answer) << answer.error().message();
    return answer ? answer->id : 0;
  }
  // The JSON, or the error.
  std::string rendered(std::uint32_t id, Object scope = {}) {
    const auto answer = get(host().render(id, std::move(scope)));
    return answer ? to_json(*answer) : answer.error().message();
  }
  void start_rendering(std::uint32_t id, Object scope, std::optional<Result<Value>>& into) {
    tasks_.spawn("render", keep(host().render(id, std::move(scope)), into));
    loop_.run_ready();
  }
  // The one that was started last.
  int pid_of_host() const {
    int pid = 0;
    for (const auto& line : log_lines_) {
      const auto at = line.find("runs: Python");
      const auto number = line.rfind(' ');
      if (at != std::string::npos) pid = std::atoi(line.c_str() + number);
    }
    return pid;
  }
  ~PythonTemplatesTest() override {
    loop_.run_until([this] { return tasks_.size() == 0; });
  }

  TaskGroup tasks_{loop_.executor(), {}};
};

TEST_F(PythonTemplatesTest, RendersWithEventsAndVariables) {
  variables_ = {{"port", 80}};
  const auto id = compiled("{{ event.host | upper }}:{{ port }}");

  EXPECT_EQ(rendered(id, {{"event", {{"host", "web"}}}}), "\"WEB:80\"");
  EXPECT_EQ(rendered(id, {{"event", {{"host", "db"}}}}), "\"DB:80\"");
}

TEST_F(PythonTemplatesTest, GivesNativeValues) {
  EXPECT_EQ(rendered(compiled("{{ [1, 2] | sum }}")), "3");
  EXPECT_EQ(rendered(compiled("{{ {'a': none} }}")), R"({"a":null})");
}

TEST_F(PythonTemplatesTest, TellsTheNamesOfATemplate) {
  const auto answer = get(host().compile("{% set x = event.a %}{{ x ~ port }}"));

  ASSERT_TRUE(answer);
  auto names = answer->names;
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"event", "port"}));
  EXPECT_FALSE(answer->constant);
  EXPECT_EQ(compiled("{% set x = event.a %}{{ x ~ port }}"), answer->id);
}

TEST_F(PythonTemplatesTest, WhatIsNoTemplateIsRefused) {
  const auto answer = get(host().compile("{{ 1 + }}"));

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::invalid_settings);
}

TEST_F(PythonTemplatesTest, WhatIsUndefinedIsNotFound) {
  const auto name = get(host().render(compiled("{{ nothing }}"), {}));
  const auto attribute =
      get(host().render(compiled("{{ event.nothing }}"), {{"event", {{"i", 1}}}}));
  const auto wrong = get(host().render(compiled("{{ event.i / 0 }}"), {{"event", {{"i", 1}}}}));

  EXPECT_EQ(name.error().code(), Errc::not_found);
  EXPECT_EQ(attribute.error().code(), Errc::not_found);
  EXPECT_EQ(wrong.error().code(), Errc::invalid_settings);
}

TEST_F(PythonTemplatesTest, AConstantIsRenderedOnce) {
  const auto id = compiled("{{ [1, 2] | random }}{{ range(10**9) | random }}");
  const auto constant = compiled("{{ port | default(5) }}");
  EXPECT_NE(rendered(id), rendered(id));
  EXPECT_EQ(rendered(constant), "5");

  loop_.run_until_done(stop_plugins());

  EXPECT_EQ(rendered(constant), "5");  // no host is needed
  EXPECT_EQ(rendered(id), "the host of templates has been stopped");
}

TEST_F(PythonTemplatesTest, ATemplateThatTakesTooLongIsGivenUpAloneAndTheOthersGoOn) {
  const auto endless = compiled("{% for i in range(10**9) %}{% endfor %}{{ event.i }}");
  const auto quick = compiled("{{ event.i }}");
  std::optional<Result<Value>> first;
  std::optional<Result<Value>> second;
  start_rendering(endless, {{"event", {{"i", 1}}}}, first);
  start_rendering(quick, {{"event", {{"i", 2}}}}, second);

  loop_.advance(4s);
  EXPECT_FALSE(first);
  loop_.advance(1s);

  ASSERT_TRUE(run_until([&] { return first && second; })) << log_text();
  EXPECT_EQ(first->error(), Error(Errc::timeout, "the template took longer than 5 s"));
  ASSERT_TRUE(*second) << second->error().message();
  EXPECT_EQ(**second, 2);
  EXPECT_EQ(rendered(quick, {{"event", {{"i", 3}}}}), "3");
}

TEST_F(PythonTemplatesTest, ATemplateThatKillsTheHostFailsAlone) {
  options_.template_limit = 60s;
  const auto greedy = compiled("{{ ('x' * event.n) | length }}");
  EXPECT_EQ(rendered(greedy, {{"event", {{"n", 3}}}}), "3");

  const auto refused = rendered(greedy, {{"event", {{"n", std::int64_t{1} << 40}}}});

  EXPECT_NE(refused, "");
  EXPECT_EQ(rendered(greedy, {{"event", {{"n", 4}}}}), "4");
}

TEST_F(PythonTemplatesTest, ARenderingWhoseHostIsKilledIsDoneInTheNext) {
  const auto id = compiled("{% for i in range(3 * 10**6) %}{% endfor %}{{ event.i }}");
  std::optional<Result<Value>> first;
  std::optional<Result<Value>> second;
  start_rendering(id, {{"event", {{"i", 1}}}}, first);
  start_rendering(id, {{"event", {{"i", 2}}}}, second);

  const auto host = pid_of_host();
  ASSERT_GT(host, 0) << log_text();
  ASSERT_EQ(::kill(host, SIGKILL), 0);

  ASSERT_TRUE(run_until([&] { return first && second; })) << log_text();
  ASSERT_TRUE(*first) << first->error().message();
  EXPECT_EQ(**first, 1);
  EXPECT_EQ(second->value(), 2);
}

TEST_F(PythonTemplatesTest, ARenderingThatSeesTwoHostsDieFails) {
  const auto id = compiled("{% for i in range(10**9) %}{% endfor %}{{ event.i }}");
  std::optional<Result<Value>> answer;
  start_rendering(id, {{"event", {{"i", 1}}}}, answer);
  const auto first = pid_of_host();
  ASSERT_GT(first, 0) << log_text();
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  ASSERT_TRUE(run_until([&] { return pid_of_host() != first; })) << log_text();
  EXPECT_FALSE(answer);

  const auto second = pid_of_host();
  ASSERT_GT(second, 0) << log_text();
  ASSERT_EQ(::kill(second, SIGKILL), 0);

  ASSERT_TRUE(run_until([&] { return answer.has_value(); })) << log_text();
  EXPECT_EQ(answer->error(),
            Error(Errc::unavailable, "the host of templates was killed by signal 9"));
}

TEST_F(PythonTemplatesTest, ManyAtOnceAreAnsweredEach) {
  const auto id = compiled("{{ event.i + 1 }}");
  std::vector<std::optional<Result<Value>>> answers(500);
  for (std::size_t i = 0; i < answers.size(); ++i)
    tasks_.spawn("render", keep(host().render(id, {{"event", {{"i", i}}}}), answers[i]));

  ASSERT_TRUE(run_until([this] { return tasks_.size() == 0; }));

  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i]->value(), Value(i + 1));
}

TEST_F(PythonTemplatesTest, ACancelledRenderingLeavesTheOthersAlone) {
  const auto id = compiled("{% for i in range(3 * 10**6) %}{% endfor %}{{ event.i }}");
  std::optional<Result<Value>> second;
  {
    std::optional<Result<Value>> first;
    TaskGroup group(loop_.executor(), {});
    group.spawn("render", keep(host().render(id, {{"event", {{"i", 1}}}}), first));
    loop_.run_ready();
    start_rendering(id, {{"event", {{"i", 2}}}}, second);
    group.request_stop();
    ASSERT_TRUE(run_until([&] { return first.has_value(); }));
    EXPECT_EQ(first->error().code(), Errc::cancelled);
  }
  ASSERT_TRUE(run_until([&] { return second.has_value(); }));
  EXPECT_EQ(second->value(), 2);
}

}  // namespace
}  // namespace millrace::python
