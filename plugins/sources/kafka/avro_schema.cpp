// SPDX-License-Identifier: Apache-2.0
#include "avro_schema.hpp"

#include <array>
#include <map>
#include <string_view>
#include <utility>

namespace millrace::kafka {
namespace {

using Kind = AvroSchema::Kind;
using Logical = AvroSchema::Logical;

constexpr std::size_t kMostTypes = 10'000;
constexpr int kDeepest = 100;
constexpr std::int64_t kLargestFixed = 1 << 20;

template <class T, std::size_t N>
const T* find_in(const std::array<std::pair<std::string_view, T>, N>& list, std::string_view name) {
  for (const auto& [key, value] : list) {
    if (key == name) return &value;
  }
  return nullptr;
}

constexpr auto kPrimitives = std::to_array<std::pair<std::string_view, Kind>>({
    {"null", Kind::null},
    {"boolean", Kind::boolean},
    {"int", Kind::integer},
    {"long", Kind::long_integer},
    {"float", Kind::float_number},
    {"double", Kind::double_number},
    {"bytes", Kind::bytes},
    {"string", Kind::string},
});

struct LogicalOf {
  Logical logical;
  Kind kind;
};
constexpr auto kLogical = std::to_array<std::pair<std::string_view, LogicalOf>>({
    {"date", {Logical::date, Kind::integer}},
    {"time-millis", {Logical::time_millis, Kind::integer}},
    {"time-micros", {Logical::time_micros, Kind::long_integer}},
    {"timestamp-millis", {Logical::timestamp_millis, Kind::long_integer}},
    {"timestamp-micros", {Logical::timestamp_micros, Kind::long_integer}},
    {"local-timestamp-millis", {Logical::local_timestamp_millis, Kind::long_integer}},
    {"local-timestamp-micros", {Logical::local_timestamp_micros, Kind::long_integer}},
    {"decimal", {Logical::decimal, Kind::bytes}},
});

std::string text_of(const Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(view(value->get_string())) : "";
}

std::vector<std::string> texts_of(const Object& object, std::string_view key) {
  std::vector<std::string> texts;
  const auto* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return texts;
  for (const auto& item : list->get_array()) {
    if (item.is_string()) texts.emplace_back(view(item.get_string()));
  }
  return texts;
}

std::string short_name(const std::string& name) { return name.substr(name.rfind('.') + 1); }

Error wrong(std::string_view why) { return fail(Errc::invalid_settings, "not a schema: {}", why); }

}  // namespace

class AvroSchema::Parser {
 public:
  explicit Parser(std::vector<Type>& types) : types_(types) {}

  Result<TypeId> parse(const Value& schema, const std::string& space, int depth) {
    if (depth > kDeepest) return wrong("it is nested too deeply");
    if (types_.size() >= kMostTypes) return wrong("it has too many types");
    if (schema.is_string()) return parse_name(std::string(view(schema.get_string())), space);
    if (schema.is_array()) return parse_choice(schema.get_array(), space, depth);
    if (!schema.is_object()) return wrong("a type must be a name, a list or an object");
    return parse_object(schema.get_object(), space, depth);
  }

 private:
  TypeId add(Type type) {
    types_.push_back(std::move(type));
    return static_cast<TypeId>(types_.size() - 1);
  }

  Result<TypeId> parse_name(const std::string& name, const std::string& space) {
    if (const auto* kind = find_in(kPrimitives, name)) return add({.kind = *kind});
    for (const auto& candidate : {full_name(name, space), name}) {
      const auto known = named_.find(candidate);
      if (known != named_.end()) return known->second;
    }
    return wrong(fmt::format("there is no type {}", name));
  }

  Result<TypeId> parse_choice(const Array& branches, const std::string& space, int depth) {
    if (branches.empty()) return wrong("a union must have branches");
    Type type{.kind = Kind::choice};
    for (const auto& branch : branches) {
      auto part = parse(branch, space, depth + 1);
      if (!part) return part;
      type.parts.push_back(*part);
    }
    return add(std::move(type));
  }

  Result<TypeId> parse_object(const Object& object, const std::string& space, int depth) {
    const auto* kind = object.if_contains("type");
    if (kind == nullptr) return wrong("a type is missing");
    if (!kind->is_string()) return parse(*kind, space, depth + 1);
    const auto name = view(kind->get_string());
    if (name == "record" || name == "error") return parse_record(object, space, depth);
    if (name == "enum") return parse_enumeration(object, space);
    if (name == "fixed") return parse_fixed(object, space);
    if (name == "array") return parse_list(object, "items", Kind::array, space, depth);
    if (name == "map") return parse_list(object, "values", Kind::map, space, depth);
    auto made = parse_name(std::string(name), space);
    if (made && find_in(kPrimitives, name) != nullptr) note_logical(object, types_[*made]);
    return made;
  }

