// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "commands.hpp"
#include "millrace/event/json.hpp"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

constexpr auto* kDocumented =
    "DOCUMENTATION = r'''\n"
    "short_description: Waits for V(hooks).\n"
    "description: [One., Two.]\n"
    "options:\n"
    "  port: {type: int, required: true, description: The port.}\n"
    "  token: {type: str, no_log: true}\n"
    "notes: [Careful.]\n"
    "'''\n"
    "EXAMPLES = r'''\n"
    "- my_hook:\n"
    "    port: 1\n"
    "'''\n"
    "async def main(queue, args):\n    pass\n";

// Sees nothing of the folders of whoever runs it.
class PluginCommand : public ::testing::Test {
 protected:
  PluginCommand() {
    auto name = ::testing::TempDir() + "millrace-plugin-command-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    set("HOME", folder_ / "home");
    set("XDG_DATA_HOME", "");
    set("ANSIBLE_COLLECTIONS_PATH", folder_ / "collections");
  }
  ~PluginCommand() override {
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
    fs::remove_all(folder_);
  }
  void set(const std::string& name, const std::string& value) {
    const char* before = std::getenv(name.c_str());
    before_[name] = before == nullptr ? "" : before;
    ::setenv(name.c_str(), value.c_str(), 1);
  }

  std::string write(const std::string& below, const std::string& text) const {
    fs::create_directories((folder_ / below).parent_path());
    std::ofstream(folder_ / below) << text;
    return folder_ / below;
  }
  Outcome run(const std::function<int()>& command) const {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.code = command();
    outcome.out = without_folder(::testing::internal::GetCapturedStdout());
    outcome.err = without_folder(::testing::internal::GetCapturedStderr());
    return outcome;
  }
  Outcome list(const PluginListArguments& arguments, const LoadPlugin& load = {}) const {
    return run([&] { return plugin_list(arguments, load); });
  }
  Outcome doc(const std::string& name, OutputForm form = OutputForm::text,
              const LoadPlugin& load = {}) const {
    return run(
        [&] { return plugin_doc({.name = name, .plugins = folders(), .form = form}, load); });
  }
  Outcome check(const std::string& file, OutputForm form = OutputForm::text,
                const LoadPlugin& load = {}) const {
    return run([&] { return plugin_check({.file = folder_ / file, .form = form}, load); });
  }
  PluginArguments folders() const {
    return {.source_folders = {folder_ / "sources"}, .plugin_folders = {folder_ / "plugins"}};
  }
  std::string without_folder(std::string text) const {
    const auto prefix = folder_.string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }

  fs::path folder_;
  std::map<std::string, std::string> before_;
};

// Loads plugins called good, with a source and an action, and no others.
Result<LoadedPlugin> load_good(const PluginFile& plugin) {
  if (plugin.name != "good")
    return fail(Errc::invalid_settings, "ValueError: no\n{}:3 <module>", plugin.file.string());
  LoadedPlugin loaded{.name = plugin.name, .summary = "Does good.", .file = plugin.file};
  loaded.sources.push_back({.name = "good_source",
                            .summary = "Brings good.",
                            .schema = {{Setting("amount", SettingType::integer, "how much")}, {}},
                            .create = {},
                            .provider = plugin.file.string()});
  loaded.actions.push_back({.name = "praise", .create = {}, .provider = plugin.file.string()});
  return loaded;
}

TEST_F(PluginCommand, ListShowsWhereThingsAreFrom) {
  write("sources/my_hook.py", kDocumented);
  write("plugins/weather.py", "'''Weather.'''\nimport millrace\nplugin = millrace.Plugin('w')\n");
  write("collections/ansible_collections/my/coll/plugins/event_filter/upper.py",
        "def main(event):\n    return event\n");
  const auto [code, out, err] = list({.plugins = folders()});
  EXPECT_EQ(code, 0);
  EXPECT_EQ(err, "");
  for (const auto* line :
       {"sources:\n", "  my_hook                Waits for hooks. (source directory sources)\n",
        "  range                  Counts from 0 up to a limit.\n", "filters:\n",
        "  my.coll.upper          (collection my.coll in "
        "collections/ansible_collections/my/coll)\n",
        "actions:\n", "plugins:\n", "  weather                Weather. (plugin folder plugins)\n"})
    EXPECT_TRUE(out.contains(line)) << line << out;
}

TEST_F(PluginCommand, ListShowsTheExtensionsOfPluginsThatLoadAndNamesThoseThatDoNot) {
  write("plugins/good.py", "import millrace\n");
  write("plugins/bad.py", "import millrace\n");
  const auto [code, out, err] = list({.plugins = folders()}, load_good);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(err, "millrace: plugins/bad.py: ValueError: no\nplugins/bad.py:3 <module>\n");
  EXPECT_TRUE(out.contains("  good_source            Brings good. (plugin plugins/good.py)\n"))
      << out;
  EXPECT_TRUE(out.contains("  praise                 (plugin plugins/good.py)\n")) << out;
  EXPECT_TRUE(out.ends_with("plugins:\n  bad                    (plugin folder plugins)\n")) << out;
}

