// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/template.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace::pipeline {
namespace {

std::string rendered(const std::string& text, const Object& variables) {
  const auto value = Template::compile(text).render(Scope(variables));
  if (!value && value.error().code() == Errc::unsupported) return "left to Jinja2";
  return value ? to_json(*value) : value.error().message();
}

TEST(Template, KeepsTypesAndReadsLiteralsAsJinjasNativeEnvironmentDoes) {
  const Object variables{{"a", "5"},
                         {"b", 5},
                         {"t", "true"},
                         {"T", "True"},
                         {"nil", "None"},
                         {"pair", "1,2"},
                         {"list", "[1,2]"},
                         {"e", "1e3"},
                         {"hex", "0x10"},
                         {"bond", "007"},
                         {"blank", " 5"},
                         {"q", "\"q\""},
                         {"o", Object{{"k", Array{1, Object{{"x", nullptr}}}}}}};
  EXPECT_EQ(rendered("{{ a }}", variables), "5");
  EXPECT_EQ(rendered("{{ a }}{{ b }}", variables), "55");
  EXPECT_EQ(rendered("x{{ a }}", variables), "\"x5\"");
  EXPECT_EQ(rendered(" {{ b }}", variables), "\" 5\"");
  EXPECT_EQ(rendered("{{ b }} ", variables), "5");
  EXPECT_EQ(rendered("{{ t }}", variables), "\"true\"");
  EXPECT_EQ(rendered("{{ T }}", variables), "true");
  EXPECT_EQ(rendered("{{ nil }}", variables), "null");
  EXPECT_EQ(rendered("{{ pair }}", variables), "[1,2]");
  EXPECT_EQ(rendered("{{ list }}", variables), "[1,2]");
  EXPECT_EQ(rendered("{{ e }}", variables), "1000.0");
  EXPECT_EQ(rendered("{{ hex }}", variables), "16");
  EXPECT_EQ(rendered("{{ bond }}", variables), "\"007\"");
  EXPECT_EQ(rendered("{{ blank }}", variables), "\" 5\"");
  EXPECT_EQ(rendered("{{ q }}", variables), "\"q\"");
  EXPECT_EQ(rendered("{{ o.k[1] }}", variables), R"({"x":null})");
  EXPECT_EQ(rendered("{{ o['k'][-1].x }}", variables), "null");
  EXPECT_EQ(rendered("is {{ o.k }}", variables), R"("is [1, {'x': None}]")");
}

TEST(Template, NamesWhatIsUndefined) {
  const Object variables{{"o", Object{{"k", nullptr}}}};
  EXPECT_EQ(rendered("{{ nosuch }}", variables), "'nosuch' is undefined");
  EXPECT_EQ(rendered("{{ o.x }}", variables), "Undefined jinja variable  'x'");
  EXPECT_EQ(rendered("{{ o.k.x }}", variables), "Undefined jinja variable  'x'");
}

TEST(Template, LeavesToJinjaWhatIsNoPlainPath) {
  const Object variables{{"a", "x"}, {"o", Object{{"items", 1}, {"_id", 2}}}, {"l", Array{1}}};
  for (const auto* text :
       {"{{ a | upper }}", "{{ f(1) }}", "{{ 1 + 2 }}", "{% if a %}{{ a }}{% endif %}", "{{ }}",
        "}} {{", "{{ true }}", "{{ a }}\r\n", "{{ l[00] }}", "{{ o.items }}", "{{ o['keys'] }}",
        "{{ a.upper }}", "{{ a[0] }}", "{{ range }}", "{{ o['\\x41'] }}", "{{- a }}"}) {
    EXPECT_EQ(rendered(text, variables), "left to Jinja2") << text;
  }
  EXPECT_EQ(rendered("{{ o['items'] }}", variables), "1");
  EXPECT_EQ(rendered("{{ o._id }}", variables), "2");
}

TEST(Template, LosesOneLineEndAsJinjaDoes) {
  const Object variables{{"n", 5}};
  EXPECT_EQ(rendered("{{ n }}\n", variables), "5");
  EXPECT_EQ(rendered("x {{ n }}\n\n", variables), "\"x 5\\n\"");
}

TEST(ValueTemplate, RendersTextsAtAnyDepthButNotKeys) {
  const auto value =
      parse_json(R"({"{{ a }}": ["{{ a }}", {"k": "v={{ a }}"}], "n": 1, "plain": "{% x %}"})");
  const auto compiled = ValueTemplate::compile(*value);
  const Object variables{{"a", "x"}};
  EXPECT_EQ(to_json(*compiled.render(Scope(variables))),
            R"({"{{ a }}":["x",{"k":"v=x"}],"n":1,"plain":"{% x %}"})");
}

}  // namespace
}  // namespace millrace::pipeline
