// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/pipeline/record.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::pipeline {

/// Repeats a record with fresh rule sets, without sources and actions: what went in goes in again,
/// at the recorded times. The same rules fire the same again; each line of input is one call of the
/// session, as it was. One thread.
class Replay {
 public:
  /// The rule sets outlive it. nullptr, with errors in `diagnostics`, for rules that do not run.
  static std::unique_ptr<Replay> create(std::span<const rules::RuleSet* const> rule_sets,
                                        Diagnostics& diagnostics);
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;
  ~Replay();

  /// nullptr: there is none of this name.
  const rules::RuleSet* find(std::string_view rule_set) const;

  struct Firing {
    const rules::RuleSet* rules = nullptr;
    rules::Activation activation;  ///< Instant{} is the start
  };
  /// All rule sets begin `at`, as those of a run do at its start: for a record that is not played
  /// from its own.
  std::vector<Firing> begin(Duration at);
  /// An input, not a firing; `number` names an event that got no uuid when it was recorded. Errors:
  /// not_found for an unknown rule set; corrupt for what is no event, or a time that goes back.
  Result<std::vector<Firing>> play(const RecordLine& input, std::uint64_t number);

 private:
  struct Player;
  Replay();
  Player* player(std::string_view rule_set) const;
  std::vector<std::unique_ptr<Player>> players_;
};

/// Compares what fires with what has fired when it was recorded, input by input.
class Comparison {
 public:
  /// An input was played, and `came`.
  void begin(std::string place, const std::vector<Replay::Firing>& came);
  /// Its next line in the record.
  void expect(const RecordedFiring& firing);
  /// No line of the input is missing.
  void end();
  /// The record breaks off; lines of the input may be missing.
  void drop() { came_.clear(); }

  struct Difference {
    std::string place;  ///< of the input
    std::optional<RecordedFiring> expected;
    std::optional<RecordedFiring> came;
  };
  const std::optional<Difference>& first() const { return first_; }
  /// Inputs after which something else fired.
  std::uint64_t differing() const { return differing_; }

 private:
  void differ(const RecordedFiring* expected, const RecordedFiring* came);

  std::string place_;
  std::vector<RecordedFiring> came_;
  std::size_t next_ = 0;
  bool differs_ = false;  ///< the input at hand
  std::optional<Difference> first_;
  std::uint64_t differing_ = 0;
};

}  // namespace millrace::pipeline
