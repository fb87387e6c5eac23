// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/messaging/postgresql.hpp"

namespace millrace::messaging {

/// Looks up the names among the hosts and tells libpq their addresses (`hostaddr`): it would look
/// them up itself, and block the loop. Errors: unavailable, invalid_settings, cancelled.
Task<Result<PostgresParameters>> with_addresses(PostgresParameters parameters);

}  // namespace millrace::messaging
