// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/plugin.hpp"
#include "test_world.hpp"

namespace millrace {
namespace {

constexpr auto* kSource = "async def main(queue, args):\n    pass\n";
constexpr auto* kFilter = "def main(event, **kwargs):\n    return event\n";

class Finder : public ::testing::Test {
 protected:
  Finder() {
    for (const auto* name : {"range", "webhook", "tick", "file_watch"}) add_source(name, "");
    for (const auto* name : {"dashes_to_underscores", "noop"})
      registry_.filters.add({.name = name, .create = {}});
  }
  void add_source(const std::string& name, const std::string& provider) {
    SourceDescriptor descriptor{.name = name, .create = {}, .provider = provider};
    if (provider.empty()) {
      registry_.sources.add(std::move(descriptor));
    } else {
      ASSERT_TRUE(registry_.sources.add_foreign(std::move(descriptor)));
    }
  }

  PluginLookup lookup(PluginKind kind, const std::string& name) {
    PluginFinder finder(paths_, world_.environment(), registry_);
    return kind == PluginKind::source ? finder.find_source(name) : finder.find_filter(name);
  }
  // "name: where" or the error; notices of warnings before it.
  std::string found(PluginKind kind, const std::string& name) {
    const auto [found, notices, hint] = lookup(kind, name);
    std::string out;
    for (const auto& notice : notices) {
      if (notice.level == LogLevel::warning) out += notice.text + "\n";
    }
    if (!found)
      return world_.without_root(out + found.error().message() + (hint.empty() ? "" : " " + hint));
    const auto where = found->file.empty() ? found->registered : found->file.string();
    return world_.without_root(out + found->name + " = " + where + " (" + found->origin + ")");
  }
  std::string source(const std::string& name) { return found(PluginKind::source, name); }
  std::string filter(const std::string& name) { return found(PluginKind::filter, name); }

  testing::World world_;
  PluginPaths paths_;
  Registry registry_;
};

TEST_F(Finder, ABuiltInSourceAnswersToItsNames) {
  EXPECT_EQ(source("range"), "range = range (built in)");
  EXPECT_EQ(source("eda.builtin.range"), "eda.builtin.range = range (built in)");
  EXPECT_EQ(source("ansible.eda.webhook"), "ansible.eda.webhook = webhook (built in)");
}

TEST_F(Finder, AFormerNameLeadsToTheBuiltInOne) {
  EXPECT_EQ(source("ansible.eda.range"), "eda.builtin.range = range (built in)");
  EXPECT_EQ(filter("ansible.eda.noop"), "eda.builtin.noop = noop (built in)");
  const auto notices = lookup(PluginKind::source, "ansible.eda.range").notices;
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0],
            (Notice{LogLevel::info,
                    "redirecting (type: event_source) ansible.eda.range to eda.builtin.range"}));
}

TEST_F(Finder, DashesToUnderscoresIsFoundWhereTheOriginalDoesNot) {
  EXPECT_EQ(filter("ansible.eda.dashes_to_underscores"),
            "eda.builtin.dashes_to_underscores = dashes_to_underscores (built in)");
}

TEST_F(Finder, ASourceIsBuiltInUnderTheNameOfItsSuccessor) {
  EXPECT_EQ(source("community.eda.file_watch"), "community.eda.file_watch = file_watch (built in)");
  EXPECT_EQ(source("ansible.eda.watchdog"), "ansible.eda.watchdog = file_watch (built in)");
  EXPECT_TRUE(source("other.eda.file_watch").starts_with("Could not find source plugin"));
}

TEST_F(Finder, ASourceDirectoryComesFirstAndKeepsDots) {
  paths_.source_folders = {"first", world_.path("second")};
  world_.write("second/range.py", kSource);
  world_.write("second/my.coll.thing.py", kSource);
  world_.in_collection("my/coll/plugins/event_source/thing.py", kSource);

  EXPECT_EQ(source("range"), "range = second/range.py (source directory second)");
  EXPECT_EQ(source("my.coll.thing"),
            "my.coll.thing = second/my.coll.thing.py (source directory second)");
  world_.write("work/first/range.py", kSource);
  EXPECT_EQ(source("range"), "range = work/first/range.py (source directory first)");
}

