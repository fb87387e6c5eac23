// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/diagnostic.hpp"

namespace YAML {
class ParserException;
}

namespace millrace {

/// A YAML text, and where its bytes lie. Columns count bytes.
class YamlSource {
 public:
  YamlSource(std::string_view text, std::string file);

  std::string_view text() const { return text_; }
  std::string_view from(std::size_t offset) const {
    return text_.substr(std::min(offset, text_.size()));
  }
  Location at(std::size_t offset, std::size_t length = 1) const;

 private:
  std::string_view text_;
  std::string file_;
  std::vector<std::size_t> lines_;  // where each begins
};

/// Offset behind the tags, anchors, blanks, comments and line ends that stand at `offset`.
std::size_t skip_yaml_properties(std::string_view text, std::size_t offset);

/// Length of the quoted text that begins at the start of `text`, both quotes included; 0 if it is
/// not closed.
std::size_t yaml_quoted_length(std::string_view text);

/// Characters that YAML does not allow are errors; true if there is none.
bool check_yaml_characters(const YamlSource& source, Diagnostics& diagnostics);

/// What was read when the parser gave up.
struct YamlProgress {
  std::size_t offset = 0;  ///< behind the last node known
  std::vector<std::size_t>
      open_flows;  ///< where the lists and mappings in brackets begin that are not closed
};

/// Says a syntax error in terms of what the writer sees.
Diagnostic explain_yaml_fault(const YAML::ParserException& fault, const YamlSource& source,
                              const YamlProgress& progress);

}  // namespace millrace
