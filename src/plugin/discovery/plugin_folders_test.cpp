// SPDX-License-Identifier: Apache-2.0
#include <elf.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "test_world.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr auto* kPlugin = "import millrace\nplugin = millrace.Plugin('x')\n";
constexpr auto* kSource = "async def main(queue, args):\n    pass\n";
constexpr auto* kFilter = "def main(event):\n    return event\n";

class PluginFolders : public ::testing::Test {
 protected:
  PluginListing list() {
    PluginFinder finder(paths_, world_.environment(), registry_);
    return finder.plugins_of_folders();
  }
  std::vector<std::string> listed() {
    std::vector<std::string> out;
    for (const auto& plugin : list().plugins)
      out.push_back(plugin.name + ": " + std::string(to_string(plugin.form)) + " " +
                    world_.without_root(plugin.file.string()));
    return out;
  }
  std::vector<std::string> notices() {
    std::vector<std::string> out;
    for (const auto& notice : list().notices)
      out.push_back(std::string(to_string(notice.level)) + ": " + world_.without_root(notice.text));
    return out;
  }
  using Lines = std::vector<std::string>;

  testing::World world_;
  PluginPaths paths_{.plugin_folders = {world_.path("p")}};
  Registry registry_;
};

TEST_F(PluginFolders, AreLeftAloneWhereEverybodyMayWrite) {
  for (const auto* file : {"p/a.py", "p/b.py", "p/open/c.py"}) world_.write(file, kPlugin);
  fs::permissions(world_.path("p/b.py"), fs::perms::others_write, fs::perm_options::add);
  fs::permissions(world_.path("p/open"), fs::perms::others_write, fs::perm_options::add);

  EXPECT_EQ(listed(), (Lines{"a: Python plugin p/a.py"}));
  EXPECT_EQ(
      notices(),
      (Lines{
          "warning: p/b.py: everybody may change it: no plugin is loaded from it (see chmod o-w)",
          "warning: p/open: everybody may change it: no plugin is loaded from it (see chmod "
          "o-w)"}));
}

TEST_F(PluginFolders, AreSearchedInOrder) {
  const auto folders = [&] {
    const PluginFinder finder(paths_, world_.environment(), registry_);
    Lines out;
    for (const auto& folder : finder.plugin_folders())
      out.push_back(world_.without_root(folder.string()));
    return out;
  };
  paths_.plugin_folders = {"here", world_.path("p")};
  EXPECT_EQ(folders(), (Lines{"work/here", "p", "home/.local/share/millrace/plugins",
                              "opt/lib/millrace/plugins", "usr/local/lib/millrace/plugins",
                              "usr/lib/millrace/plugins"}));
  world_.variables["XDG_DATA_HOME"] = world_.path("data");
  EXPECT_EQ(folders()[2], "data/millrace/plugins");
  world_.variables["XDG_DATA_HOME"] = "relative";
  EXPECT_EQ(folders()[2], "home/.local/share/millrace/plugins");
}

TEST_F(PluginFolders, AreListedRecursivelyFilesBeforeFoldersSortedByName) {
  world_.write("p/b.so");
  world_.write("p/a/z.py", kPlugin);
  world_.write("p/a/deep/y.py", kPlugin);
  world_.write("p/c.py", kPlugin);
  world_.write("p/B.py", kPlugin);
  EXPECT_EQ(listed(),
            (Lines{"B: Python plugin p/B.py", "b: native plugin p/b.so", "c: Python plugin p/c.py",
                   "z: Python plugin p/a/z.py", "y: Python plugin p/a/deep/y.py"}));
  EXPECT_EQ(notices(), Lines());
}

TEST_F(PluginFolders, APackageIsOnePluginWithoutItsParts) {
  world_.write("p/weather/__init__.py", "from .plugin import plugin\n");
  world_.write("p/weather/plugin.py", kPlugin);
  world_.write("p/weather/event_source/inner.py", kSource);
  world_.write("p/library/__init__.py");
  world_.write("p/library/tool.py", kSource);
  world_.write("p/single.py", kPlugin);
  EXPECT_EQ(listed(), (Lines{"single: Python plugin p/single.py",
                             "weather: Python plugin p/weather/__init__.py"}));
}

