// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "millrace/rules/testing/oracle_grammar.hpp"

namespace millrace::rules::testing {

/// Holds the parser of conditions against the grammar: what is accepted, and how it is read. Texts
/// beyond OracleGrammar::kLongest are passed by.
class GrammarComparison {
 public:
  /// "" or what differs: the parser and the oracle read the text differently, or a text becomes a
  /// condition that the specification's own grammar refuses.
  std::string difference(std::string_view text) const;

  /// `text` without anything that can be left out of it while it still shows a difference.
  std::string shrunk(std::string text) const;

  const OracleGrammar& grammar() const { return millrace_; }

 private:
  OracleGrammar millrace_{OracleGrammar::Dialect::millrace};
  OracleGrammar specification_{OracleGrammar::Dialect::specification};
};

}  // namespace millrace::rules::testing
