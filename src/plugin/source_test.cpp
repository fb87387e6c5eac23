// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/source.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::SourceHarness;

// Emits one value, then waits a second and ends.
class EmittingSource final : public Source {
 public:
  Task<Result<>> run(SourceContext& context) override {
    if (auto sent = co_await context.emit(Value(Object{{"i", 1}})); !sent) co_return sent.error();
    co_return co_await context.sleep_for(1s);
  }
};

// Hands one text over and waits for the answer.
class AcceptingSource final : public Source {
 public:
  explicit AcceptingSource(const Settings& settings)
      : text_(std::make_shared<const std::string>(settings.string("text") +
                                                  std::string(kTextPadding, ' '))) {}

  Task<Result<>> run(SourceContext& context) override {
    co_return co_await context.accept(Event::from_text(std::string_view(*text_)).wrap("payload"),
                                      text_);
  }

 private:
  const std::shared_ptr<const std::string> text_;
};

void describe(PluginBuilder& plugin) {
  plugin.source<EmittingSource>("emitting", "", {});
  plugin.source<AcceptingSource>("accepting", "",
                                 {{Setting("text", SettingType::string, "").required()}});
}

TEST(SourceContext, EmitsOneValueAsABatchOfOne) {
  SourceHarness source(describe, "emitting", {});

  EXPECT_EQ(source.batches(), 1U);
  ASSERT_EQ(source.events().size(), 1U);
  EXPECT_EQ(to_json(source.events().front()), R"({"i":1})");
  EXPECT_FALSE(source.outcome());

  source.advance(1s);
  ASSERT_TRUE(source.outcome());
  EXPECT_TRUE(*source.outcome());
}

TEST(SourceContext, EndsByCancellation) {
  SourceHarness source(describe, "emitting", {});
  source.cancel();

  ASSERT_TRUE(source.outcome());
  ASSERT_FALSE(*source.outcome());
  EXPECT_EQ(source.outcome()->error().code(), Errc::cancelled);
}

TEST(SourceContext, AcceptEndsOnceTheEventIsTaken) {
  const SourceHarness source(describe, "accepting", {{"text", "[1]"}});

  ASSERT_TRUE(source.outcome());
  EXPECT_TRUE(*source.outcome());
  EXPECT_EQ(to_json(source.events().front()), R"({"payload":[1]})");
}

TEST(SourceContext, AcceptTellsWhyAnEventIsRefused) {
  const SourceHarness source(describe, "accepting", {{"text", "[1"}});

  ASSERT_TRUE(source.outcome());
  ASSERT_FALSE(*source.outcome());
  EXPECT_EQ(source.outcome()->error().code(), Errc::invalid_event);
  EXPECT_EQ(source.rejected().size(), 1U);
}

TEST(SourceContext, ASourceWithWrongSettingsIsNotStarted) {
  SourceHarness source(describe, "accepting", {});

  EXPECT_EQ(source.settings_problem(), "text is required");
  EXPECT_EQ(source.source(), nullptr);
}

}  // namespace
}  // namespace millrace
