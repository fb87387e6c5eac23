// SPDX-License-Identifier: Apache-2.0
// RFC 5424 has a grammar, and is followed closely: what breaks it is not taken for it. RFC 3164
// only tells what has been seen, so each part of its header is taken if it looks like one, and is
// part of the message if not.

#include "message.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::syslog {
namespace {

constexpr int kMostPriority = 191;
constexpr int kSeverities = 8;
constexpr std::size_t kMostPriorityDigits = 3;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr std::array<std::string_view, 24> kFacilityNames{
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr std::array<std::string_view, kSeverities> kSeverityNames{
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Header {
  std::optional<std::string_view> timestamp;
  std::optional<std::string_view> hostname;
  std::optional<std::string_view> app_name;
  std::optional<std::string_view> proc_id;
  std::optional<std::string_view> msg_id;
  Value structured_data;
};

/// Takes a text apart from its front. What is not there is not taken.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view take_bytes(std::size_t size) {
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  template <class Belongs>
  std::string_view take_while(Belongs belongs) {
    const auto* const end = std::ranges::find_if_not(rest_, belongs);
    return take_bytes(static_cast<std::size_t>(end - rest_.begin()));
  }
  std::string_view take_word() {
    return take_while([](char c) { return c != ' '; });
  }

 private:
  std::string_view rest_;
};

std::optional<int> take_priority(Cursor& text) {
  Cursor at = text;
  if (!at.take('<')) return std::nullopt;
  const auto digits = at.take_while(is_digit);
  if (digits.empty() || digits.size() > kMostPriorityDigits || !at.take('>')) return std::nullopt;
  int priority = 0;
  for (const char digit : digits) priority = priority * 10 + (digit - '0');
  if (priority > kMostPriority) return std::nullopt;
  text = at;
  return priority;
}

// Whether `text` has the form: '0' stands for a digit, anything else for itself.
bool has_form(std::string_view text, std::string_view form) {
  return std::ranges::equal(
      text, form, [](char c, char wanted) { return wanted == '0' ? is_digit(c) : c == wanted; });
}

// "2003-10-11T22:14:15.003Z", "…-07:00"
bool is_rfc3339(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  Cursor at(text);
  if (!has_form(at.take_bytes(kForm.size()), kForm)) return false;
  if (at.take('.') && at.take_while(is_digit).empty()) return false;
  return at.rest() == "Z" || has_form(at.rest(), "+00:00") || has_form(at.rest(), "-00:00");
}

// A word of the header of RFC 5424; nothing for "-".
bool take_field(Cursor& at, std::optional<std::string_view>& field) {
  const auto word = at.take_word();
  if (word.empty() || !at.take(' ')) return false;
  if (word != "-") field = word;
  return true;
}

bool is_name_char(char c) { return c > ' ' && c != '=' && c != ']' && c != '"' && c != '\x7F'; }

// A quoted value, unescaped; a backslash before anything but `"`, `\` and `]` is just that.
std::optional<std::string> take_value(Cursor& at) {
  std::string value;
  if (!at.take('"')) return std::nullopt;
  while (!at.empty()) {
    value += at.take_while([](char c) { return c != '"' && c != '\\' && c != ']'; });
    if (at.take('"')) return value;
    if (!at.take('\\')) return std::nullopt;  // a bracket must be escaped, an end must be a quote
    const bool escapes =
        at.rest().starts_with('"') || at.rest().starts_with('\\') || at.rest().starts_with(']');
    if (!escapes) value += '\\';
    value += at.take_bytes(escapes ? 1 : 0);
  }
  return std::nullopt;
}

// A name may come more than once (`ip` of `origin` does): then it has a list of values.
void add_value(Object& values, std::string_view name, std::string&& value) {
  auto [place, is_new] = values.emplace(name, value);
  if (is_new) return;
  if (!place->value().is_array()) place->value() = Array{std::move(place->value())};
  place->value().get_array().emplace_back(std::move(value));
}

bool take_element(Cursor& at, Object& data) {
  const auto id = at.take_while(is_name_char);
  if (id.empty()) return false;
  auto& values = data.emplace(id, Object()).first->value().get_object();
  while (at.take(' ')) {
    const auto name = at.take_while(is_name_char);
    if (name.empty() || !at.take('=')) return false;
    auto value = take_value(at);
    if (!value) return false;
    add_value(values, name, std::move(*value));
  }
  return at.take(']');
}

bool take_structured_data(Cursor& at, Value& structured_data) {
  if (at.take('-')) return true;
  Object data;
  while (at.take('[')) {
    if (!take_element(at, data)) return false;
  }
  if (data.empty()) return false;
  structured_data = std::move(data);
  return true;
}

// After the priority. Leaves the message.
bool take_rfc5424(Cursor& text, Header& header) {
  Cursor at = text;
  Header found;
  if (!at.take('1') || !at.take(' ')) return false;
  if (!take_field(at, found.timestamp) || !take_field(at, found.hostname) ||
      !take_field(at, found.app_name) || !take_field(at, found.proc_id) ||
      !take_field(at, found.msg_id) || !take_structured_data(at, found.structured_data))
    return false;
  if (found.timestamp && !is_rfc3339(*found.timestamp)) return false;
  if (!at.empty() && !at.take(' ')) return false;
  if (at.rest().starts_with(kByteOrderMark)) at.take_bytes(kByteOrderMark.size());
  text = at;
  header = std::move(found);
  return true;
}

// "Oct 11 22:14:15", "Oct  1 …", also with a fraction; or a word as RFC 5424 has it, which many
// senders put there.
std::optional<std::string_view> take_rfc3164_timestamp(Cursor& text) {
  Cursor at = text;
  if (const auto word = at.take_word(); is_rfc3339(word)) {
    at.take(' ');
    text = at;
    return word;
  }
  at = text;
  if (std::ranges::find(kMonths, at.take_bytes(3)) == kMonths.end()) return std::nullopt;
  if (!at.take(' ')) return std::nullopt;
  at.take(' ');
  const auto day = at.take_while(is_digit);
  if (day.empty() || day.size() > 2 || !at.take(' ')) return std::nullopt;
  if (!has_form(at.take_bytes(8), "00:00:00")) return std::nullopt;
  if (at.take('.') && at.take_while(is_digit).empty()) return std::nullopt;
  const auto stamp = text.rest().substr(0, text.rest().size() - at.rest().size());
  if (!at.take(' ') && !at.empty()) return std::nullopt;
  text = at;
  return stamp;
}

bool is_tag_char(char c) {
  return is_alphanumeric(c) || std::string_view("-_./@+%()*#").contains(c);
}

// "su:", "sshd[42]:", "sshd[42]"
bool take_tag(Cursor& text, Header& header) {
  Cursor at = text;
  const auto name = at.take_while(is_tag_char);
  if (name.empty()) return false;
  std::optional<std::string_view> process;
  if (at.take('[')) {
    process = at.take_while([](char c) { return c != ']' && c != ' '; });
    if (process->empty() || !at.take(']')) return false;
  }
  const bool ended = at.take(':') || process;
  if (!ended || (!at.take(' ') && !at.empty())) return false;
  header.app_name = name;
  header.proc_id = process;
  text = at;
  return true;
}

void take_hostname(Cursor& text, Header& header) {
  Cursor at = text;
  const auto name = at.take_while(
      [](char c) { return is_alphanumeric(c) || std::string_view("-_.:%").contains(c); });
  if (name.empty() || (!at.take(' ') && !at.empty())) return;
  header.hostname = name;
  text = at;
}

// After the priority. Leaves the message.
void take_rfc3164(Cursor& text, Header& header) {
  header.timestamp = take_rfc3164_timestamp(text);
  // Local senders leave the host out.
  if (take_tag(text, header) || !header.timestamp) return;
  take_hostname(text, header);
  take_tag(text, header);
}

std::string_view without_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == '\0'))
    text.remove_suffix(1);
  return text;
}

