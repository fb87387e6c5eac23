// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/native_plugin.hpp"

#include <fstream>

#include "millrace/event/json.hpp"
#include "native/test_bench.hpp"

namespace millrace::native {
namespace {

class NativePlugin : public TestBench {
 protected:
  // What loading fails with: the code, and its words.
  std::string failure(const std::string& name, Errc code) {
    const auto loaded = load(name);
    if (loaded) return "it was loaded";
    EXPECT_EQ(loaded.error().code(), code) << loaded.error().message();
    return loaded.error().message();
  }
};

TEST_F(NativePlugin, BringsWhatItRegisters) {
  const auto plugin = load_good();

  EXPECT_EQ(plugin.name, "good");
  EXPECT_EQ(plugin.version, "1.2");
  EXPECT_EQ(plugin.summary, "Everything that a plugin can be.");
  EXPECT_EQ(plugin.sources.size(), 4u);
  EXPECT_EQ(plugin.filters.size(), 1u);
  EXPECT_EQ(plugin.actions.size(), 1u);
  ASSERT_EQ(plugin.services.size(), 2u);
  EXPECT_EQ(plugin.services[0].first, ServiceKind::monitor);
  EXPECT_EQ(plugin.services[1].first, ServiceKind::param_processor);
  ASSERT_EQ(plugin.patterns.size(), 1u);
  EXPECT_EQ(plugin.patterns[0].pattern, "\\w+");
  const auto& count = find(plugin.sources, "count");
  EXPECT_EQ(count.aliases, std::vector<std::string>{"numbers"});
  EXPECT_EQ(count.summary, "Counts.");
  EXPECT_EQ(std::filesystem::path(count.provider).filename(), "good.so");
}

TEST_F(NativePlugin, DeclaresSettingsWithAllThatIsKnownOfThem) {
  const auto plugin = load_good();

  const auto& count = find(plugin.sources, "count").schema.settings;
  ASSERT_EQ(count.size(), 2u);
  EXPECT_EQ(count[0].name(), "limit");
  EXPECT_EQ(count[0].type(), SettingType::integer);
  EXPECT_TRUE(count[0].is_required());
  EXPECT_EQ(count[1].meaning(), "at once");
  EXPECT_EQ(count[1].default_value(), Value(256));
  EXPECT_EQ(count[1].least(), 1);
  EXPECT_EQ(count[1].most(), 1000);
  const auto& ask = find(plugin.actions, "ask").schema.settings;
  EXPECT_EQ(ask[0].choices().size(), 10u);
  EXPECT_FALSE(ask[0].is_secret());
  EXPECT_TRUE(ask[2].is_secret());
  EXPECT_TRUE(ask[2].is_nullable());
}

TEST_F(NativePlugin, ReadsAndChangesTheConfiguration) {
  const auto plugin = load_good({{"good", {{"given", Array{1, "two"}}}}, {"other", 5}});

  EXPECT_EQ(to_json(plugin.configuration),
            R"({"good":{"given":[1,"two"],"seen":[1,"two"],"missing":null},"other":5})");
}

TEST_F(NativePlugin, IsRefusedWhenItSetsBelowWhatIsNoObject) {
  const auto plugin = load("good", {{"good", 5}});

  ASSERT_FALSE(plugin);
  EXPECT_EQ(plugin.error().code(), Errc::invalid_settings);
  EXPECT_TRUE(plugin.error().message().ends_with(
      "plugin good: good.seen: good of the configuration is no object"))
      << plugin.error().message();
}

TEST_F(NativePlugin, MayStartThreadsInWhatItPutsOff) {
  const auto plugin = load_good();

  ASSERT_EQ(plugin.deferred.size(), 2u);
  for (const auto& work : plugin.deferred) work();
  EXPECT_TRUE(logged("plugin good: an exception left it: deferred, and failed"));
}

TEST_F(NativePlugin, IsLoadedAgainAsOften) {
  {
    const auto first = load_good();
  }
  const auto second = load_good();
  const auto third = load_good();
  EXPECT_EQ(third.sources.size(), second.sources.size());
}

TEST_F(NativePlugin, IsToldApartFromOtherFiles) {
  EXPECT_TRUE(failure("missing", Errc::not_found).contains("there is no plugin"));
  EXPECT_TRUE(failure("no_symbol", Errc::corrupt)
                  .ends_with("no_symbol.so is no plugin of Millrace: it does not export "
                             "`millrace_plugin`"));

  const auto file = std::filesystem::path(::testing::TempDir()) / "text.so";
  std::ofstream(file) << "this is a text\n";
  const auto loaded = load_file(file);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Errc::corrupt);
  EXPECT_TRUE(loaded.error().message().ends_with("text.so is no shared object"));

  std::ofstream(file) << "\x7f"
                         "ELF and no more";
  const auto cut = load_file(file);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), Errc::corrupt);
  EXPECT_TRUE(cut.error().message().contains("cannot load the plugin")) << cut.error().message();
}

TEST_F(NativePlugin, IsRefusedForAnotherVersionOfTheInterface) {
  EXPECT_TRUE(failure("wrong_major", Errc::unsupported)
                  .ends_with("wrong_major.so needs version 99.0 of the plugin interface, this "
                             "engine has 1.1"));
  EXPECT_TRUE(failure("newer_minor", Errc::unsupported).contains("needs version 1.2"));
}

TEST_F(NativePlugin, IsRefusedWhenSomethingIsMissingOrContradictory) {
  EXPECT_TRUE(failure("incomplete", Errc::corrupt).contains("incomplete `millrace_plugin`"));
  EXPECT_TRUE(failure("bad_default", Errc::invalid_settings)
                  .contains("plugin bad_default: nothing: the default of the setting `size`"));
}

TEST_F(NativePlugin, IsRefusedWhenLoadThrows) {
  EXPECT_TRUE(failure("throws", Errc::io)
                  .ends_with("throws.so: plugin throws: an exception left it: not today"));
}

TEST_F(NativePlugin, IsRefusedWhenItStartsAThreadTooEarly) {
  EXPECT_TRUE(failure("starts_thread", Errc::permission_denied)
                  .ends_with("starts_thread.so: plugin starts_thread: it may not start a thread "
                             "while it is loaded, and has"));
}

TEST_F(NativePlugin, IsRefusedWhenItPublishesTooEarly) {
  EXPECT_TRUE(failure("publishes", Errc::permission_denied)
                  .ends_with("publishes.so: plugin publishes: it may not publish while it is "
                             "loaded, and has called post_event"));
  EXPECT_EQ(load_good().name, "good");  // others are not affected
}

TEST_F(NativePlugin, MayThrowAnywhereAndTheEngineGoesOn) {
  {
    auto rude = load("rude");
    ASSERT_TRUE(rude) << rude.error().message();
    const auto unborn = make(find(rude->filters, "unborn"), {});
    ASSERT_FALSE(unborn);
    EXPECT_EQ(unborn.error().message(), "unborn: plugin rude: an exception left it: rude");

    auto filter = make(find(rude->filters, "rude"), {});
    ASSERT_TRUE(filter);
    std::vector<Value> out;
    const auto applied = (*filter)->apply(Object(), out, log_);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().message(), "plugin rude: an exception left it: of an unknown type");
    {
      const auto source = make(find(rude->sources, "rude"), {});
    }
    EXPECT_TRUE(logged("an exception left destroy of rude"));
  }
  EXPECT_TRUE(logged("an exception left its unload"));
}

}  // namespace
}  // namespace millrace::native
