// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/task.hpp"

namespace millrace {

/// Kinds of extensions whose work is to answer calls.
enum class ServiceKind { monitor, trigger, hook_class, worker, config_plugin, param_processor };

std::string_view to_string(ServiceKind kind);

/// Answers calls, one instance for each place that uses it. Loop thread only.
///
/// | kind            | function      | argument                        | value | | ---------------
/// | ------------- | ------------------------------- | ---------------------------- | | monitor |
/// `line`        | {line, source}                  | list of {name, data}         | | trigger |
/// `event`       | {name, data}                    | list of {name, data}         | | hook_class |
/// the hook's    | {event, arguments, result}      | the hook's result            | | worker |
/// `handle`      | the message                     | null; an error: try again    | | config_plugin
/// | a position    | {parent, keys}                  | {keys}                       | |
/// param_processor | `process`     | {name, value, setting}          | the value |
class Service {
 public:
  Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  virtual ~Service() = default;

  /// Errors: unsupported for a function that the service does not have; cancelled; timeout;
  /// unavailable when its host has died; any other is the plugin's.
  virtual Task<Result<Value>> call(std::string_view function, const Value& argument) = 0;
};

/// A regular expression with a name, for the filters of monitors.
struct NamedPattern {
  std::string name;
  std::string pattern;  ///< PCRE
  std::string summary;
  std::string provider;  ///< as Descriptor::provider
};

}  // namespace millrace
