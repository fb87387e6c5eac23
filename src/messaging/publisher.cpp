// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/publisher.hpp"

namespace millrace::messaging {

Publisher::~Publisher() = default;

}  // namespace millrace::messaging
