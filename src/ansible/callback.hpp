// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "millrace/base/result.hpp"

namespace millrace::ansible {

/// The callback plugin through which Ansible tells what happens in a playbook. Errors: unavailable.
Result<std::filesystem::path> find_callback();

}  // namespace millrace::ansible
