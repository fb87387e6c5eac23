// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "millrace/base/files.hpp"
#include "millrace/base/result.hpp"
#include "millrace/pipeline/recorder.hpp"

struct ZSTD_CCtx_s;

namespace millrace::pipeline {

/// The files of a record, written. Each call adds one zstd frame with a checksum, so that a reader
/// trusts nothing that was damaged or only half written. Blocks; one thread at a time.
class RecordFile {
 public:
  RecordFile(RecordOptions options, RecordHeader header);
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;
  ~RecordFile();

  /// Errors: those of opening a file, io.
  Result<> open(WallTime started);
  /// Whole lines. Errors: io.
  Result<> write(std::string_view lines);
  void close() { file_.close(); }
  /// To all files.
  std::uint64_t bytes() const { return bytes_before_ + bytes_; }

 private:
  Result<> begin();
  Result<> shift();
  Result<> next_file();
  Result<> write_header();
  Result<std::string_view> compress(std::string_view lines);
  Result<> append(std::string_view frame);

  const RecordOptions options_;
  RecordHeader header_;
  bool rotates_ = true;  ///< not devices and pipes
  FileDescriptor file_;
  std::uint64_t bytes_ = 0;  ///< in the file
  bool has_lines_ = false;   ///< behind its header
  std::uint64_t bytes_before_ = 0;
  std::unique_ptr<ZSTD_CCtx_s, void (*)(ZSTD_CCtx_s*)> compressor_;
  std::string frame_;
};

/// FILE for 0, FILE.2 for 2.
std::string record_name(const std::string& file, std::size_t number);

}  // namespace millrace::pipeline
