// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/event/value.hpp"

namespace millrace::ansible {

/// The value as Ansible must be given it in JSON so that texts stay texts: what it could take for a
/// template is marked as unsafe, and it does not evaluate that. Entries whose keys
/// are such marks themselves are left out: they would not reach the playbook as they are.
Value as_unsafe(const Value& value);

}  // namespace millrace::ansible