TEST_F(PluginFolders, FoldersOfSourcesAndFiltersAreNoPackages) {
  world_.write("p/event_source/__init__.py");
  world_.write("p/event_source/s.py", kSource);
  world_.write("p/event_filters/odd.py", "from elsewhere import main\n");
  world_.write("p/event_filters/f.py", kFilter);
  EXPECT_EQ(listed(), (Lines{"f: filter p/event_filters/f.py", "odd: filter p/event_filters/odd.py",
                             "s: source p/event_source/s.py"}));
}

TEST_F(PluginFolders, WhatAFileIsComesFromItsText) {
  world_.write("p/source.py", kSource);
  world_.write("p/filter.py", kFilter);
  world_.write("p/forgotten_async.py", "def main(queue, args):\n    pass\n");
  world_.write("p/imported.py", "from elsewhere import main\n");
  world_.write("p/library.py", "x = 1\n");
  world_.write("p/program.py", "def main():\n    pass\n");
  world_.write("p/plugin.py",
               "from millrace.testing import x\nasync def main(queue, args): pass\n");
  world_.write("p/mentions.py", "'''\nimport millrace\n'''\n# import millrace\n");
  EXPECT_EQ(listed(),
            (Lines{"filter: filter p/filter.py", "forgotten_async: source p/forgotten_async.py",
                   "plugin: Python plugin p/plugin.py", "source: source p/source.py"}));
}

TEST_F(PluginFolders, HiddenFilesCachesAndTestsAreSkipped) {
  for (const auto* name : {".hidden.py", ".git/x.py", "__pycache__/x.py", "test_x.py", "x_test.py",
                           "notes.txt", "old.py~", "__init__.py"})
    world_.write(std::string("p/below/") + name, kPlugin);
  fs::remove(world_.path("p/below/__init__.py"));
  world_.write("p/below/testing.py", kPlugin);
  EXPECT_EQ(listed(), (Lines{"testing: Python plugin p/below/testing.py"}));
}

TEST_F(PluginFolders, OfOneNameTheFirstIsUsed) {
  paths_.plugin_folders.push_back(world_.path("q"));
  world_.write("p/x.py", kPlugin);
  world_.write("q/x.so");
  world_.write("q/below/x.py", kSource);
  EXPECT_EQ(listed(), (Lines{"x: Python plugin p/x.py", "x: source q/below/x.py"}));
  EXPECT_EQ(notices(), (Lines{"info: q/x.so: not used, since p/x.py is called x, too and comes "
                              "first"}));
}

TEST_F(PluginFolders, ANamedFolderThatIsMissingIsTold) {
  paths_.plugin_folders = {world_.path("missing"), world_.write("file")};
  EXPECT_EQ(notices(),
            (Lines{"warning: missing: there is no such folder", "warning: file: is not a folder"}));
}

TEST_F(PluginFolders, LinksAreFollowedAndLoopsEnd) {
  world_.write("p/x.py", kPlugin);
  world_.write("elsewhere/y.py", kPlugin);
  fs::create_directory_symlink(world_.path("p"), world_.path("p/again"));
  fs::create_directory_symlink(world_.path("elsewhere"), world_.path("p/linked"));
  fs::create_symlink(world_.path("nowhere"), world_.path("p/broken.py"));
  fs::create_symlink("circle.py", world_.path("p/circle.py"));
  fs::create_directory_symlink("ring", world_.path("p/ring"));
  EXPECT_EQ(listed(), (Lines{"x: Python plugin p/x.py", "y: Python plugin p/linked/y.py"}));
  EXPECT_EQ(notices(), Lines());
}