TEST_F(Finder, ARedirectedNameIsLookedForInTheSourceDirectory) {
  paths_.source_folders = {world_.path("sources")};
  world_.write("sources/ansible.eda.range.py", kSource);
  EXPECT_EQ(source("ansible.eda.range"), "eda.builtin.range = range (built in)");
  world_.write("sources/eda.builtin.range.py", kSource);
  EXPECT_EQ(source("ansible.eda.range"),
            "eda.builtin.range = sources/eda.builtin.range.py (source directory sources)");
}

TEST_F(Finder, ABuiltInSourceComesBeforePluginFolders) {
  paths_.plugin_folders = {world_.path("plugins")};
  world_.write("plugins/range.py", kSource);
  world_.write("plugins/deep/er/weather.py", kSource);
  EXPECT_EQ(source("range"), "range = range (built in)");
  EXPECT_EQ(source("weather"), "weather = plugins/deep/er/weather.py (plugin folder plugins)");
}

TEST_F(Finder, PluginFoldersComeBeforeCollections) {
  world_.in_collection("my/coll/plugins/event_source/thing.py", kSource);
  EXPECT_EQ(source("my.coll.thing"),
            "my.coll.thing = home/.ansible/collections/ansible_collections/my/coll/plugins/"
            "event_source/thing.py (collection my.coll in "
            "home/.ansible/collections/ansible_collections/my/coll)");
  world_.write("home/.local/share/millrace/plugins/my.coll.thing.py", kSource);
  EXPECT_EQ(source("my.coll.thing"),
            "my.coll.thing = home/.local/share/millrace/plugins/my.coll.thing.py (plugin folder "
            "home/.local/share/millrace/plugins)");
}

TEST_F(Finder, TheBuiltInOneAnswersBeforeACollectionThatIsInstalled) {
  world_.in_collection("ansible/eda/extensions/eda/plugins/event_source/webhook.py", kSource);
  world_.in_collection("ansible/eda/extensions/eda/plugins/event_source/other.py", kSource);
  EXPECT_EQ(source("ansible.eda.webhook"), "ansible.eda.webhook = webhook (built in)");
  EXPECT_FALSE(lookup(PluginKind::source, "ansible.eda.other").found->file.empty());
}

TEST_F(Finder, FoldersOfACollectionAreSearchedInOrder) {
  const std::string folder = "home/.ansible/collections/ansible_collections/my/coll/";
  const auto where = [&] {
    return world_.without_root(
        lookup(PluginKind::source, "my.coll.thing").found.value_or(FoundPlugin()).file.string());
  };
  for (const std::string below : {"plugins/event_source", "extensions/eda/plugins/event_sources",
                                  "extensions/eda/plugins/event_source"}) {
    world_.write(folder + below + "/thing.py", kSource);
    EXPECT_EQ(where(), folder + below + "/thing.py");
  }
}

TEST_F(Finder, AFilterIsLookedForInItsDirectoryThenInTheWorkingFolder) {
  paths_.filter_folders = {world_.path("filters")};
  world_.in_collection("ansible/eda/plugins/event_filter/upper.py", kFilter);
  EXPECT_TRUE(filter("ansible.eda.upper").contains("(collection ansible.eda in"));
  world_.write("home/.local/share/millrace/plugins/ansible.eda.upper.py", kFilter);
  EXPECT_TRUE(filter("ansible.eda.upper").contains("(plugin folder"));
  world_.write("work/event_filter/ansible.eda.upper.py", kFilter);
  EXPECT_EQ(filter("ansible.eda.upper"),
            "ansible.eda.upper = work/event_filter/ansible.eda.upper.py (filter directory "
            "event_filter)");
  world_.write("filters/ansible.eda.upper.py", kFilter);
  EXPECT_EQ(filter("ansible.eda.upper"),
            "ansible.eda.upper = filters/ansible.eda.upper.py (filter directory filters)");
}

