// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/internal_event.hpp"

#include <utility>

namespace millrace {

Result<Object> with_internal_meta(Object entry, std::string_view action, const Clock& clock,
                                  UuidGenerator& uuids) {
  auto& value = entry["meta"];
  if (value.is_null()) value = Object();
  auto* meta = value.if_object();
  if (meta == nullptr) return fail(Errc::invalid_event, "the `meta` of {} is no object", action);
  const auto fill = [](Object& object, std::string_view key, const auto& text) {
    object.emplace(key, text);  // nothing happens when the key is there
  };
  auto& source = meta->emplace("source", Object()).first->value();
  if (source.is_object()) {
    fill(source.get_object(), "name", action);
    fill(source.get_object(), "type", "internal");
  }
  fill(*meta, "received_at", to_iso8601(clock.wall()));
  fill(*meta, "uuid", uuids.next());
  return entry;
}

}  // namespace millrace
