// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decoder.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/result.hpp"

namespace millrace::jsonl {

/// The bytes of a file or of standard input, unpacked when they are gzip or zstd. Blocks: used on
/// the pool, one thread at a time.
class Input {
 public:
  struct Piece {
    std::size_t bytes = 0;
    bool end = false;
  };

  /// `path`, or "-" for standard input. A named pipe is opened without waiting for its writer.
  /// Errors: not_found, permission_denied, io; they name the file, as those of read() do.
  static Result<std::unique_ptr<Input>> open(const std::string& path);

  /// Fills the start of `into`, with one read of the file at most. No bytes and no end: more of the
  /// file is needed. Errors: io; corrupt when a compressed file is damaged or cut short.
  Result<Piece> read(std::span<char> into);
  /// Whether the next read() can do without the file.
  bool has_pending() const { return begin_ < packed_.size() || more_inside_ || file_ended_; }

  int descriptor() const { return file_.get(); }
  const std::string& name() const { return name_; }
  /// How much of a regular file has been read, from 0 to 1; nothing of other files.
  std::optional<double> fraction_read() const;

 private:
  static constexpr std::size_t kPackedBytes = std::size_t{256} << 10;

  Input(FileDescriptor file, std::string name);
  Result<std::size_t> read_file(std::span<char> into);
  Result<> refill();
  Result<> detect();
  Result<Piece> read_plain(std::span<char> into);
  Result<Piece> unpack(std::span<char> into);
  std::span<const char> packed() const { return std::span(packed_).subspan(begin_); }

  const FileDescriptor file_;
  const std::string name_;
  std::uint64_t size_ = 0;  ///< of a regular file, when it was opened; 0: empty, or something else
  std::uint64_t read_ = 0;  ///< bytes
  std::optional<Format> format_;      ///< nothing: not told apart yet
  std::unique_ptr<Decoder> decoder_;  ///< of a compressed format
  std::vector<char> packed_;          ///< read from the file, but not yet handed on from begin_ on
  std::size_t begin_ = 0;
  bool more_inside_ = false;  ///< the decoder may have more without input
  bool file_ended_ = false;
};

}  // namespace millrace::jsonl
