// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "millrace/base/files.hpp"
#include "millrace/base/result.hpp"
#include "millrace/pipeline/journal.hpp"

namespace millrace::pipeline {

/// The files of a journal: DIR/journal-1, and its successors. Each write is a frame with its size
/// and a checksum, so that what was written in part is known. A new file is complete on the disk
/// before it gets its name, and the old one goes. Blocks; one thread at a time.
class JournalFile {
 public:
  JournalFile(std::filesystem::path folder, JournalOptions::Sync sync);
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  struct Past {
    std::string lines;               ///< whole ones
    std::uint64_t broken_bytes = 0;  ///< at the end: of a write that was not finished
  };
  /// Locks the folder, which is made if there is none, and reads the newest file. Errors: conflict,
  /// corrupt, those of files.
  Result<Past> open();
  /// Begins the next file with these lines. Errors: those of files; then the old one stands.
  Result<> begin(std::string_view lines);
  /// Errors: io; then nothing more can be appended to this file.
  Result<> append(std::string_view lines);
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::filesystem::path name(std::uint64_t number) const;
  Result<> lock();
  Result<> write_frames(std::string_view lines);
  void remove_others() const;

  const std::filesystem::path folder_;
  const JournalOptions::Sync sync_;
  FileDescriptor lock_;
  FileDescriptor file_;
  std::uint64_t number_ = 0;
  std::uint64_t bytes_ = 0;
  std::string frame_;  // kept for its memory
};

}  // namespace millrace::pipeline