TEST_F(PluginCommand, ListOfNamesLoadsNothing) {
  write("plugins/good.py", "import millrace\n");
  const auto [code, out, err] =
      list({.plugins = folders(), .names_only = true},
           [](const PluginFile&) -> Result<LoadedPlugin> { std::abort(); });
  EXPECT_TRUE(out.contains("range\n"));
  EXPECT_TRUE(out.ends_with("good\n"));
}

TEST_F(PluginCommand, ListAsJsonTellsFiles) {
  write("sources/my_hook.py", kDocumented);
  const auto all = parse_json(list({.plugins = folders(), .form = OutputForm::json}).out).value();
  std::string found;
  for (const auto& item : all.as_array()) {
    if (item.at("name") == "my_hook" || item.at("name") == "tick") found += to_json(item) + "\n";
  }
  EXPECT_EQ(found,
            "{\"kind\":\"source\",\"name\":\"my_hook\",\"aliases\":[],\"summary\":\"Waits for "
            "hooks.\",\"origin\":\"source directory sources\",\"file\":\"sources/my_hook.py\"}\n"
            "{\"kind\":\"source\",\"name\":\"tick\",\"aliases\":[],\"summary\":\"Counts from 1 for "
            "ever.\",\"origin\":\"built in\",\"file\":null}\n");
}

TEST_F(PluginCommand, AMissingFolderIsTold) {
  write("sources/my_hook.py", kDocumented);
  const auto outcome = list({.plugins = folders()});
  EXPECT_EQ(outcome.err, "millrace: plugins: there is no such folder\n");
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(PluginCommand, DocShowsWhatAFileSaysOfItself) {
  write("sources/my_hook.py", kDocumented);
  write("plugins/README", "");
  EXPECT_EQ(doc("my_hook").out,
            "my_hook (source): Waits for hooks.\n"
            "from: source directory sources\n"
            "file: sources/my_hook.py\n"
            "\nOne.\n"
            "\nTwo.\n"
            "\n  setting  type     default   meaning\n"
            "  port     integer  required  The port.\n"
            "  token    string   -         (secret)\n"
            "\nOther settings lead to a warning.\n"
            "\nNotes:\n  - Careful.\n"
            "\nExamples:\n  - my_hook:\n      port: 1\n");
  const auto json = parse_json(doc("my_hook", OutputForm::json).out).value();
  EXPECT_EQ(json.at(0).at("settings").at(0).at("name"), "port");
  EXPECT_EQ(json.at(0).at("examples"), "- my_hook:\n    port: 1\n");
}

TEST_F(PluginCommand, DocSaysWhereSettingsAreNotDocumented) {
  write("sources/old.py", "'''Old one.'''\nasync def main(queue, args):\n    pass\n");
  EXPECT_EQ(doc("old").out,
            "old (source): Old one.\nfrom: source directory sources\nfile: sources/old.py\n"
            "\nIts settings are not documented.\n");
  EXPECT_TRUE(parse_json(doc("old", OutputForm::json).out).value().at(0).at("settings").is_null());
}

TEST_F(PluginCommand, DocShowsWhatALoadedPluginProvides) {
  write("plugins/good.py", "import millrace\n");
  EXPECT_TRUE(doc("good_source", OutputForm::text, load_good).out.contains("amount   integer"));
  EXPECT_EQ(doc("good").out, "good (plugin)\nfrom: plugin folder plugins\nfile: plugins/good.py\n");
}

TEST_F(PluginCommand, DocOfWhatWasRemovedSaysSo) {
  write("plugins/README", "");
  write("collections/ansible_collections/my/coll/extensions/eda/eda_runtime.yml",
        "plugin_routing: {event_source: {old: {tombstone: {warning_text: Use new.}}}}\n");
  const auto outcome = doc("my.coll.old");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "millrace: The my.coll.old event_source has been removed. Use new.\n");
}

TEST_F(PluginCommand, DocOfAnUnknownNameNamesTheNearest) {
  write("plugins/README", "");
  write("sources/my_hook.py", kDocumented);
  const auto outcome = doc("my_hok");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err,
            "millrace: no source, filter or action is called `my_hok`; did you mean `my_hook`?\n");
}

// ---- check

