// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8  // NOLINT(readability-identifier-naming): PCRE2's own
#include <pcre2.h>

#include <array>

namespace millrace {
namespace {

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};

std::string text_of(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return {reinterpret_cast<const char*>(buffer.data())};
}

PCRE2_SPTR bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

struct Regex::Compiled {
  std::string pattern;
  std::unique_ptr<pcre2_code, Free> code;
  std::unique_ptr<pcre2_match_data, Free> match;
  std::unique_ptr<pcre2_match_context, Free> context;
};

Result<Regex> Regex::compile(std::string_view pattern, Options options) {
  auto compiled = std::make_unique<Compiled>();
  compiled->pattern = pattern;
  std::uint32_t flags = PCRE2_UTF;
  if (options.ignore_case) flags |= PCRE2_CASELESS;
  if (options.multiline) flags |= PCRE2_MULTILINE;
  const std::string anchored =
      options.anchor == Anchor::start ? fmt::format("^(?:{})", pattern) : std::string(pattern);

  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_compile_context, Free> how(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(how.get(), PCRE2_NEWLINE_ANYCRLF);
  compiled->code.reset(
      pcre2_compile(bytes(anchored), anchored.size(), flags, &error, &offset, how.get()));
  if (!compiled->code) {
    const std::size_t shift = options.anchor == Anchor::start ? 4 : 0;
    return fail(Errc::invalid_rule, "regular expression `{}` is wrong at position {}: {}", pattern,
                offset > shift ? offset - shift : 0, text_of(error));
  }
  static_cast<void>(pcre2_jit_compile(compiled->code.get(),
                                      PCRE2_JIT_COMPLETE));  // without it: slower, same answers
  compiled->match.reset(pcre2_match_data_create(1, nullptr));
  compiled->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(compiled->context.get(), kMatchLimit);
  return Regex(std::move(compiled));
}

Regex::Regex(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Regex::Outcome Regex::search(std::string_view text) const {
  const int found =
      pcre2_match(compiled_->code.get(), bytes(text), text.size(), 0, PCRE2_NO_UTF_CHECK,
                  compiled_->match.get(), compiled_->context.get());
  if (found >= 0) return Outcome::match;
  return found == PCRE2_ERROR_NOMATCH ? Outcome::no_match : Outcome::limit_exceeded;
}

const std::string& Regex::pattern() const { return compiled_->pattern; }

}  // namespace millrace
