// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/unsafe_text.hpp"

#include <string_view>
#include <utility>

namespace millrace::ansible {
namespace {

constexpr std::string_view kUnsafe = "__ansible_unsafe";

// A header can change the marks of templates: every brace counts, and the header itself.
bool could_be_template(std::string_view text) {
  return text.contains('{') || text.contains("#jinja2:");
}

}  // namespace

Value as_unsafe(const Value& value) {
  if (const auto* text = value.if_string()) {
    if (!could_be_template(view(*text))) return value;
    return Object{{kUnsafe, *text}};
  }
  if (const auto* list = value.if_array()) {
    Array out;
    out.reserve(list->size());
    for (const auto& item : *list) out.push_back(as_unsafe(item));
    return out;
  }
  if (const auto* object = value.if_object()) {
    Object out;
    for (const auto& [key, item] : *object) {
      if (key != kUnsafe && key != "__ansible_vault") out[key] = as_unsafe(item);
    }
    return out;
  }
  return value;
}

}  // namespace millrace::ansible
