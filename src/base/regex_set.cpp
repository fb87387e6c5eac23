// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/regex_set.hpp"

#include <hs.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "regex_superset.hpp"

namespace millrace {
namespace {

struct Free {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
  void operator()(hs_compile_error_t* error) const { hs_free_compile_error(error); }
  void operator()(hs_expr_info_t* info) const { std::free(info); }
};
using Database = std::unique_ptr<hs_database_t, Free>;
using Scratch = std::unique_ptr<hs_scratch_t, Free>;

/// Vectorscan has the same interface, library name and soname, and higher version numbers; its
/// releases 5.4.9 to 5.4.12 miss matches on x86 (docs/dependencies.md).
bool is_hyperscan() {
  const std::string_view text = hs_version();
  std::array<unsigned, 3> version{};
  const char* at = text.data();
  for (unsigned& part : version) {
    at = std::from_chars(at, text.data() + text.size(), part).ptr;
    if (at != text.data() + text.size()) ++at;
  }
  return version <= std::array{5u, 4u, 2u};
}

bool is_usable() { return is_hyperscan() && hs_valid_platform() == HS_SUCCESS; }

struct Expression {
  std::uint32_t index;
  RegexSuperset superset;

  unsigned flags() const {
    unsigned flags = HS_FLAG_PREFILTER | HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY | HS_FLAG_UTF8;
    if (superset.ignore_case) flags |= HS_FLAG_CASELESS;
    if (superset.multiline) flags |= HS_FLAG_MULTILINE;
    return flags;
  }

  /// Hyperscan can read it, and it needs at least one byte to match.
  bool is_filterable() const {
    hs_expr_info_t* found = nullptr;
    hs_compile_error_t* failed = nullptr;
    const auto result = hs_expression_info(superset.expression().c_str(), flags(), &found, &failed);
    const std::unique_ptr<hs_expr_info_t, Free> info(found);
    const std::unique_ptr<hs_compile_error_t, Free> error(failed);
    return result == HS_SUCCESS && info && info->min_width > 0;
  }
};

/// Hyperscan looks for one literal of each expression and tries the rest where it is found. It may
/// choose one that many expressions share (`at host-` of a thousand `error code 123[0-9] at
/// host-`), and then tries a thousand of them where a text has it. So what is common at the end of
/// a literal is broken up, in expressions that also have something of their own to be found by.
class SharedLiterals {
 public:
  static void break_up(std::vector<Expression>& expressions) {
    SharedLiterals shared;
    for (const Expression& expression : expressions) {
      std::unordered_set<std::string> own;
      for (std::size_t end = 0; end < expression.superset.elements.size(); ++end)
        if (auto gram = gram_at(expression, end); !gram.empty()) own.insert(std::move(gram));
      for (const std::string& gram : own) ++shared.users_[gram];
    }
    for (Expression& expression : expressions) shared.break_up(expression);
  }

 private:
  static constexpr std::size_t kGram = 4;  // characters; shorter literals are not preferred
  static constexpr unsigned kMany = 32;    // expressions

  /// The kGram characters that end with this element; empty: not all are characters.
  static std::string gram_at(const Expression& expression, std::size_t end) {
    if (end + 1 < kGram) return {};
    std::string gram;
    for (std::size_t i = end + 1 - kGram; i <= end; ++i) {
      const char letter = expression.superset.elements[i].letter;
      if (letter == '\0') return {};
      gram += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
    }
    return gram;
  }

  void break_up(Expression& expression) const {
    auto& elements = expression.superset.elements;
    std::vector<bool> common(elements.size());
    std::vector<std::size_t> common_ends;  // of literals
    bool has_own = false;
    for (std::size_t end = 0; end < elements.size(); ++end) {
      const auto found = users_.find(gram_at(expression, end));
      if (found == users_.end()) continue;
      common[end] = found->second > kMany;
      if (!common[end]) has_own = true;
      const bool is_end = end + 1 == elements.size() || elements[end + 1].letter == '\0';
      if (is_end && common[end]) common_ends.push_back(end);
    }
    if (!has_own) return;
    for (const std::size_t end : common_ends)
      for (std::size_t i = end; common[i]; i -= std::min(i, kGram))
        elements[i - 1] = {std::string(kAnyCharacter)};
  }

