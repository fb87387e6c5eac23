// SPDX-License-Identifier: Apache-2.0
// Declares a default of another type than the setting's.
#include "millrace/plugin.hpp"

namespace {

class Nothing {
 public:
  millrace::plugin::Json apply(millrace::plugin::Json event) { return event; }
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("bad_default", "1", "Contradicts itself.") {
  using millrace::plugin::Setting;
  plugin.filter<Nothing>("nothing", "Does nothing.",
                         {Setting("size", MILLRACE_INTEGER, "how large").by_default("large")});
}
