// SPDX-License-Identifier: Apache-2.0
#include <libpq-fe.h>

#include <algorithm>
#include <memory>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/messaging/postgresql.hpp"

namespace millrace::messaging {
namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

Result<std::string> value_text(std::string_view keyword, const Value& value) {
  if (value.is_string()) {
    std::string text(view(value.get_string()));
    if (text.find('\0') == std::string::npos) return text;
  } else if (value.is_bool()) {
    return std::string(value.get_bool() ? "1" : "0");
  } else if (value.is_number()) {
    return to_json(value);
  }
  return fail(Errc::invalid_settings, "postgres_params: {} must be a text or a number", keyword);
}

bool is_keyword(std::string_view name) {
  const Options known(PQconndefaults(), PQconninfoFree);
  if (!known) return true;  // no memory: connecting will tell
  for (const auto* option = known.get(); option->keyword != nullptr; ++option) {
    if (name == option->keyword) return true;
  }
  return false;
}

}  // namespace

Result<PostgresParameters> PostgresParameters::read(const Value& dsn, const Value& parameters) {
  PostgresParameters made;
  if (dsn.is_string()) {
    const std::string text(view(dsn.get_string()));
    // libpq's own message may repeat a part of a password.
    const Options parsed(PQconninfoParse(text.c_str(), nullptr), PQconninfoFree);
    if (!parsed || text.find('\0') != std::string::npos)
      return fail(Errc::invalid_settings,
                  "dsn is not a connection string (\"host=… dbname=…\" or postgresql://…)");
    for (const auto* option = parsed.get(); option->keyword != nullptr; ++option) {
      if (option->val != nullptr) made.set(option->keyword, option->val);
    }
  }
  if (!parameters.is_object()) return made;
  for (const auto& entry : parameters.get_object()) {
    const std::string keyword(entry.key());
    if (entry.value().is_null()) continue;
    if (!is_keyword(keyword))
      return fail(Errc::invalid_settings, "postgres_params: {} is not a keyword of libpq",
                  printable(keyword));
    auto value = value_text(keyword, entry.value());
    if (!value) return value.error();
    made.set(keyword, std::move(*value));
  }
  return made;
}

const std::string* PostgresParameters::find(std::string_view keyword) const {
  const auto found = std::ranges::find(entries_, keyword, &decltype(entries_)::value_type::first);
  return found == entries_.end() ? nullptr : &found->second;
}

void PostgresParameters::set(std::string_view keyword, std::string value) {
  const auto found = std::ranges::find(entries_, keyword, &decltype(entries_)::value_type::first);
  if (found == entries_.end()) {
    entries_.emplace_back(keyword, std::move(value));
  } else {
    found->second = std::move(value);
  }
}

void PostgresParameters::set_default(std::string_view keyword, std::string value) {
  if (find(keyword) == nullptr) set(keyword, std::move(value));
}

}  // namespace millrace::messaging
