// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/daemon/rulebooks.hpp"
#include "millrace/rules/playback.hpp"
#include "rule_set_choice.hpp"
#include "rule_test_case.hpp"
#include "rule_tests.hpp"

namespace millrace::cli {
namespace {

class FileReader {
 public:
  explicit FileReader(const std::string& file)
      : folder_(std::filesystem::path(file).parent_path()) {
    out_.file = file;
  }

  TestFile read() {
    auto text = read_file(out_.file);
    if (!text) {
      out_.diagnostics.error("unreadable-file", {.file = out_.file}, text.error().message());
      return std::move(out_);
    }
    if (const auto root = parse_yaml(*text, out_.file, out_.diagnostics)) read_root(*root);
    out_.texts.emplace(out_.file, std::move(*text));
    out_.diagnostics.sort();
    return std::move(out_);
  }

 private:
  void read_root(const YamlNode& root) {
    if (!root.is_mapping()) {
      return report_wrong_type(out_.diagnostics, root, "a test file", "a mapping",
                               "its keys are rulebook, vars, ruleset and cases");
    }
    Fields fields(root, "a test file", out_.diagnostics);
    rulebook_ = fields.get_text("rulebook", "name what is tested, from the folder of this file");
    if (rulebook_) check_that_it_exists(*rulebook_);
    if (const auto* node = fields.find("vars")) variables_ = read_variables(*node);
    rule_set_ = fields.find_text("ruleset");
    const auto* cases = fields.get_list("cases", "a case begins with - name: ...");
    fields.finish();
    if (cases == nullptr) return;
    if (cases->empty())
      out_.diagnostics.error("no-cases", root.find("cases")->where, "`cases` is empty");
    for (const auto& node : *cases) read_case(node);
  }

  void check_that_it_exists(const LocatedText& rulebook) {
    if (std::filesystem::exists(folder_ / rulebook.text)) return;
    out_.diagnostics.error("unreadable-rulebook", rulebook.where,
                           fmt::format("there is no rulebook {}", path_of(rulebook.text)),
                           "paths begin at the folder of this file");
    rulebook_.reset();
  }

  std::string path_of(const std::string& name) const { return (folder_ / name).string(); }

  void read_case(const YamlNode& node) {
    if (!node.is_mapping()) {
      return report_wrong_type(out_.diagnostics, node, "a case", "a mapping",
                               "begin it with - name: ...");
    }
    auto test = read_test_case(node, out_.diagnostics);
    if (!names_.insert(test.name.text).second && !test.name.text.empty()) {
      out_.diagnostics.error("duplicate-name", test.name.where,
                             fmt::format("two cases are called `{}`", test.name.text),
                             "names tell cases apart in reports");
    }
    test.rules = rules_with(node.find("vars"));
    if (test.rules != nullptr) check_expectations(test, out_.diagnostics);
    out_.cases.push_back(std::move(test));
  }

  Object read_variables(const YamlNode& node) {
    if (node.is_mapping()) return to_value(node).as_object();
    if (node.is_string()) {
      auto loaded = daemon::load_variables(path_of(node.text), {});
      if (loaded) return std::move(*loaded);
      out_.diagnostics.error("unreadable-variables", node.where, loaded.error().message(),
                             "paths begin at the folder of this file");
    } else if (!node.is_null()) {
      report_wrong_type(out_.diagnostics, node, "`vars`", "a mapping or the name of a file");
    }
    return {};
  }

  // The rule set read with the file's variables, below those of a case. nullptr if there is none.
  const rules::RuleSet* rules_with(const YamlNode* own) {
    if (own == nullptr) {
      if (!common_) common_ = load(variables_);
      return *common_;
    }
    auto variables = variables_;
    for (const auto& [name, value] : read_variables(*own)) variables[name] = value;
    return load(std::move(variables));
  }

  const rules::RuleSet* load(Object variables) {
    if (!rulebook_) return nullptr;
    auto kept = std::make_unique<LoadedRulebook>(LoadedRulebook{std::move(variables), {}});
    auto loaded = daemon::load_rulebooks({path_of(rulebook_->text)}, kept->variables);
    out_.texts.merge(loaded.texts);
    const rules::RuleSet* rules = nullptr;
    if (!loaded.rulebooks.empty() && !loaded.diagnostics.has_errors()) {
      kept->rulebook = std::move(loaded.rulebooks.front());
      out_.rulebooks.push_back(std::move(kept));
      rules = choose(out_.rulebooks.back()->rulebook, loaded.diagnostics);
    }
    if (rules == nullptr) add_new_errors(loaded.diagnostics);
    return rules;
  }

  // Also checks that it can be run.
  const rules::RuleSet* choose(const rules::Rulebook& rulebook, Diagnostics& found) const {
    if (!rule_set_ && rulebook.rule_sets.size() != 1) {
      std::vector<std::string> names;
      names.reserve(rulebook.rule_sets.size());
      for (const auto& rule_set : rulebook.rule_sets) names.push_back(rule_set.name);
      found.error("missing-key", rulebook_->where, "the rulebook has several rule sets",
                  fmt::format("add ruleset: with one of: {}", fmt::join(names, ", ")));
      return nullptr;
    }
    const auto chosen = choose_rule_set(rulebook, rule_set_ ? rule_set_->text : "");
    if (chosen) return rules::Playback::create(**chosen, found) ? *chosen : nullptr;
    found.error("unknown-rule-set", rule_set_->where, chosen.error().message());
    return nullptr;
  }

  // Warnings are for `check`; cases with variables of their own find the same errors again.
  void add_new_errors(const Diagnostics& found) {
    for (const auto& item : found.items()) {
      const auto& known = out_.diagnostics.items();
      if (item.severity != Severity::error || std::ranges::find(known, item) != known.end())
        continue;
      out_.diagnostics.error(item.code, item.where, item.message, item.hint);
    }
  }

  const std::filesystem::path folder_;
  std::optional<LocatedText> rulebook_;
  std::optional<LocatedText> rule_set_;
  Object variables_;
  std::optional<const rules::RuleSet*> common_;  // with the file's variables alone
  std::set<std::string> names_;
  TestFile out_;
};

}  // namespace

TestFile read_test_file(const std::string& file) { return FileReader(file).read(); }

}  // namespace millrace::cli