Value text_or_null(const std::optional<std::string_view>& text) {
  return text ? Value(*text) : Value();
}

Object to_object(std::optional<int> priority, Header&& header, std::string_view message,
                 std::string_view format) {
  Object object;
  object.reserve(12);
  object["facility"] =
      priority ? Value(kFacilityNames.at(static_cast<std::size_t>(*priority / kSeverities)))
               : Value();
  object["severity"] =
      priority ? Value(kSeverityNames.at(static_cast<std::size_t>(*priority % kSeverities)))
               : Value();
  object["priority"] = priority ? Value(*priority) : Value();
  object["timestamp"] = text_or_null(header.timestamp);
  object["hostname"] = text_or_null(header.hostname);
  object["app_name"] = text_or_null(header.app_name);
  object["proc_id"] = text_or_null(header.proc_id);
  object["msg_id"] = text_or_null(header.msg_id);
  object["structured_data"] = std::move(header.structured_data);
  object["message"] = message;
  object["format"] = format;
  return object;
}

Object parse_valid(std::string_view text) {
  Cursor at(text);
  Header header;
  const auto priority = take_priority(at);
  if (!priority) return to_object(priority, {}, text, "raw");
  if (take_rfc5424(at, header)) {
    return to_object(priority, std::move(header), at.rest(), "rfc5424");
  }
  take_rfc3164(at, header);
  return to_object(priority, std::move(header), at.rest(), "rfc3164");
}

}  // namespace

Object parse_message(std::string_view bytes) {
  bytes = without_end(bytes);
  const std::string text = valid_utf8(bytes);
  Object message = parse_valid(text);
  if (text != bytes) message["invalid_utf8"] = true;
  return message;
}

}  // namespace millrace::syslog
