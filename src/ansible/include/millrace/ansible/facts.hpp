// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::ansible {

/// Asks all hosts of an inventory for their facts (ansible.builtin.setup). One object for each host
/// that answers, with its name as `meta.hosts`. Errors: cancelled; io when nobody answers; those of
/// Playbook.
Task<Result<std::vector<Object>>> gather_facts(const std::string& inventory, MainLoop& loop,
                                               BlockingPool& pool);

}  // namespace millrace::ansible
