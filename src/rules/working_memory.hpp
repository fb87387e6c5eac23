// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/event/value.hpp"
#include "slab.hpp"
#include "timer_wheel.hpp"

namespace millrace::rules {

class JoinMemory;
struct Row;

/// An event or fact that is kept. Its document is shared by all that hold it.
struct Entry {
  DocumentPtr document;
  std::uint64_t arrival = 0;  ///< entries are numbered as they come
  Instant inserted;
  bool is_fact = false;
  TimerId life = TimerWheel::kNone;  ///< ends its life; of facts there is none
  Slab<Row>::Id rows = Slab<Row>::kNone;
};
using EntryId = Slab<Entry>::Id;
inline constexpr EntryId kNoEntry = Slab<Entry>::kNone;

/// An entry waiting as one condition of one rule: a partial match.
struct Row {
  EntryId entry = kNoEntry;
  JoinMemory* memory = nullptr;
  Slab<Row>::Id next = Slab<Row>::kNone;    ///< of the same entry
  std::uint32_t links = ~std::uint32_t{0};  ///< its places in the memory's indices
};
using RowId = Slab<Row>::Id;

/// A row's place in one index: a list of the rows of one key.
struct Link {
  std::uint64_t key = 0;
  RowId row = Slab<Row>::kNone;
  std::uint32_t older = ~std::uint32_t{0};  ///< in the list
  std::uint32_t newer = ~std::uint32_t{0};
  std::uint32_t next = ~std::uint32_t{0};  ///< of the same row
  std::uint32_t index = 0;
};
using LinkId = Slab<Link>::Id;

/// The events and facts that are kept.
class WorkingMemory {
 public:
  EntryId add(DocumentPtr document, Instant now, bool is_fact);
  /// Takes it out of every join that it waits in, too.
  void remove(EntryId id);

  Entry& operator[](EntryId id) { return entries_[id]; }
  const Entry& operator[](EntryId id) const { return entries_[id]; }
  /// In the order in which they came. Takes time: it looks at all.
  std::vector<EntryId> all() const;
  std::size_t size() const { return entries_.size(); }
  /// Partial matches: an entry counts once for each condition as which it waits.
  std::size_t rows() const { return rows_.size(); }
  /// Of documents and of what keeps them, roughly.
  std::size_t bytes() const { return bytes_; }

  Slab<Row>& row_slab() { return rows_; }
  const Slab<Row>& row_slab() const { return rows_; }
  Slab<Link>& link_slab() { return links_; }

 private:
  static std::size_t bytes_of(const Entry& entry);

  Slab<Entry> entries_;
  Slab<Row> rows_;
  Slab<Link> links_;
  std::uint64_t arrivals_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace millrace::rules
