// SPDX-License-Identifier: Apache-2.0
#include "working_memory.hpp"

#include <utility>

#include "join.hpp"

namespace millrace::rules {

std::size_t WorkingMemory::bytes_of(const Entry& entry) {
  return entry.document->bytes() + sizeof(Entry);
}

EntryId WorkingMemory::add(DocumentPtr document, Instant now, bool is_fact) {
  const EntryId id = entries_.add();
  Entry& entry = entries_[id];
  entry.document = std::move(document);
  entry.arrival = arrivals_++;
  entry.inserted = now;
  entry.is_fact = is_fact;
  entry.older = newest_;
  (newest_ == kNoEntry ? oldest_ : entries_[newest_].newer) = id;
  newest_ = id;
  bytes_ += bytes_of(entry);
  return id;
}

void WorkingMemory::remove(EntryId id) {
  Entry& entry = entries_[id];
  for (RowId row = entry.rows; row != Slab<Row>::kNone;) {
    const RowId next = rows_[row].next;
    rows_[row].memory->remove(row);
    row = next;
  }
  (entry.older == kNoEntry ? oldest_ : entries_[entry.older].newer) = entry.newer;
  (entry.newer == kNoEntry ? newest_ : entries_[entry.newer].older) = entry.older;
  bytes_ -= bytes_of(entry);
  entries_.remove(id);
}

}  // namespace millrace::rules
