// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "millrace/ansible/private_folder.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::ansible {

/// Unpacks a tarball with the system's tar into a folder that goes with the answer. What names a
/// place outside of it is refused: an absolute path, `..`, a link that leads out; and so are
/// devices, and more than 100,000 entries or 4 GiB. Errors: not_found, corrupt, unsupported,
/// timeout, unavailable when there is no tar, cancelled, io.
Task<Result<std::unique_ptr<PrivateFolder>>> unpack_project(std::string tarball, MainLoop& loop);

}  // namespace millrace::ansible
