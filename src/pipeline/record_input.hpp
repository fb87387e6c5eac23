// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/base/files.hpp"
#include "millrace/base/result.hpp"

struct ZSTD_DCtx_s;

namespace millrace::pipeline {

/// The lines of one file of a record: zstd, or plain text. Lines of a frame are handed out when the
/// whole frame was found sound; of a frame larger than the recorder makes them (somebody has packed
/// the file anew), as they come. Blocks. One thread.
class RecordInput {
 public:
  /// Errors: not_found, permission_denied, io.
  static Result<std::unique_ptr<RecordInput>> open(const std::string& file);
  RecordInput(const RecordInput&) = delete;
  RecordInput& operator=(const RecordInput&) = delete;
  ~RecordInput();

  /// Without its end, with kTextPadding readable bytes behind it; valid until the next call.
  /// Nothing at the end. Errors: corrupt, after the last sound line; io.
  Result<std::optional<std::string_view>> next();
  /// Lines had so far.
  std::uint64_t count() const { return count_; }

 private:
  explicit RecordInput(FileDescriptor file);
  std::optional<std::string_view> take_line();
  Result<> more();
  Result<> refill();
  Result<> unpack();
  void copy_plain();
  void make_room(std::size_t bytes);

  FileDescriptor file_;
  std::string packed_;  ///< read, and used up to used_
  std::size_t used_ = 0;
  bool begun_ = false;
  bool plain_ = false;
  bool in_frame_ = false;
  bool file_ended_ = false;
  std::unique_ptr<ZSTD_DCtx_s, void (*)(ZSTD_DCtx_s*)> unpacker_;
  std::string text_;          ///< unpacked, and padding
  std::size_t filled_ = 0;    ///< of text_
  std::size_t sound_ = 0;     ///< of these
  std::size_t begin_ = 0;     ///< of the next line
  std::size_t searched_ = 0;  ///< no line end before
  std::optional<Error> fault_;
  std::uint64_t count_ = 0;
};

}  // namespace millrace::pipeline
