// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "millrace/event/value.hpp"

namespace millrace::ansible {

/// What a task of a playbook leaves for whoever runs it.
struct Artifacts {
  Object data;
  bool cacheable = false;  ///< meant to outlive the playbook: set_stats, set_fact with `cacheable`
};

/// Of an event of a task that has ended well; nothing for any other.
std::optional<Artifacts> artifacts_of(const Object& event);

/// What went wrong, of an event that tells so: "host: message". Empty for any other.
std::string reason_of(const Object& event);

/// The part of an event under `event_data`; nullptr: none.
const Object* event_data(const Object& event);

}  // namespace millrace::ansible
