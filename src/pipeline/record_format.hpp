// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/pipeline/record.hpp"

namespace millrace::pipeline {

/// The line, with its end.
std::string to_line(const RecordHeader& header);
/// Errors: corrupt; unsupported for the record of a later version.
Result<RecordHeader> parse_header(std::string_view line);

/// Appends a firing's line; `rule_set` is the name as JSON.
void append_firing(std::string& out, std::string_view rule_set, const RecordedFiring& firing);

/// Of what filters and actions have made: it may be larger than what comes from outside.
JsonLimits wide_limits();

/// Any line but the first, with kTextPadding readable bytes behind it. Errors: corrupt.
Result<RecordLine> parse_line(std::string_view line);

}  // namespace millrace::pipeline