  Result<TypeId> parse_list(const Object& object, std::string_view key, Kind kind,
                            const std::string& space, int depth) {
    const auto* items = object.if_contains(key);
    if (items == nullptr) return wrong(fmt::format("{} are missing", key));
    auto part = parse(*items, space, depth + 1);
    if (!part) return part;
    return add({.kind = kind, .parts = {*part}});
  }

  Result<TypeId> parse_enumeration(const Object& object, const std::string& space) {
    Type type{.kind = Kind::enumeration, .symbols = texts_of(object, "symbols")};
    if (type.symbols.empty()) return wrong("an enum must have symbols");
    if (object.contains("default")) type.symbol = text_of(object, "default");
    return add_named(std::move(type), object, space);
  }

  Result<TypeId> parse_fixed(const Object& object, const std::string& space) {
    const auto* size = object.if_contains("size");
    if (size == nullptr || !size->is_int64() || size->get_int64() < 0 ||
        size->get_int64() > kLargestFixed)
      return wrong("a fixed must have a sound size");
    Type type{.kind = Kind::fixed, .size = static_cast<std::size_t>(size->get_int64())};
    note_logical(object, type);
    return add_named(std::move(type), object, space);
  }

  Result<TypeId> parse_record(const Object& object, const std::string& space, int depth) {
    const auto* fields = object.if_contains("fields");
    if (fields == nullptr || !fields->is_array()) return wrong("a record must have fields");
    auto made = add_named({.kind = Kind::record}, object, space);
    if (!made) return made;
    const auto inner = space_of(object, space);
    std::vector<Field> parsed;
    for (const auto& entry : fields->get_array()) {
      if (!entry.is_object()) return wrong("a field must be an object");
      const auto& field = entry.get_object();
      Field one{.name = text_of(field, "name"), .aliases = texts_of(field, "aliases")};
      const auto* type = field.if_contains("type");
      if (one.name.empty() || type == nullptr) return wrong("a field must have a name and a type");
      auto part = parse(*type, inner, depth + 1);
      if (!part) return part;
      one.type = *part;
      if (const auto* by_default = field.if_contains("default")) one.by_default = *by_default;
      parsed.push_back(std::move(one));
    }
    types_[*made].fields = std::move(parsed);
    return made;
  }

  Result<TypeId> add_named(Type type, const Object& object, const std::string& space) {
    const auto name = text_of(object, "name");
    if (name.empty()) return wrong("a type must have a name");
    const auto full = full_name(name, space_of(object, space));
    type.name = short_name(name);
    const auto id = add(std::move(type));
    if (!named_.emplace(full, id).second) return wrong(fmt::format("{} is there twice", full));
    return id;
  }

  static std::string full_name(const std::string& name, const std::string& space) {
    return name.contains('.') || space.empty() ? name : fmt::format("{}.{}", space, name);
  }
  static std::string space_of(const Object& object, const std::string& outer) {
    const auto name = text_of(object, "name");
    if (const auto dot = name.rfind('.'); dot != std::string::npos) return name.substr(0, dot);
    return object.contains("namespace") ? text_of(object, "namespace") : outer;
  }

  // A logical type that does not fit is no error, the type underneath counts.
  static void note_logical(const Object& object, Type& type) {
    const auto* found = find_in(kLogical, text_of(object, "logicalType"));
    if (found == nullptr) return;
    const bool fits = type.kind == found->kind ||
                      (found->logical == Logical::decimal && type.kind == Kind::fixed);
    if (!fits) return;
    type.logical = found->logical;
    const auto* scale = object.if_contains("scale");
    if (scale != nullptr && scale->is_int64() && scale->get_int64() >= 0 &&
        scale->get_int64() <= kDeepest)
      type.scale = static_cast<int>(scale->get_int64());
  }

  std::vector<Type>& types_;
  std::map<std::string, TypeId, std::less<>> named_;
};

Result<AvroSchema> AvroSchema::parse(const Value& schema) {
  AvroSchema made;
  auto root = Parser(made.types_).parse(schema, "", 0);
  if (!root) return root.error();
  made.root_ = *root;
  return made;
}

}  // namespace millrace::kafka
