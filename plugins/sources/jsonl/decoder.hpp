// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "millrace/base/result.hpp"

namespace millrace::jsonl {

/// Unpacks one compressed stream, frame after frame, as its bytes come in. One thread at a time.
class Decoder {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  virtual ~Decoder() = default;

  /// Takes what it can from `packed` and writes what fits to `into`. When `into` is filled there
  /// may be more without further input. Errors: corrupt, with the library's reason.
  virtual Result<Step> decode(std::span<const char> packed, std::span<char> into) = 0;
  /// Whether the stream may end here: at the end of a frame.
  virtual bool complete() const = 0;
  virtual std::string_view format() const = 0;
};

enum class Format { plain, gzip, zstd };

/// What a file that starts so is; nothing when more bytes are needed to tell. Suffixes of file
/// names do not count.
std::optional<Format> detect_format(std::string_view start);

/// Errors: io when the library cannot start. nullptr for plain.
Result<std::unique_ptr<Decoder>> make_decoder(Format format);

}  // namespace millrace::jsonl
