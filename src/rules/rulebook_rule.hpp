// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/rules/rulebook.hpp"
#include "rulebook_fields.hpp"

namespace millrace::rules {

/// One item of `rules`, which may be of any kind. With errors, what is left of it.
Rule load_rule(const YamlNode& node, const Loading& loading);

/// A one-key mapping (action, filter): its key, and its value, which is a mapping or nothing.
/// `what` names it in messages.
Extension load_extension(const YamlNode::Entry& entry, std::string_view what,
                         const Loading& loading);

}  // namespace millrace::rules
