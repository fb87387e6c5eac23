// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/playback.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

/// A rulebook of one rule set, and the playback of its steps.
class StagedRulebook {
 public:
  /// nullptr, with errors in `diagnostics`, for a rulebook that does not load or run. `variables`
  /// must outlive the call only.
  static std::unique_ptr<StagedRulebook> load(std::string_view rulebook, const Object& variables,
                                              Diagnostics& diagnostics);

  /// A command of Playback; `retract` is `retract_fact` here. What fired, in order: [{"rule": name,
  /// "match": {binding: event}}…].
  Result<Array> play(const Value& step);

  const Session& session() const { return playback_->session(); }
  /// [event…], oldest first.
  Array memory() const;

 private:
  explicit StagedRulebook(Rulebook rulebook) : rulebook_(std::move(rulebook)) {}

  const Rulebook rulebook_;
  std::unique_ptr<Playback> playback_;
};

}  // namespace millrace::rules