TEST_F(Finder, ABuiltInFilterComesLast) {
  EXPECT_EQ(filter("noop"), "noop = noop (built in)");
  world_.write("home/.local/share/millrace/plugins/noop.py", kFilter);
  EXPECT_TRUE(filter("noop").contains("(plugin folder"));
}

TEST_F(Finder, WhatAPluginHasRegisteredIsFoundUnderItsFile) {
  add_source("weather", "/plugins/weather.so");
  EXPECT_EQ(source("weather"), "weather = weather (plugin /plugins/weather.so)");
}

TEST_F(Finder, WhatAPluginHasRegisteredAnswersBeforeTheCollection) {
  add_source("ansible.eda.webhook", "/plugins/hooks.so");
  world_.in_collection("ansible/eda/extensions/eda/plugins/event_source/webhook.py", kSource);
  EXPECT_EQ(source("ansible.eda.webhook"),
            "ansible.eda.webhook = ansible.eda.webhook (plugin /plugins/hooks.so)");
}

TEST_F(Finder, NothingFoundTellsWhereItWasLookedFor) {
  paths_.source_folders = {world_.path("sources")};
  world_.write("opt/lib/millrace/plugins/readme.txt");
  EXPECT_EQ(source("rnage"),
            "Could not find source plugin for rnage. Please ensure that the appropriate Ansible "
            "collection is installed. If you're running from the CLI, you can use the -S option "
            "to specify additional source directories. Searched: sources/rnage.py, the built-in "
            "sources, opt/lib/millrace/plugins. Did you mean `range`?");
  EXPECT_EQ(filter("my.coll.upper"),
            "Could not find source filter plugin my.coll.upper. Searched: "
            "work/event_filter/my.coll.upper.py, the built-in filters, opt/lib/millrace/plugins, "
            "collection my.coll, which is not installed.");
  EXPECT_EQ(lookup(PluginKind::source, "rnage").found.error().code(), Errc::not_found);
}

TEST_F(Finder, ANameCannotLeaveItsFolder) {
  paths_.source_folders = {world_.path("sources")};
  world_.write("sources/inner/x.py", kSource);
  world_.write("outside.py", kSource);
  EXPECT_FALSE(lookup(PluginKind::source, "../outside").found);
  EXPECT_FALSE(lookup(PluginKind::source, "inner/x").found);
  world_.in_collection("my/coll/plugins/event_source/x.py", kSource);
  EXPECT_FALSE(lookup(PluginKind::source, "my.coll.../../x").found);
  EXPECT_FALSE(lookup(PluginKind::source, "").found);
}

// ---- eda_runtime.yml

class Routing : public Finder {
 protected:
  void route(const std::string& collection, const std::string& text) {
    world_.in_collection(collection + "/extensions/eda/eda_runtime.yml", text);
  }
  // Entries of sources and of filters alike.
  void route_plugin(const std::string& entry) {
    route("my/coll", "plugin_routing:\n  event_source:\n    old:\n" + entry +
                         "  event_filter:\n    old:\n" + entry);
  }
  Routing() {
    world_.in_collection("my/coll/plugins/event_source/old.py", kSource);
    world_.in_collection("my/coll/plugins/event_source/new.py", kSource);
    world_.in_collection("my/coll/plugins/event_filter/old.py", kFilter);
  }
  std::string warning(PluginKind kind) {
    const auto text = found(kind, "my.coll.old");
    return text.substr(0, text.find('\n'));
  }
  static constexpr auto* kMetadata =
      "error parsing eda collection metadata "
      "`home/.ansible/collections/ansible_collections/my/coll/extensions/eda/eda_runtime.yml`: ";
  static constexpr auto* kFile =
      "home/.ansible/collections/ansible_collections/my/coll/extensions/eda/eda_runtime.yml";
};