TEST_F(PluginFolders, WhatCannotBeReadIsToldAndTheRestIsListed) {
  if (::geteuid() == 0) GTEST_SKIP() << "everything can be read";
  world_.write("p/closed/x.py", kPlugin);
  world_.write("p/secret.py", kPlugin);
  world_.write("p/y.py", kPlugin);
  fs::permissions(world_.path("p/closed"), fs::perms::none);
  fs::permissions(world_.path("p/secret.py"), fs::perms::none);
  EXPECT_EQ(listed(), (Lines{"y: Python plugin p/y.py"}));
  EXPECT_EQ(notices().size(), 2u);
  fs::permissions(world_.path("p/closed"), fs::perms::all);
}

// A shared object that exports one name, and nothing else.
std::string shared_object(std::string_view exported, std::uint16_t type = ET_DYN) {
  Elf64_Ehdr header{};
  std::string own(sizeof header, '\0');
  std::ifstream("/proc/self/exe", std::ios::binary)
      .read(own.data(), static_cast<std::streamsize>(own.size()));
  std::memcpy(&header, own.data(), sizeof header);
  const auto names = std::string(1, '\0') + std::string(exported) + '\0';
  Elf64_Sym symbol{};
  symbol.st_name = 1;
  symbol.st_shndx = 1;
  std::array<Elf64_Shdr, 2> sections{};
  sections[0].sh_type = SHT_DYNSYM;
  sections[0].sh_link = 1;
  sections[0].sh_offset = sizeof header + sizeof sections;
  sections[0].sh_size = sizeof symbol;
  sections[1].sh_offset = sections[0].sh_offset + sizeof symbol;
  sections[1].sh_size = names.size();
  header.e_type = type;
  header.e_phnum = 0;
  header.e_shoff = sizeof header;
  header.e_shnum = sections.size();
  const auto bytes = [](const auto& part) {
    return std::string(reinterpret_cast<const char*>(&part), sizeof part);
  };
  return bytes(header) + bytes(sections) + bytes(symbol) + names;
}

TEST(SharedObject, IsToldFromOtherFiles) {
  const testing::World world;
  const auto fault = [&](const fs::path& file) {
    const auto result = check_shared_object(file);
    return result ? "" : world.without_root(result.error().message());
  };
  EXPECT_EQ(fault(world.write("a.so", "no")), "is not a shared object (ELF)");
  EXPECT_EQ(fault(world.write("b.so",
                              "\x7F"
                              "ELF" +
                                  std::string(100, '\0'))),
            "is made for another machine");
  EXPECT_EQ(fault(world.write("c.so", shared_object("millrace_plugin", ET_EXEC))),
            "is no shared object");
  EXPECT_EQ(fault(world.write("d.so", shared_object("millrace_plugins"))),
            "does not export `millrace_plugin`");
  EXPECT_EQ(fault(world.write("e.so", shared_object("millrace_plugin"))), "");
  EXPECT_EQ(check_shared_object(world.path("missing.so")).error().code(), Errc::not_found);
}

// What is mapped beyond a file's end kills whoever reads it.
TEST(SharedObject, WithSegmentsBeyondItsEndIsCutShort) {
  const testing::World world;
  auto bytes = shared_object("millrace_plugin");
  Elf64_Ehdr header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  header.e_phoff = bytes.size();
  header.e_phnum = 1;
  std::memcpy(bytes.data(), &header, sizeof header);
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_filesz = bytes.size() + sizeof segment;
  const auto fault = [&] {
    const std::string part(reinterpret_cast<const char*>(&segment), sizeof segment);
    const auto result = check_shared_object(world.write("a.so", bytes + part));
    return result ? "" : result.error().message();
  };
  EXPECT_EQ(fault(), "");
  ++segment.p_offset;
  EXPECT_EQ(fault(), "is cut short");
  segment.p_offset = ~std::uint64_t{0};
  EXPECT_EQ(fault(), "is cut short");
}

TEST(SharedObject, MayEndAnywhere) {
  const testing::World world;
  const auto whole = shared_object("millrace_plugin");
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(check_shared_object(world.write("cut.so", whole.substr(0, length))));
}

}  // namespace
}  // namespace millrace
