// SPDX-License-Identifier: Apache-2.0
// A record is JSON lines. The first says what was run:
//   {"millrace_record":1,"version":"0.1.0","rulebooks":["r.yml"],"started":"…","run":"…","part":1}
// Each other one is an input of a rule set, or, behind the input that set it off, a firing:
//   {"at":5,"rule_set":"A","advance":true}
//   {"at":9,"rule_set":"A","source":{"name":…,"type":…},"received_at":…,"uuid":"…","event":{…}}
//   {"at":9,"rule_set":"A","fired":"Rule","bindings":{"event":"…uuid…"}}
//   {"at":9,"rule_set":"A","fact":{…}}
//   {"at":9,"rule_set":"A","how":"partial","retract":{…}}
// `at` is in nanoseconds since the start, `received_at` in microseconds since 1970. An event stands
// there as it came: so it is not parsed with the line, but cut out of it.

#include "record_format.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::int64_t kFormat = 1;

Error malformed(std::string_view why) {
  return fail(Errc::corrupt, "not a record's line: {}", why);
}

// Cuts a JSON object into its entries without parsing them. What is cut out is parsed by whoever
// wants it; only where it ends is decided here.
class Entries {
 public:
  explicit Entries(std::string_view object) : text_(object) {}

  struct Entry {
    std::string_view key;  // as written, without the quotes
    std::string_view value;
  };
  /// Nothing at the end of the object. Errors: corrupt.
  Result<std::optional<Entry>> next() {
    skip_blanks();
    if (std::exchange(begins_, false)) {
      if (!take('{')) return malformed("it does not begin with a brace");
    } else if (!peek('}') && !take(',')) {
      return malformed("a comma or brace is missing");
    }
    skip_blanks();
    if (take('}')) return end();
    Entry entry;
    const auto key = take_value();
    skip_blanks();
    if (key.size() < 2 || key.front() != '"' || !take(':')) return malformed("a key is missing");
    entry.key = key.substr(1, key.size() - 2);
    skip_blanks();
    entry.value = take_value();
    if (entry.value.empty()) return malformed("a value is missing");
    return entry;
  }

 private:
  Result<std::optional<Entry>> end() {
    skip_blanks();
    if (at_ != text_.size()) return malformed("something follows its end");
    return std::optional<Entry>();
  }
  bool peek(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!peek(c)) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (peek(' ') || peek('\t') || peek('\r')) ++at_;
  }

  std::string_view take_value() {
    const auto begin = at_;
    if (peek('"')) {
      skip_string();
    } else if (peek('{') || peek('[')) {
      skip_nested();
    } else {
      at_ = std::min(text_.find_first_of(",} \t\r", at_), text_.size());
    }
    return text_.substr(begin, at_ - begin);
  }
  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }
  void skip_nested() {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return;
    }
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  bool begins_ = true;
};

// --- reading values ------------------------------------------------------------------------------

Result<> read(std::string_view json, std::int64_t& into) {
  const auto [end, fault] = std::from_chars(json.data(), json.data() + json.size(), into);
  if (fault != std::errc() || end != json.data() + json.size())
    return malformed("a whole number is expected");
  return {};
}

Result<> read(std::string_view json, std::string& into) {
  if (json.front() == '"' && json.back() == '"' && json.find('\\') == std::string_view::npos) {
    into = json.substr(1, json.size() - 2);
    return {};
  }
  const auto value = parse_json(json);
  if (!value || !value->is_string()) return malformed("a text is expected");
  into = view(value->get_string());
  return {};
}

Result<> read(std::string_view json, bool& into) {
  if (json != "true" && json != "false") return malformed("true or false is expected");
  into = json == "true";
  return {};
}

Result<> read(std::string_view json, Object& into) {
  auto value = parse_json(json);
  if (!value || !value->is_object()) return malformed("an object is expected");
  into = std::move(value->get_object());
  return {};
}

Result<> read(std::string_view json, std::optional<Origin>& into) {
  Object object;
  if (auto done = read(json, object); !done) return done;
  const auto* name = object.if_contains("name");
  const auto* type = object.if_contains("type");
  if (name == nullptr || !name->is_string() || type == nullptr || !type->is_string())
    return malformed("a source has a name and a type");
  into = Origin{std::string(view(name->get_string())), std::string(view(type->get_string()))};
  return {};
}

Result<> read(std::string_view json, rules::Session::Retract& into) {
  using Retract = rules::Session::Retract;
  if (json != R"("whole")" && json != R"("partial")")
    return malformed("facts are retracted whole or partial");
  into = json == R"("whole")" ? Retract::whole : Retract::partial;
  return {};
}

Result<> read(std::string_view json, Duration& into) {
  std::int64_t count = 0;
  auto done = read(json, count);
  // Far from where the clock's arithmetic ends: windows are added to it.
  if (done && (count < 0 || count > std::numeric_limits<std::int64_t>::max() / 4))
    return malformed("a time is out of bounds");
  into = Duration(count);
  return done;
}