TEST_F(Routing, ADeprecationIsAWarning) {
  route_plugin(
      "      deprecation:\n        removal_version: 3.0.0\n"
      "        warning_text: Use my.coll.new.\n");
  EXPECT_EQ(warning(PluginKind::source),
            "my.coll.old has been deprecated. Use my.coll.new. This feature will be removed from "
            "event source 'old' in collection 'my.coll' version 3.0.0.");
  EXPECT_EQ(warning(PluginKind::filter),
            "my.coll.old has been deprecated. Use my.coll.new. This feature will be removed from "
            "event filter 'old' in collection 'my.coll' version 3.0.0.");
  EXPECT_EQ(lookup(PluginKind::source, "my.coll.old").found->name, "my.coll.old");
}

TEST_F(Routing, ADateOfRemovalIsToldRatherThanAVersion) {
  route_plugin(
      "      deprecation:\n        removal_version: 3.0.0\n        removal_date: 2027-01-31\n");
  EXPECT_EQ(warning(PluginKind::source),
            "my.coll.old has been deprecated. This feature will be removed from event source 'old' "
            "in collection 'my.coll' in a release after 2027-01-31.");
}

TEST_F(Routing, ADeprecationWithoutATimeIsForSomeRelease) {
  route_plugin("      deprecation:\n        warning_text: Go.\n");
  EXPECT_EQ(warning(PluginKind::source),
            "my.coll.old has been deprecated. Go. This feature will be removed from event source "
            "'old' in collection 'my.coll' in a future release.");
}

TEST_F(Routing, AnEmptyDeprecationSaysNothing) {
  route_plugin("      deprecation: {}\n");
  EXPECT_TRUE(source("my.coll.old").starts_with("my.coll.old = "));
  route_plugin("      deprecation: {note: x}\n");
  EXPECT_TRUE(source("my.coll.old").starts_with("my.coll.old = "));
}

TEST_F(Routing, ATombstoneIsNotFoundEvenIfTheFileIsThere) {
  route_plugin(
      "      deprecation:\n        removal_version: 3.0.0\n"
      "      tombstone:\n        warning_text: Use my.coll.new.\n"
      "      redirect: my.coll.new\n");
  EXPECT_EQ(source("my.coll.old"),
            "my.coll.old has been deprecated. This feature will be removed from event source 'old' "
            "in collection 'my.coll' version 3.0.0.\n"
            "The my.coll.old event_source has been removed. Use my.coll.new.");
  const auto lookup_of_filter = lookup(PluginKind::filter, "my.coll.old");
  EXPECT_EQ(
      lookup_of_filter.found.error(),
      Error(Errc::not_found, "The my.coll.old event_filter has been removed. Use my.coll.new."));
}

TEST_F(Routing, ARedirectionIsFollowedAndTold) {
  route_plugin("      redirect: my.coll.new\n");
  const auto [found, notices, hint] = lookup(PluginKind::source, "my.coll.old");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "my.coll.new");
  EXPECT_TRUE(found->file.string().ends_with("event_source/new.py"));
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].level, LogLevel::info);
}

TEST_F(Routing, RedirectionsLeadThroughSeveralCollections) {
  route_plugin("      redirect: your.coll.newer\n      deprecation: {warning_text: One.}\n");
  route("your/coll",
        "plugin_routing: {event_source: {newer: {redirect: eda.builtin.range, deprecation: "
        "{warning_text: Two.}}}}\n");
  EXPECT_EQ(source("my.coll.old"),
            "my.coll.old has been deprecated. One. This feature will be removed from event source "
            "'old' in collection 'my.coll' in a future release.\n"
            "your.coll.newer has been deprecated. Two. This feature will be removed from event "
            "source 'newer' in collection 'your.coll' in a future release.\n"
            "eda.builtin.range = range (built in)");
}

