// SPDX-License-Identifier: Apache-2.0
#include "plugin_skeleton.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "millrace/base/files.hpp"

namespace millrace::cli {
namespace {

class PluginSkeleton : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "skeletonXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string failure(std::string_view kind, std::string_view name) {
    const auto made = plugin_skeleton(kind, name, PluginLanguage::cpp);
    return made ? "it was made" : made.error().message();
  }

  std::string folder_;
};

TEST_F(PluginSkeleton, HasAPluginATestAndAReadme) {
  for (const auto& kind : plugin_kinds()) {
    const auto cpp = plugin_skeleton(kind, "web_hook", PluginLanguage::cpp);
    ASSERT_TRUE(cpp) << kind;
    ASSERT_EQ(cpp->size(), 4u);
    EXPECT_EQ((*cpp)[0].name, "CMakeLists.txt");
    EXPECT_EQ((*cpp)[1].name, "web_hook.cpp");
    EXPECT_EQ((*cpp)[2].name, "web_hook_test.cpp");
    EXPECT_EQ((*cpp)[3].name, "README.md");
    const auto python = plugin_skeleton(kind, "web_hook", PluginLanguage::python);
    ASSERT_TRUE(python) << kind;
    ASSERT_EQ(python->size(), 3u);
    EXPECT_EQ((*python)[0].name, "web_hook.py");
    EXPECT_TRUE((*python)[1].content.contains("class WebHookTest"));
    for (const auto& file : *cpp) EXPECT_FALSE(file.content.contains('@')) << file.content;
  }
}

TEST_F(PluginSkeleton, RefusesNamesThatCannotBe) {
  for (const auto* name : {"", "Web", "1web", "web-hook", "../x", "web hook", "w\n"})
    EXPECT_TRUE(failure("source", name).contains("cannot be the name of a plugin")) << name;
  EXPECT_TRUE(failure("source", std::string(65, 'a')).contains("cannot be the name"));
  EXPECT_EQ(failure("source", "class"),
            "`class` means something else to Python, CMake or Millrace");
}

TEST_F(PluginSkeleton, RefusesNamesThatHideAModuleOfPython) {
  EXPECT_EQ(plugin_skeleton("source", "json", PluginLanguage::python).error().message(),
            "`json` is a module of Python's own: a plugin of that name would hide it");
  EXPECT_TRUE(plugin_skeleton("source", "json", PluginLanguage::cpp));
}

TEST_F(PluginSkeleton, SaysAnAction) {
  for (const auto language : {PluginLanguage::cpp, PluginLanguage::python}) {
    const auto files = plugin_skeleton("action", "mine", language);
    ASSERT_TRUE(files);
    EXPECT_TRUE(files->back().content.contains("for Millrace with an action."));
  }
}

TEST_F(PluginSkeleton, RefusesKindsThatAreNot) {
  EXPECT_TRUE(failure("sorce", "x").starts_with("unknown kind `sorce`: it must be one of source,"));
}

TEST_F(PluginSkeleton, OverwritesNothing) {
  const auto files = plugin_skeleton("filter", "mine", PluginLanguage::python);
  ASSERT_TRUE(files);
  const auto below = folder_ + "/a/b";

  ASSERT_TRUE(write_skeleton(below, *files));
  const auto again = write_skeleton(below, *files);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Errc::already_exists);
  EXPECT_TRUE(again.error().message().ends_with("/a/b/mine.py is there already"));

  std::filesystem::remove(below + "/mine.py");
  EXPECT_FALSE(write_skeleton(below, *files));
  EXPECT_FALSE(std::filesystem::exists(below + "/mine.py"));
}

}  // namespace
}  // namespace millrace::cli
