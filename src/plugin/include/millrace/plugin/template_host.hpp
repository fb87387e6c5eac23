// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/task.hpp"

namespace millrace {

/// Renders the templates that the engine cannot: Jinja2, in a Python host of its own. Loop thread
/// only. Before the main loop runs, use it by `loop.run_until_done(task)`.
class TemplateHost {
 public:
  struct Compiled {
    std::uint32_t id =
        0;  ///< valid as long as the TemplateHost, also when its process is restarted
    std::vector<std::string> names;  ///< top-level names that the template does not itself set
    bool constant = false;  ///< sees no events, and gives the same each time
  };

  virtual ~TemplateHost() = default;

  /// The same text gives the same template. Errors: invalid_settings for what is no template;
  /// unavailable without Python or Jinja2 (the message says how to get them); timeout; cancelled.
  virtual Task<Result<Compiled>> compile(std::string text) = 0;

  /// `scope` holds `event` or `events`, or nothing; the startup variables are known. A constant
  /// template of neither is rendered once. Errors: not_found for what is undefined;
  /// invalid_settings for any other fault of the template or its data; timeout when it takes longer
  /// than it may; unavailable when its host dies of it or cannot be started; cancelled.
  virtual Task<Result<Value>> render(std::uint32_t id, Object scope) = 0;

 protected:
  TemplateHost() = default;
  TemplateHost(const TemplateHost&) = default;
  TemplateHost& operator=(const TemplateHost&) = default;
};

}  // namespace millrace
