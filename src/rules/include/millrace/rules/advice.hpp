// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "millrace/base/diagnostic.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

struct NameTree;

/// The names that occur in sample events, of which it keeps nothing else.
class SampleEvents {
 public:
  SampleEvents();
  SampleEvents(SampleEvents&&) noexcept;
  SampleEvents& operator=(SampleEvents&&) noexcept;
  ~SampleEvents();

  /// An event as rules see it, behind the filters of its source.
  void add(const Value& event);
  std::size_t count() const { return count_; }
  /// Null when there were more names than are worth keeping: then a name that is missing says
  /// nothing.
  const NameTree* names() const { return full_ ? nullptr : names_.get(); }

  static constexpr std::size_t kMostNames = 100'000;

 private:
  std::unique_ptr<NameTree> names_;
  std::size_t count_ = 0;
  std::size_t kept_ = 0;
  bool full_ = false;
};

struct AdviceOptions {
  const SampleEvents* samples = nullptr;  ///< null: misspelt paths are found by comparing rules
};

/// Warns of what is allowed and cannot be meant: tests that exclude each other, alternatives and
/// rules that are never reached, joins that join nothing, paths that look misspelt, timeouts that
/// outlast the events. Whatever it says never holds, never does; it does not find everything.
/// Disabled rules are passed over.
void advise(const Rulebook& rulebook, const AdviceOptions& options, Diagnostics& diagnostics);

}  // namespace millrace::rules
