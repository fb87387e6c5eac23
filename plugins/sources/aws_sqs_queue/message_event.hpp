// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/event/value.hpp"

namespace millrace::aws_sqs_queue {

/// {"body": JSON or text, "meta": {"MessageId": …, "uuid": …, "event": {"uuid": …}}}.
Value event_of(const Object& message);

}  // namespace millrace::aws_sqs_queue
