// SPDX-License-Identifier: Apache-2.0
#include "text_decoder.hpp"

#include <iconv.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::kafka {
namespace {

constexpr std::string_view kMark = "\xef\xbb\xbf";

const auto kNoConverter = reinterpret_cast<iconv_t>(-1);

class Converter {
 public:
  explicit Converter(const std::string& from) : handle_(::iconv_open("UTF-8", from.c_str())) {}
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() {
    if (works()) ::iconv_close(handle_);
  }
  bool works() const { return handle_ != kNoConverter; }

  std::optional<std::string> run(std::string_view bytes) {
    std::string text;
    std::array<char, 4096> piece{};
    char* in = const_cast<char*>(bytes.data());
    std::size_t left = bytes.size();
    while (left > 0) {
      char* out = piece.data();
      std::size_t room = piece.size();
      const bool failed = ::iconv(handle_, &in, &left, &out, &room) == static_cast<std::size_t>(-1);
      text.append(piece.data(), piece.size() - room);
      if (failed && errno != E2BIG) return std::nullopt;
    }
    return text;
  }

 private:
  iconv_t handle_;
};

// "UTF_8" and "utf8" are "utf-8", as in Python.
std::string normal(std::string_view name) {
  std::string text(trim(name));
  std::ranges::transform(text, text.begin(), [](char c) {
    if (c == '_' || c == ' ') return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  // The byte order is part of the name: "utf-16-le" is another thing to iconv.
  if (text.starts_with("utf-") && (text.ends_with("-le") || text.ends_with("-be")))
    text.erase(text.size() - 3, 1);
  return text;
}

}  // namespace

Result<TextDecoder> TextDecoder::of(std::string_view encoding) {
  TextDecoder decoder;
  const auto name = normal(encoding);
  decoder.strips_mark_ = name == "utf-8-sig";
  if (name == "utf-8" || name == "utf8" || name == "u8" || decoder.strips_mark_) return decoder;
  if (name == "ascii" || name == "us-ascii") {
    decoder.kind_ = Kind::ascii;
    return decoder;
  }
  decoder.kind_ = Kind::other;
  decoder.name_ = name == "latin-1" || name == "latin" || name == "l1" ? "iso-8859-1" : name;
  if (decoder.name_.contains('/') || !Converter(decoder.name_).works())
    return fail(Errc::invalid_settings, "unknown encoding: {}", encoding);
  return decoder;
}

std::optional<std::string> TextDecoder::decode(std::string_view bytes) const {
  if (kind_ == Kind::other) return Converter(name_).run(bytes);
  if (kind_ == Kind::ascii) {
    if (std::ranges::any_of(bytes, [](char c) { return static_cast<unsigned char>(c) > 127; }))
      return std::nullopt;
    return std::string(bytes);
  }
  if (!simdjson::validate_utf8(bytes.data(), bytes.size())) return std::nullopt;
  if (strips_mark_ && bytes.starts_with(kMark)) bytes.remove_prefix(kMark.size());
  return std::string(bytes);
}

}  // namespace millrace::kafka