TEST_F(Routing, ALoopIsAnError) {
  route("my/coll",
        "plugin_routing: {event_source: {old: {redirect: my.coll.new}, new: {redirect: "
        "my.coll.old}}}\n");
  const auto error = lookup(PluginKind::source, "my.coll.old").found.error();
  EXPECT_EQ(error.code(), Errc::invalid_settings);
  EXPECT_EQ(error.message(),
            "plugin redirect loop resolving my.coll.old (path: ['my.coll.old', 'my.coll.new', "
            "'my.coll.old'])");
}

TEST_F(Routing, TenRedirectionsAreFollowedElevenAreNot) {
  std::string entries;
  for (int i = 0; i < 11; ++i)
    entries +=
        "    s" + std::to_string(i) + ": {redirect: my.coll.s" + std::to_string(i + 1) + "}\n";
  route("my/coll", "plugin_routing:\n  event_source:\n" + entries);
  world_.in_collection("my/coll/plugins/event_source/s11.py", kSource);
  EXPECT_EQ(source("my.coll.s0"), "Exceeded max allowed (10) redirections");
  EXPECT_TRUE(source("my.coll.s1").starts_with("my.coll.s11 = "));
}

TEST_F(Routing, AFileWithoutTheNameSaysNothing) {
  for (const auto* text : {"{}\n", "plugin_routing: {}\n", "plugin_routing: {event_source: {}}\n",
                           "plugin_routing: {event_filter: 1}\n"}) {
    route("my/coll", text);
    EXPECT_TRUE(source("my.coll.old").starts_with("my.coll.old = ")) << text;
  }
}

TEST_F(Routing, WhatIsNoMappingIsAnErrorWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", std::string(kMetadata) + "Expected dict, got NoneType"},
      {"[1]\n", std::string(kMetadata) + "Expected dict, got list"},
      {"a: 1\n", std::string(kFile) + ":1:1: expected plugin_routing as dict, got nothing"},
      {"plugin_routing: 3\n",
       std::string(kFile) + ":1:17: expected plugin_routing as dict, got int"},
      {"plugin_routing: {event_source: x}\n",
       std::string(kFile) + ":1:32: expected event_source as dict, got str"},
      {"plugin_routing: {event_source: {old: }}\n",
       std::string(kFile) + ":1:36: expected old as dict, got NoneType"},
      {"plugin_routing: {event_source: {old: {tombstone: true}}}\n",
       std::string(kFile) + ":1:50: expected tombstone as dict, got bool"},
      {"plugin_routing: {event_source: {old: {redirect: [x]}}}\n",
       std::string(kFile) + ":1:49: redirect must be the name of a plugin, not list"},
  };
  for (const auto& [text, expected] : cases) {
    route("my/coll", text);
    EXPECT_EQ(source("my.coll.old"), expected);
    EXPECT_EQ(lookup(PluginKind::source, "my.coll.old").found.error().code(),
              Errc::invalid_settings);
  }
}

TEST_F(Routing, AFileThatIsNoYamlIsAnErrorWithItsPlace) {
  route("my/coll", "a: [\n");
  EXPECT_TRUE(source("my.coll.old").starts_with(kMetadata)) << source("my.coll.old");
}

TEST_F(Routing, ABareNameIsNotRouted) {
  paths_.source_folders = {world_.path("sources")};
  world_.write("sources/old.py", kSource);
  route_plugin("      tombstone: {warning_text: Gone.}\n");
  EXPECT_EQ(source("old"), "old = sources/old.py (source directory sources)");
}

// ---- collections

