// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "millrace/plugin/discovery.hpp"

namespace millrace::testing {

/// A folder that is a whole world to a finder: a system, a home and a working folder in it.
class World {
 public:
  World() {
    auto name = ::testing::TempDir() + "millrace-plugins-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    root_ = std::filesystem::canonical(name);
    std::filesystem::create_directories(root_ / "work");
    std::filesystem::create_directories(root_ / "home");
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  std::filesystem::path path(const std::string& below) const { return root_ / below; }
  std::filesystem::path write(const std::string& below, const std::string& text = {}) const {
    const auto file = root_ / below;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file;
  }
  /// A file of a collection that is installed in the home.
  std::filesystem::path in_collection(const std::string& below,
                                      const std::string& text = {}) const {
    return write("home/.ansible/collections/ansible_collections/" + below, text);
  }

  PluginEnvironment environment() const {
    return {.variable = [this](const std::string& name) -> std::optional<std::string> {
              const auto found = variables.find(name);
              return found == variables.end() ? std::nullopt : std::optional(found->second);
            },
            .home = root_ / "home",
            .working_folder = root_ / "work",
            .program_folder = root_ / "opt/bin",
            .root = root_};
  }

  /// The text with the root's path left out.
  std::string without_root(std::string text) const {
    const auto root = root_.string() + "/";
    for (auto at = text.find(root); at != std::string::npos; at = text.find(root))
      text.erase(at, root.size());
    return text;
  }

  std::map<std::string, std::string> variables;

 private:
  std::filesystem::path root_;
};

}  // namespace millrace::testing
