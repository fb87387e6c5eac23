// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "claims.hpp"

namespace millrace::rules {

/// Whether an event can meet all of the tests. In doubt it can.
bool can_hold(const Conjunction& tests);

/// Whether every event that meets the tests meets `wanted`, a test too. In doubt it does not; nor
/// if the tests exclude each other.
bool follows(const Claim& wanted, const Conjunction& tests);

/// Whether every event that meets `later` meets `earlier`. In doubt it does not.
bool covers(const Claim& earlier, const Claim& later);

}  // namespace millrace::rules