Result<> read(std::string_view json, WallTime& into) {
  std::int64_t count = 0;
  auto done = read(json, count);
  constexpr std::int64_t kLatest = std::int64_t{253'402'300'800} * 1'000'000;  // the year 10000
  if (done && (count < 0 || count >= kLatest)) return malformed("a date is out of bounds");
  into = WallTime(std::chrono::microseconds(count));
  return done;
}

Result<> read_bindings(std::string_view json, RecordedFiring& firing) {
  Object object;
  if (auto done = read(json, object); !done) return done;
  for (const auto& entry : object) {
    if (!entry.value().is_string()) return malformed("events are named by texts");
    firing.bindings.emplace_back(entry.key(), view(entry.value().get_string()));
  }
  return {};
}

struct Kind {
  std::string_view key;
  RecordLine::Kind kind;
};
constexpr std::array kKinds = {
    Kind{"event", RecordLine::Kind::event}, Kind{"fact", RecordLine::Kind::fact},
    Kind{"retract", RecordLine::Kind::retract}, Kind{"advance", RecordLine::Kind::advance},
    Kind{"fired", RecordLine::Kind::fired}};

// What says what the line is. Keys that are not known are left to later versions.
Result<> read_kind(const Entries::Entry& entry, RecordLine& line, bool& known) {
  for (const auto& [key, kind] : kKinds) {
    if (key != entry.key) continue;
    if (std::exchange(known, true)) return malformed("it is two things");
    line.kind = kind;
    line.text = entry.value;
    if (kind == RecordLine::Kind::fired) return read(entry.value, line.firing.rule);
  }
  return {};
}

Result<> read_entry(const Entries::Entry& entry, RecordLine& line, bool& known) {
  const auto& [key, value] = entry;
  if (key == "at") return read(value, line.at);
  if (key == "rule_set") return read(value, line.rule_set);
  if (key == "source") return read(value, line.source);
  if (key == "received_at") return read(value, line.received_at);
  if (key == "uuid") return read(value, line.uuid);
  if (key == "built") return read(value, line.built);
  if (key == "wrap") return read(value, line.wrap);
  if (key == "meta") return read(value, line.meta);
  if (key == "how") return read(value, line.how);
  if (key == "bindings") return read_bindings(value, line.firing);
  return read_kind(entry, line, known);
}

std::string text_of(const Value* value) {
  return value != nullptr && value->is_string() ? std::string(view(value->get_string()))
                                                : std::string();
}

// Of an event or a fact: its own uuid, as the engine gives one to each. What has none is known by
// its content.
std::string identity(const Document& document) {
  if (const auto* meta = document.object().if_contains("meta");
      meta != nullptr && meta->is_object()) {
    const auto* uuid = meta->get_object().if_contains("uuid");
    if (uuid != nullptr && uuid->is_string()) return std::string(view(uuid->get_string()));
  }
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : to_json(document.value()))
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return fmt::format("#{:016x}", hash);
}

}  // namespace

// --- lines ---------------------------------------------------------------------------------------

std::string to_line(const RecordHeader& header) {
  Array rulebooks;
  for (const auto& name : header.rulebooks) rulebooks.emplace_back(name);
  return to_json(Object{{"millrace_record", kFormat},
                        {"version", header.version},
                        {"rulebooks", std::move(rulebooks)},
                        {"started", header.started},
                        {"run", header.run},
                        {"part", header.part}}) +
         "\n";
}

Result<RecordHeader> parse_header(std::string_view line) {
  const auto value = parse_json(line);
  const auto* object = value ? value->if_object() : nullptr;
  const auto* format = object != nullptr ? object->if_contains("millrace_record") : nullptr;
  if (format == nullptr || !format->is_int64())
    return fail(Errc::corrupt, "it does not begin as a record");
  if (format->get_int64() != kFormat) {
    return fail(Errc::unsupported, "it is a record of format {}, this version reads format {}",
                format->get_int64(), kFormat);
  }
  RecordHeader header;
  header.version = text_of(object->if_contains("version"));
  header.started = text_of(object->if_contains("started"));
  header.run = text_of(object->if_contains("run"));
  if (const auto* part = object->if_contains("part"); part != nullptr && part->is_int64())
    header.part = static_cast<std::uint64_t>(part->get_int64());
  if (const auto* names = object->if_contains("rulebooks"); names != nullptr && names->is_array()) {
    for (const auto& name : names->get_array()) header.rulebooks.push_back(text_of(&name));
  }
  return header;
}

void append_firing(std::string& out, std::string_view rule_set, const RecordedFiring& firing) {
  fmt::format_to(std::back_inserter(out), R"({{"at":{},"rule_set":{},"fired":{},"bindings":{{)",
                 firing.at.count(), rule_set, to_json(Value(firing.rule)));
  for (const auto& [binding, uuid] : firing.bindings) {
    if (out.back() != '{') out += ',';
    out.append(to_json(Value(binding))).append(":").append(to_json(Value(uuid)));
  }
  out += "}}\n";
}

JsonLimits wide_limits() {
  return {.depth = 1024, .bytes = std::numeric_limits<std::uint32_t>::max()};
}

Result<RecordLine> parse_line(std::string_view text) {
  RecordLine line;
  bool known = false;
  Entries entries(text);
  while (true) {
    const auto entry = entries.next();
    if (!entry) return entry.error();
    if (!*entry) break;
    if (auto done = read_entry(**entry, line, known); !done) return done.error();
  }
  if (!known) return malformed("it is none of event, fact, retract, advance, fired");
  line.firing.at = line.at;
  return line;
}

RecordedFiring to_recorded(const rules::RuleSet& rules, const rules::Activation& activation,
                           Instant start) {
  RecordedFiring firing{rules.rules[activation.rule].name, activation.at - start, {}};
  for (const auto& [binding, document] : activation.bindings)
    firing.bindings.emplace_back(binding, identity(*document));
  return firing;
}

Object to_object(const RecordedFiring& firing) {
  Object bindings;
  for (const auto& [binding, uuid] : firing.bindings) bindings[binding] = uuid;
  return {{"at", firing.at.count()}, {"fired", firing.rule}, {"bindings", std::move(bindings)}};
}

}  // namespace millrace::pipeline
