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

/// The place of an entry in one index of one condition that it waits as: in the list of the entries
/// of one key.
struct Link {
  std::uint64_t key = 0;
  JoinMemory* memory = nullptr;
  Slab<Link>::Id older = Slab<Link>::kNone;  ///< in the list
  Slab<Link>::Id newer = Slab<Link>::kNone;
  Slab<Link>::Id next = Slab<Link>::kNone;  ///< of the same entry
  std::uint32_t entry = ~std::uint32_t{0};
  std::uint32_t index : 31 = 0;
  std::uint32_t first : 1 = 0;  ///< of the entry in this memory
};
using LinkId = Slab<Link>::Id;

/// An event or fact that is kept. Its document is shared by all that hold it.
struct Entry {
  DocumentPtr document;
  std::uint64_t arrival = 0;  ///< entries are numbered as they come
  Instant inserted;
  bool is_fact = false;
  TimerId life = TimerWheel::kNone;  ///< ends its life; of facts there is none
  LinkId links = Slab<Link>::kNone;
};
using EntryId = Slab<Entry>::Id;
inline constexpr EntryId kNoEntry = Slab<Entry>::kNone;

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
  std::size_t rows() const { return rows_; }
  /// Of documents and of what keeps them, roughly.
  std::size_t bytes() const { return bytes_; }

  Slab<Link>& links() { return links_; }
  const Slab<Link>& links() const { return links_; }
  void count_row() { ++rows_; }
  void uncount_row() { --rows_; }
  /// Fetches what removing the entry will need.
  void prefetch(EntryId id) const;

 private:
  static std::size_t bytes_of(const Entry& entry);

  Slab<Entry> entries_;
  Slab<Link> links_;
  std::size_t rows_ = 0;
  std::uint64_t arrivals_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace millrace::rules
