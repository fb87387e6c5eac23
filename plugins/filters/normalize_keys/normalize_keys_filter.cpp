// SPDX-License-Identifier: Apache-2.0
// Makes every key a word: each run of other characters becomes one underscore. Word characters are
// the letters and numbers of all scripts and the underscore, as in Python's \w.

#define PCRE2_CODE_UNIT_WIDTH 8  // NOLINT(readability-identifier-naming): PCRE2's own
#include <pcre2.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/plugin/plugin.hpp"

namespace millrace::normalize_keys {
namespace {

// Not \W: what PCRE2 takes for a word changes between its versions.
constexpr std::string_view kOtherCharacters = R"([^\p{L}\p{N}_]+)";

PCRE2_SPTR bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

bool is_plain_word(std::string_view key) {
  return std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

class WordMaker {
 public:
  WordMaker() {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_.reset(pcre2_compile(bytes(kOtherCharacters), kOtherCharacters.size(),
                              PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, nullptr));
    if (!code_) std::abort();  // the pattern is a constant
    static_cast<void>(pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE));
    match_.reset(pcre2_match_data_create(1, nullptr));
  }

  // Bytes that are no UTF-8 stay as they are.
  std::string make(std::string_view key) const {
    if (is_plain_word(key)) return std::string(key);
    std::string word(key.size() + 1, '\0');  // it never grows; PCRE2 adds a zero
    PCRE2_SIZE size = word.size();
    const int replaced = pcre2_substitute(
        code_.get(), bytes(key), key.size(), 0, PCRE2_SUBSTITUTE_GLOBAL, match_.get(), nullptr,
        bytes("_"), 1, reinterpret_cast<PCRE2_UCHAR*>(word.data()), &size);
    if (replaced < 0) return std::string(key);
    word.resize(size);
    return word;
  }

 private:
  struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  std::unique_ptr<pcre2_code, Free> code_;
  std::unique_ptr<pcre2_match_data, Free> match_;
};

class NormalizeKeys final : public Filter {
 public:
  explicit NormalizeKeys(const Settings& settings) : overwrite_(settings.boolean("overwrite")) {}

  Result<> apply(Value event, std::vector<Value>& out, Log& log) override {
    normalize(event, log);
    out.push_back(std::move(event));
    return {};
  }

 private:
  void normalize(Value& value, Log& log) const {
    if (value.is_array()) {
      for (auto& item : value.get_array()) normalize(item, log);
    } else if (value.is_object()) {
      normalize_keys(value.get_object(), log);
    }
  }

  // Of keys that become the same word the last one counts, at the place of the first; without
  // `overwrite` one that was that word already goes before all others.
  void normalize_keys(Object& object, Log& log) const {
    Object normalized(object.storage());
    normalized.reserve(object.size());
    for (auto& entry : object) {
      const std::string_view key(entry.key().data(), entry.key().size());
      const auto word = words_.make(key);
      if (word != key && object.contains(word)) {
        if (!overwrite_) continue;
        log.warning("filter.normalize_keys", "Replacing existing key {}", word);
      }
      normalize(entry.value(), log);
      normalized[word] = std::move(entry.value());
    }
    object = std::move(normalized);
  }

  const bool overwrite_;
  const WordMaker words_;
};

}  // namespace
}  // namespace millrace::normalize_keys

MILLRACE_PLUGIN(normalize_keys_filter, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  plugin.filter<millrace::normalize_keys::NormalizeKeys>(
      "normalize_keys", "Makes every key a word: other characters become underscores.",
      {{Setting("overwrite", SettingType::boolean,
                "whether a renamed key may replace a key that had its new name before")
            .by_default(true)}});
}