  std::unordered_map<std::string, unsigned> users_;
};

Database compiled(std::span<const Expression> expressions) {
  std::vector<std::string> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> indices;
  for (const Expression& expression : expressions) {
    texts.push_back(expression.superset.expression());
    flags.push_back(expression.flags());
    indices.push_back(expression.index);
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* failed = nullptr;
  std::vector<const char*> pointers;
  pointers.reserve(texts.size());
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  const auto result = hs_compile_multi(pointers.data(), flags.data(), indices.data(),
                                       static_cast<unsigned>(texts.size()), HS_MODE_BLOCK, nullptr,
                                       &database, &failed);
  const std::unique_ptr<hs_compile_error_t, Free> error(failed);
  return Database(result == HS_SUCCESS ? database : nullptr);
}

}  // namespace

struct RegexSet::Compiled {
  Database database;  // null when nothing is filtered
  Scratch scratch;
  std::size_t size = 0;
  std::vector<std::uint32_t> unfiltered;

  void build(std::vector<Expression> expressions);
  void name_all(std::vector<std::uint32_t>& may_match) const {
    may_match.resize(size);
    std::iota(may_match.begin(), may_match.end(), 0u);
  }
};

/// Everything together; if that fails, everything that can be compiled alone; else nothing.
void RegexSet::Compiled::build(std::vector<Expression> expressions) {
  if (expressions.empty()) return;
  database = compiled(expressions);
  if (!database) {
    std::erase_if(expressions, [](const Expression& e) { return !compiled({&e, 1}); });
    if (expressions.empty()) return;
    database = compiled(expressions);
  }
  if (!database) return;
  hs_scratch_t* allocated = nullptr;
  if (hs_alloc_scratch(database.get(), &allocated) != HS_SUCCESS) return database.reset();
  scratch.reset(allocated);

  std::vector<bool> filtered(size);
  for (const Expression& expression : expressions) filtered[expression.index] = true;
  std::erase_if(unfiltered, [&](std::uint32_t index) { return filtered[index]; });
}

RegexSet RegexSet::compile(std::span<const Pattern> patterns) {
  auto compiled = std::make_unique<Compiled>();
  compiled->size = patterns.size();
  compiled->name_all(compiled->unfiltered);
  if (!is_usable()) return RegexSet(std::move(compiled));
  std::vector<Expression> expressions;
  for (std::uint32_t index = 0; index < patterns.size(); ++index) {
    auto superset = superset_of(patterns[index].pattern, patterns[index].options);
    if (!superset) continue;
    Expression expression{index, *std::move(superset)};
    if (expression.is_filterable()) expressions.push_back(std::move(expression));
  }
  SharedLiterals::break_up(expressions);
  compiled->build(std::move(expressions));
  return RegexSet(std::move(compiled));
}

RegexSet::RegexSet(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
RegexSet::RegexSet(RegexSet&&) noexcept = default;
RegexSet& RegexSet::operator=(RegexSet&&) noexcept = default;
RegexSet::~RegexSet() = default;

void RegexSet::scan(std::string_view text, std::vector<std::uint32_t>& may_match) const {
  const Compiled& set = *compiled_;
  may_match.assign(set.unfiltered.begin(), set.unfiltered.end());
  if (!set.database) return;
  if (text.size() > std::numeric_limits<unsigned>::max()) return set.name_all(may_match);
  may_match.reserve(set.size);  // so that nothing is thrown through Hyperscan
  const auto on_match = [](unsigned index, unsigned long long /*from*/, unsigned long long /*to*/,
                           unsigned /*flags*/, void* context) {
    static_cast<std::vector<std::uint32_t>*>(context)->push_back(index);
    return 0;
  };
  const auto result =
      hs_scan(set.database.get(), text.empty() ? "" : text.data(),
              static_cast<unsigned>(text.size()), 0, set.scratch.get(), on_match, &may_match);
  if (result != HS_SUCCESS) set.name_all(may_match);
}

std::size_t RegexSet::size() const { return compiled_->size; }
std::span<const std::uint32_t> RegexSet::unfiltered() const { return compiled_->unfiltered; }

}  // namespace millrace