TEST_F(PluginCommand, CheckIsContentWithGoodFiles) {
  write("my_hook.py", kDocumented);
  write("event_filter/f.py",
        "DOCUMENTATION = 'options: {a: {}}'\ndef main(event, a=1):\n    return event\n");
  write("p/__init__.py", "from .x import plugin\n");
  EXPECT_EQ(check("my_hook.py").out, "my_hook.py: ok, a source, 2 settings documented\n");
  EXPECT_EQ(check("event_filter/f.py").out,
            "event_filter/f.py: ok, a filter, 1 setting documented\n");
  for (const auto* name : {"p", "p/"})
    EXPECT_EQ(check(name).out, "p/__init__.py: ok, a Python plugin\n");
  EXPECT_EQ(check("my_hook.py").code, 0);
  EXPECT_EQ(check("my_hook.py").err, "");
}

TEST_F(PluginCommand, CheckTellsWhatIsWrong) {
  const std::map<std::string, std::string> files = {
      {"none.py", "x = 1\n"},
      {"sync.py", "def main(queue, args):\n    pass\n"},
      {"event_filter/async.py", "async def main(event):\n    return event\n"},
      {"latin.py", "x = 1\ny = '\xE4'\nasync def main(queue, args): pass\n"},
      {"notes.txt", ""},
      {"text.so", "no"},
  };
  const std::map<std::string, std::string> expected = {
      {"none.py",
       "none.py: error: Entrypoint missing. Source module none must have function "
       "'main'. [no-entry-point]"},
      {"sync.py",
       "sync.py:1:1: error: Entrypoint from sync is not a coroutine function. "
       "[not-a-coroutine]\n    1 | def main(queue, args):\n"},
      {"event_filter/async.py",
       "event_filter/async.py:1:1: error: the filter async is a coroutine "
       "function [coroutine-filter]"},
      {"latin.py", "latin.py:2:1: error: this line is no UTF-8 text"},
      {"notes.txt",
       "notes.txt: error: a plugin is a Python file (.py), a package or a shared "
       "object (.so) [no-plugin]"},
      {"text.so", "text.so: error: is not a shared object (ELF) [no-plugin]"},
      {"missing.py", "missing.py: error: cannot read missing.py: No such file"},
  };
  for (const auto& [name, text] : files) write(name, text);
  for (const auto& [name, message] : expected) {
    const auto outcome = check(name);
    EXPECT_EQ(outcome.code, 1) << name;
    EXPECT_EQ(outcome.out, "") << name;
    EXPECT_TRUE(outcome.err.contains(message)) << outcome.err;
  }
}

TEST_F(PluginCommand, CheckWarnsOfWhatItCannotSee) {
  write("imported.py", "from x import main\n");
  write("event_source/imported.py", "DOCUMENTATION = '['\nfrom x import main\n");
  write("plugin.py", "import millrace\n");
  write("latin.py", "# coding: latin-1\nasync def main(queue): # \xE4\n    pass\n");
  EXPECT_EQ(check("imported.py").code, 1);
  const auto imported = check("event_source/imported.py");
  EXPECT_EQ(imported.code, 0);
  EXPECT_TRUE(imported.err.contains("[unseen-entry-point]")) << imported.err;
  EXPECT_TRUE(imported.err.contains("[bad-documentation]")) << imported.err;
  EXPECT_EQ(imported.out, "event_source/imported.py: ok, a source, 2 warnings\n");
  EXPECT_TRUE(check("plugin.py").err.contains("[no-plugin]"));
  const auto latin = check("latin.py");
  EXPECT_TRUE(latin.err.contains("[wrong-parameters]")) << latin.err;
  EXPECT_TRUE(latin.err.contains("[not-documented]")) << latin.err;
}

TEST_F(PluginCommand, CheckLoadsAPluginWhereThatIsPossible) {
  write("good.py", "import millrace\nplugin = millrace.Plugin('good')\n");
  write("bad.py", "import millrace\nplugin = millrace.Plugin('bad')\n");
  EXPECT_EQ(check("good.py", OutputForm::text, load_good).out,
            "good.py: ok, a Python plugin, 2 extensions\n  source good_source\n  action praise\n");
  const auto bad = check("bad.py", OutputForm::text, load_good);
  EXPECT_EQ(bad.code, 1);
  EXPECT_EQ(bad.err, "bad.py: error: ValueError: no\nbad.py:3 <module> [load-failed]\n");
}

TEST_F(PluginCommand, CheckAnswersProgramsInJson) {
  write("my_hook.py", kDocumented);
  const auto good = parse_json(check("my_hook.py", OutputForm::json).out).value();
  EXPECT_EQ(good.at("ok"), true);
  EXPECT_EQ(good.at("form"), "source");
  EXPECT_EQ(good.at("settings").as_array().size(), 2u);
  write("none.py", "x = 1\n");
  const auto outcome = check("none.py", OutputForm::json);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "");
  const auto bad = parse_json(outcome.out).value();
  EXPECT_EQ(bad.at("ok"), false);
  EXPECT_TRUE(bad.at("form").is_null());
  EXPECT_EQ(bad.at("diagnostics").at(0).at("code"), "no-entry-point");
}

}  // namespace
}  // namespace millrace::cli
