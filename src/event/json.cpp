// SPDX-License-Identifier: Apache-2.0
#include "millrace/event/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "dom_value.hpp"

namespace millrace {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kNumber = "+-.0123456789Ee";
constexpr std::size_t kDigitsThatAlwaysFit = 18;  // of a 64-bit integer

bool fits_64_bits(std::string_view digits) {
  const auto parses = [&](auto number) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc();
  };
  return digits.size() <= kDigitsThatAlwaysFit || parses(std::int64_t{}) || parses(std::uint64_t{});
}

// The end of the string that begins at `at`, behind its closing quote.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// simdjson refuses integers beyond 64 bits. With an exponent they are doubles, and rounded as
// exactly as all others.
std::optional<std::string> with_wide_integers_as_doubles(std::string_view text) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
    } else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
      const std::size_t end = std::min(text.find_first_not_of(kNumber, at), text.size());
      const auto number = text.substr(at, end - at);
      if (number.find_first_of(".eE") == std::string_view::npos && !fits_64_bits(number)) {
        out.append(text.substr(copied, end - copied)).append("e0");
        copied = end;
      }
      at = end;
    } else {
      ++at;
    }
  }
  if (copied == 0) return std::nullopt;
  return out.append(text.substr(copied));
}

// " at line 3, column 7", as far as a second, incremental parser comes; nothing if that one sees no
// fault.
std::string place_of_fault(std::string_view text, std::size_t depth) {
  boost::json::parse_options options;
  options.max_depth = depth;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code error;
  std::size_t offset = parser.write_some(text.data(), text.size(), error);
  if (!error && offset == text.size()) parser.finish(error);
  if (!error && offset == text.size()) return {};
  offset = std::min(offset, text.size());
  const auto before = text.substr(0, offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto column = offset - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return fmt::format(" at line {}, column {}", line, column);
}

std::string reason(simdjson::error_code code, const JsonLimits& limits) {
  switch (code) {
    case simdjson::EMPTY:
      return "there is no text";
    case simdjson::UTF8_ERROR:
      return "invalid UTF-8";
    case simdjson::DEPTH_ERROR:
      return fmt::format("nested deeper than {} levels", limits.depth);
    case simdjson::NUMBER_ERROR:
      return "malformed number, or one beyond the range of a double";
    case simdjson::STRING_ERROR:
      return "malformed escape in a string, or half of a surrogate pair";
    case simdjson::UNCLOSED_STRING:
      return "a string is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "a control character in a string is not escaped";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "unknown word; true, false and null are known";
    case simdjson::TAPE_ERROR:
      return "a comma, colon, bracket, brace, key or value is missing or too many";
    default:
      return simdjson::error_message(code);
  }
}

Error fault(std::string_view text, simdjson::error_code code, const JsonLimits& limits) {
  if (text.starts_with(kByteOrderMark))
    return fail(Errc::invalid_event, "invalid JSON: starts with a byte order mark");
  return fail(Errc::invalid_event, "invalid JSON{}: {}", place_of_fault(text, limits.depth),
              reason(code, limits));
}

// Writes a value; recursive, and so as deep as the value.
class JsonWriter {
 public:
  enum class Layout { compact, indented };
  explicit JsonWriter(Layout layout) : layout_(layout) {}

  void write(const Value& value) {
    switch (value.kind()) {
      case boost::json::kind::null:
        out_ += "null";
        break;
      case boost::json::kind::bool_:
        out_ += value.get_bool() ? "true" : "false";
        break;
      case boost::json::kind::int64:
        append_number(value.get_int64());
        break;
      case boost::json::kind::uint64:
        append_number(value.get_uint64());
        break;
      case boost::json::kind::double_:
        write_double(value.get_double());
        break;
      case boost::json::kind::string:
        write_string(view(value.get_string()));
        break;
      case boost::json::kind::array:
        write_array(value.get_array());
        break;
      case boost::json::kind::object:
        write_object(value.get_object());
        break;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  std::string_view append_number(auto number) {
    std::array<char, 32> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled at once
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out_.append(digits.data(), end);
    return std::string_view(out_).substr(out_.size() -
                                         static_cast<std::size_t>(end - digits.data()));
  }

  void write_double(double number) {
    if (!std::isfinite(number)) {
      out_ += "null";
    } else if (append_number(number).find_first_of(".e") == std::string_view::npos) {
      out_ += ".0";
    }
  }

  void write_string(std::string_view text) {
    out_ += '"';
    std::size_t plain = 0;  // where the run of characters that need no escape began
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
      out_.append(text.substr(plain, at - plain));
      plain = at + 1;
      write_escape(c);
    }
    out_.append(text.substr(plain)) += '"';
  }

  void write_escape(char c) {
    out_ += '\\';
    switch (c) {
      case '\b':
        out_ += 'b';
        break;
      case '\f':
        out_ += 'f';
        break;
      case '\n':
        out_ += 'n';
        break;
      case '\r':
        out_ += 'r';
        break;
      case '\t':
        out_ += 't';
        break;
      case '"':
      case '\\':
        out_ += c;
        break;
      default:
        fmt::format_to(std::back_inserter(out_), "u{:04x}", static_cast<unsigned>(c));
    }
  }

  void write_array(const Array& array) {
    out_ += '[';
    ++depth_;
    for (const auto& item : array) {
      begin_item(&item == array.data());
      write(item);
    }
    end_items(array.empty());
    out_ += ']';
  }

  void write_object(const Object& object) {
    out_ += '{';
    ++depth_;
    for (const auto& entry : object) {
      begin_item(&entry == object.begin());
      write_string(entry.key());
      out_ += layout_ == Layout::indented ? ": " : ":";
      write(entry.value());
    }
    end_items(object.empty());
    out_ += '}';
  }

  void begin_item(bool first) {
    if (!first) out_ += ',';
    break_line();
  }

  void end_items(bool empty) {
    --depth_;
    if (!empty) break_line();
  }

  void break_line() {
    if (layout_ == Layout::indented) out_.append(1, '\n').append(2 * depth_, ' ');
  }

  const Layout layout_;
  std::size_t depth_ = 0;
  std::string out_;
};

std::string written(const Value& value, JsonWriter::Layout layout) {
  JsonWriter writer(layout);
  writer.write(value);
  return writer.take();
}

}  // namespace

Result<Value> parse_json(std::string_view text, const JsonLimits& limits,
                         boost::json::storage_ptr storage) {
  if (text.size() > limits.bytes) {
    return fail(Errc::invalid_event, "invalid JSON: {} bytes are more than the {} allowed",
                text.size(), limits.bytes);
  }
  if (text.empty()) return fault(text, simdjson::EMPTY, limits);
  simdjson::dom::parser parser;
  auto code = parser.allocate(text.size(), limits.depth + 1);
  if (code != simdjson::SUCCESS) return fault(text, code, limits);

  simdjson::dom::element root;
  code = parser.parse(text.data(), text.size()).get(root);
  if (code == simdjson::NUMBER_ERROR) {
    if (const auto widened = with_wide_integers_as_doubles(text))
      code = parser.parse(*widened).get(root);
  }
  if (code == simdjson::SUCCESS && nested_deeper_than(root, limits.depth))
    code = simdjson::DEPTH_ERROR;
  if (code != simdjson::SUCCESS) return fault(text, code, limits);
  return to_value(root, std::move(storage));
}

std::string to_json(const Value& value) { return written(value, JsonWriter::Layout::compact); }

std::string to_pretty_json(const Value& value) {
  return written(value, JsonWriter::Layout::indented);
}

}  // namespace millrace
