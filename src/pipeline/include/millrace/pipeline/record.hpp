// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/event.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::pipeline {

/// The first line of each file of a record.
struct RecordHeader {
  std::string version;  ///< of the program
  std::vector<std::string> rulebooks;
  std::string started;     ///< when, on the calendar
  std::string run;         ///< tells the records of different runs apart
  std::uint64_t part = 1;  ///< which file of the record
};

/// A firing as a record has it, to be compared: its events by their uuids.
struct RecordedFiring {
  std::string rule;
  Duration at{};  ///< since the start
  std::vector<std::pair<std::string, std::string>> bindings;

  friend bool operator==(const RecordedFiring&, const RecordedFiring&) = default;
};
RecordedFiring to_recorded(const rules::RuleSet& rules, const rules::Activation& activation,
                           Instant start);
/// As the record's line tells it, but for the rule set.
Object to_object(const RecordedFiring& firing);

/// What went into a rule set, or what fired by it.
struct RecordLine {
  enum class Kind { event, fact, retract, advance, fired };
  Kind kind = Kind::advance;
  Duration at{};  ///< since the start: of an input when the rule set got it
  std::string rule_set;

  /// JSON of the event, fact or pattern, with kTextPadding readable bytes behind it. Valid until
  /// the next line is read.
  std::string_view text;

  // Of an event.
  bool built = false;            ///< it came as a value, not as text
  std::string wrap;              ///< Event::wrap()
  Object meta;                   ///< Event::with_meta()
  std::optional<Origin> source;  ///< nothing: posted by an action
  WallTime received_at;
  std::string uuid;  ///< empty: none was needed

  rules::Session::Retract how = rules::Session::Retract::whole;  ///< of a retraction
  RecordedFiring firing;                                         ///< of `fired`
};

/// Reads a record: all files of one run, oldest first. Blocks. One thread.
class RecordReader {
 public:
  /// `file`, after the older files of the same run that are beside it (FILE.1, FILE.2, …). Errors:
  /// not_found, permission_denied, io; corrupt when it does not begin as a record; unsupported for
  /// one of a later version.
  static Result<std::unique_ptr<RecordReader>> open(const std::string& file);
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;
  ~RecordReader();

  const RecordHeader& header() const;
  /// Whether it has the run from its start.
  bool complete() const;
  /// Nothing at the end. Errors: corrupt where it is damaged or cut short, which ends it; io.
  Result<std::optional<RecordLine>> next();
  /// Where the last line stands: "FILE:12".
  std::string place() const;

 private:
  struct Impl;
  explicit RecordReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::pipeline