class CollectionPaths : public Finder {
 protected:
  std::vector<std::string> paths() {
    const PluginFinder finder(paths_, world_.environment(), registry_);
    std::vector<std::string> out;
    for (const auto& path : finder.collection_paths()) {
      auto text = world_.without_root(path.string());
      if (text.contains("dist-packages") || text.contains("site-packages")) break;
      out.push_back(std::move(text));
    }
    return out;
  }
  using Paths = std::vector<std::string>;
};

TEST_F(CollectionPaths, AreTheUsualOnesUnlessSomethingIsSaid) {
  EXPECT_EQ(paths(), (Paths{"home/.ansible/collections", "usr/share/ansible/collections"}));
}

TEST_F(CollectionPaths, ComeFromTheEnvironment) {
  world_.variables = {{"ANSIBLE_COLLECTIONS_PATH",
                       world_.path("a").string() + ": ~/b/ansible_collections::c/:$WHERE/d"},
                      {"ANSIBLE_COLLECTIONS_PATHS", "/never"},
                      {"WHERE", world_.path("there").string()}};
  world_.write("work/ansible.cfg", "[defaults]\ncollections_path = /never\n");
  EXPECT_EQ(paths(), (Paths{"a", "home/b", "work/c", "there/d"}));
  world_.variables.erase("ANSIBLE_COLLECTIONS_PATH");
  EXPECT_EQ(paths(), (Paths{"/never"}));
}

TEST_F(CollectionPaths, ComeFromTheFirstConfigurationFile) {
  world_.write("etc/ansible/ansible.cfg", "[defaults]\ncollections_paths = x:y\n");
  EXPECT_EQ(paths(), (Paths{"etc/ansible/x", "etc/ansible/y"}));
  world_.write("home/.ansible.cfg", "[defaults]\ncollections_path: x ; not y\n");
  EXPECT_EQ(paths(), (Paths{"home/x"}));
  world_.write("work/ansible.cfg",
               "# collections_path = 1\n[galaxy]\ncollections_path = 2\n[defaults]\n"
               "Collections_Path = ./x:\n  {{CWD}}/z\nother = 3\n");
  EXPECT_EQ(paths(), (Paths{"work/x", "work/z"}));
  world_.variables["ANSIBLE_CONFIG"] = world_
                                           .write("named/ansible.cfg",
                                                  "[defaults]\n"
                                                  "collections_path=n\n")
                                           .parent_path();
  EXPECT_EQ(paths(), (Paths{"named/n"}));
  world_.variables["ANSIBLE_CONFIG"] = "missing.cfg";
  EXPECT_EQ(paths(), (Paths{"work/x", "work/z"}));
}

TEST_F(CollectionPaths, AreNotTakenFromAFolderThatAnybodyMayWriteInto) {
  world_.write("work/ansible.cfg", "[defaults]\ncollections_path = x\n");
  std::filesystem::permissions(world_.path("work"), std::filesystem::perms::all);
  EXPECT_EQ(paths(), (Paths{"home/.ansible/collections", "usr/share/ansible/collections"}));
  EXPECT_EQ(source("range"),
            "work/ansible.cfg: not read, since anybody may write into this folder\n"
            "range = range (built in)");
}

TEST_F(CollectionPaths, ThePackagesOfPythonHoldCollections) {
  world_.write(
      "usr/lib/python3/dist-packages/ansible_collections/my/coll/plugins/event_source/x.py",
      kSource);
  world_.variables["VIRTUAL_ENV"] = world_.path("venv");
  world_.write(
      "venv/lib/python3.12/site-packages/ansible_collections/your/coll/plugins/"
      "event_source/x.py",
      kSource);
  EXPECT_TRUE(lookup(PluginKind::source, "my.coll.x").found);
  EXPECT_TRUE(lookup(PluginKind::source, "your.coll.x").found);
}

