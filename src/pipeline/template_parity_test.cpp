// SPDX-License-Identifier: Apache-2.0
// Templates are rendered here or by Jinja2: with one result. The cases and their results are those
// of Jinja2's native environment.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/pipeline/template.hpp"
#include "millrace/plugin/python_plugins.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::size_t kLeastCases = 500;
constexpr std::size_t kLeastPlain = 300;
constexpr std::string_view kLongNumber = "123456789012345678901234567890";

struct Case {
  std::string text;
  Object scope;
  std::string result;     ///< JSON, or "error: …"
  bool is_wrong = false;  ///< it does not compile
};

std::vector<Case> read_cases() {
  std::vector<Case> cases;
  const auto text = read_file(MILLRACE_SOURCE_DIR "/python/tests/templates.jsonl");
  if (!text) return cases;
  for (const auto line : split(*text, '\n')) {
    // The engine's own numbers have 64 bits.
    if (line.empty() || line.contains(kLongNumber)) continue;
    const auto told = parse_json(line)->get_object();
    const auto* error = told.if_contains("error");
    cases.push_back({std::string(view(told.at("template").get_string())),
                     told.at("scope").get_object(),
                     error != nullptr ? "error: " + std::string(view(error->get_string()))
                                      : to_json(told.at("value")),
                     told.contains("syntax_error")});
  }
  return cases;
}

std::string text_of(const Result<Value>& rendered) {
  return rendered ? to_json(*rendered) : "error: " + rendered.error().message();
}

TEST(TemplateParity, PlainPathsGiveWhatJinjaGives) {
  const auto cases = read_cases();
  ASSERT_GE(cases.size(), kLeastCases);
  std::size_t plain = 0;
  for (const auto& item : cases) {
    const auto rendered = Template::compile(item.text).render(Scope(item.scope));
    if (!rendered && rendered.error().code() == Errc::unsupported) continue;
    ++plain;
    EXPECT_EQ(text_of(rendered), item.result) << item.text << " with " << to_json(item.scope);
  }
  EXPECT_GE(plain, kLeastPlain) << "few are rendered without Jinja2";
}

Task<> render_all(TemplateHost& host, const std::vector<Case>& cases,
                  std::vector<Result<Value>>& results) {
  for (const auto& item : cases) {
    auto compiled = co_await host.compile(item.text);
    if (!compiled) {
      results.emplace_back(compiled.error());
      if (compiled.error().code() == Errc::unavailable) co_return;
      continue;
    }
    results.push_back(co_await host.render(compiled->id, item.scope));
  }
}

TEST(TemplateParity, TheHostGivesWhatJinjaGives) {
  const SystemClock clock;
  MainLoop loop(clock);
  Log log([](LogLevel, std::string_view, std::string_view) {});
  PythonPlugins python(loop, log, {}, {});
  const auto cases = read_cases();
  std::vector<Result<Value>> results;
  loop.run_until_done(render_all(python.templates(), cases, results));
  loop.run_until_done(python.stop());
  if (results.size() < cases.size()) GTEST_SKIP() << results.back().error().message();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto text = text_of(results[i]);
    // The engine has more to say of a template that is wrong.
    std::string_view expected = cases[i].result;
    if (cases[i].is_wrong && expected.ends_with('.')) expected.remove_suffix(1);
    EXPECT_EQ(cases[i].is_wrong ? text.substr(0, expected.size()) : text, expected)
        << cases[i].text;
  }
}

}  // namespace
}  // namespace millrace::pipeline
