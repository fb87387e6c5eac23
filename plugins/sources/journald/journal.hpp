// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

struct sd_journal;

namespace millrace::journald {

/// Entries of a journal, by libsystemd. Every member may block: any thread, one at a time.
class Journal {
 public:
  struct Options {
    std::string path;   ///< a directory or a file; empty: the system's own
    std::string match;  ///< FIELD=value; empty: every entry
  };
  struct Entry {
    Object fields;
    std::string cursor;  ///< where it stands
  };
  struct Batch {
    std::vector<Entry> entries;
    bool more = false;  ///< the batch was full
  };

  /// Errors: not_found, permission_denied, io; invalid_settings for a match that is none.
  static Result<std::shared_ptr<Journal>> open(const Options& options);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  /// Readable when there may be more; read() takes note of it.
  int descriptor() const { return descriptor_; }

  /// The next entry to be read is the last one that there is.
  Result<> seek_last();
  /// The next entry to be read is the one after this; when it is gone, the first that is later.
  Result<> seek_after(const std::string& cursor);
  /// Up to `most` entries. Errors: io, corrupt.
  Result<Batch> read(std::size_t most);

 private:
  explicit Journal(sd_journal* journal) : journal_(journal) {}
  Result<bool> advance();
  Result<Entry> entry();

  sd_journal* const journal_;
  int descriptor_ = -1;
  bool at_next_ = false;  // the entry at hand has not been read
};

}  // namespace millrace::journald