TEST_F(CollectionPaths, OfACollectionInTwoPlacesTheFirstIsUsed) {
  world_.write(
      "usr/share/ansible/collections/ansible_collections/my/coll/plugins/event_source/x.py",
      kSource);
  EXPECT_TRUE(source("my.coll.x").contains("usr/share"));
  world_.in_collection("my/coll/README.md");
  EXPECT_TRUE(source("my.coll.x").starts_with("Could not find source plugin for my.coll.x."));
}

// ---- rulebooks

TEST_F(Finder, APlaybookOfACollectionIsFoundByItsName) {
  const auto found = [&](std::string_view name) {
    const auto file = find_playbook(name, world_.environment());
    return world_.without_root(file ? file->string() : file.error().message());
  };
  world_.in_collection("my/coll/playbooks/one.yml");
  world_.in_collection("my/coll/one.yaml");
  world_.in_collection("my/coll/two.yaml");
  const std::string base = "home/.ansible/collections/ansible_collections/my/coll/";

  EXPECT_EQ(found("my.coll.one"), base + "playbooks/one.yml");
  EXPECT_EQ(found("my.coll.two"), base + "two.yaml");
  EXPECT_EQ(found("my.coll.missing"), "there is no playbook my.coll.missing");
  EXPECT_EQ(found("site.yml"), "site.yml names no playbook of a collection");
}

TEST_F(Finder, ARulebookIsAFileOrOneOfACollection) {
  PluginFinder finder(paths_, world_.environment(), registry_);
  const auto found = [&](std::string_view name) {
    const auto file = finder.find_rulebook(name);
    return world_.without_root(file ? file->string() : file.error().message());
  };
  world_.write("work/rules.yml");
  world_.in_collection("my/coll/rulebooks/hello.yml");
  world_.in_collection("my/coll/rulebooks/both.yml");
  world_.in_collection("my/coll/extensions/eda/rulebooks/both.yml");
  const std::string base = "home/.ansible/collections/ansible_collections/my/coll/";

  EXPECT_EQ(found("rules.yml"), "rules.yml");
  EXPECT_EQ(found("my.coll.hello"), base + "rulebooks/hello.yml");
  EXPECT_EQ(found("my.coll.both"), base + "extensions/eda/rulebooks/both.yml");
  EXPECT_EQ(found("missing.yml"), "Could not find rulebook missing.yml");
  EXPECT_EQ(found("my.coll.missing"), "Could not find rulebook my.coll.missing");
  EXPECT_EQ(found("your.coll.hello"),
            "Could not find rulebook your.coll.hello: collection your.coll is not installed");
}

// ---- everything

TEST_F(Finder, ListsEverythingThatCanBeNamed) {
  paths_.source_folders = {world_.path("sources")};
  paths_.plugin_folders = {world_.path("plugins")};
  world_.write("sources/a.py", kSource);
  world_.write("plugins/a.py", kSource);
  world_.write("plugins/b.py", "import millrace\n");
  world_.write("work/event_filter/f.py", kFilter);
  world_.in_collection("my/coll/plugins/event_source/c.py", kSource);
  world_.in_collection("my/coll/plugins/event_source/__init__.py");
  world_.in_collection("my/coll/extensions/eda/plugins/event_source/c.py", kSource);
  world_.in_collection("my/coll/extensions/eda/plugins/event_filter/d.py", kFilter);
  PluginFinder finder(paths_, world_.environment(), registry_);

  std::string out;
  for (const auto& plugin : finder.all().plugins)
    out += plugin.name + " (" + std::string(to_string(plugin.form)) +
           "): " + world_.without_root(plugin.origin) + "\n";
  EXPECT_EQ(out,
            "a (source): source directory sources\n"
            "f (filter): filter directory event_filter\n"
            "b (Python plugin): plugin folder plugins\n"
            "my.coll.c (source): collection my.coll in "
            "home/.ansible/collections/ansible_collections/my/coll\n"
            "my.coll.d (filter): collection my.coll in "
            "home/.ansible/collections/ansible_collections/my/coll\n");
}

}  // namespace
}  // namespace millrace
