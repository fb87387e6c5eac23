// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/registry.hpp"

#include <gtest/gtest.h>

#include "millrace/plugin/plugin.hpp"

namespace millrace {
namespace {

class PassingFilter : public Filter {
 public:
  Result<> apply(Value event, std::vector<Value>& out, Log& /*log*/) override {
    out.push_back(std::move(event));
    return {};
  }
};

// Made from settings.
class TaggingFilter final : public PassingFilter {
 public:
  explicit TaggingFilter(const Settings& settings) : tag(settings.string("tag")) {}
  const std::string tag;
};

// Made by a factory that can refuse.
class PickyFilter final : public PassingFilter {
 public:
  static Result<std::unique_ptr<PickyFilter>> create(const Settings& settings) {
    if (settings.string("tag") == "bad") return fail(Errc::invalid_settings, "no bad tags");
    return std::make_unique<PickyFilter>();
  }
};

SettingsSchema tagged() { return {{Setting("tag", SettingType::string, "").by_default("none")}}; }

class RegistryTest : public ::testing::Test {
 protected:
  Registry registry_;
  PluginBuilder builder_{registry_};
};

TEST_F(RegistryTest, FindsAnExtensionByEveryNameOfTheOriginal) {
  builder_.filter<PassingFilter>("pass", "Passes.", {}, {"old.pass"});

  const auto* found = registry_.filters.find("pass");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->summary, "Passes.");
  EXPECT_EQ(registry_.filters.find("eda.builtin.pass"), found);
  EXPECT_EQ(registry_.filters.find("ansible.eda.pass"), found);
  EXPECT_EQ(registry_.filters.find("old.pass"), found);
}

TEST_F(RegistryTest, FindsNothingByAnotherNameOrKind) {
  builder_.filter<PassingFilter>("pass", "", {});

  EXPECT_EQ(registry_.filters.find("Pass"), nullptr);
  EXPECT_EQ(registry_.filters.find(""), nullptr);
  EXPECT_EQ(registry_.sources.find("pass"), nullptr);
  EXPECT_EQ(registry_.actions.find("pass"), nullptr);
}

TEST_F(RegistryTest, ListsShortNamesSorted) {
  builder_.filter<PassingFilter>("b", "", {}, {"alias"});
  builder_.filter<PassingFilter>("a", "", {});

  EXPECT_EQ(registry_.filters.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(registry_.filters.all().front()->name, "b");
}

TEST_F(RegistryTest, MakesInstancesByConstructorOrFactory) {
  builder_.filter<TaggingFilter>("tagging", "", tagged());
  builder_.filter<PickyFilter>("picky", "", tagged());
  const auto bad = *Settings::check(tagged(), {{"tag", "bad"}});

  const auto tagging = registry_.filters.find("tagging")->create(bad);
  const auto picky = registry_.filters.find("picky")->create(bad);

  ASSERT_TRUE(tagging);
  EXPECT_EQ(dynamic_cast<const TaggingFilter&>(**tagging).tag, "bad");
  ASSERT_FALSE(picky);
  EXPECT_EQ(picky.error().message(), "no bad tags");
}

TEST(RegistryDeathTest, AbortsOnTwoExtensionsOfOneName) {
  Registry registry;
  PluginBuilder builder(registry);
  builder.filter<PassingFilter>("pass", "", {});

  EXPECT_DEATH(builder.filter<PassingFilter>("other", "", {}, {"pass"}), "");
}

}  // namespace
}  // namespace millrace
