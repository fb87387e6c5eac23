// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/event/value.hpp"

namespace millrace::aws_cloudtrail {

/// What LookupEvents lists, with its time as ISO 8601 and CloudTrailEvent parsed.
Value event_of(Object item);

}  // namespace millrace::aws_cloudtrail
