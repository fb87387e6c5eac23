// SPDX-License-Identifier: Apache-2.0
#include "working_memory.hpp"

#include <algorithm>
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
  bytes_ += bytes_of(entry);
  return id;
}

void WorkingMemory::remove(EntryId id) {
  const Entry& entry = entries_[id];
  for (LinkId link = entry.links; link != Slab<Link>::kNone;) {
    const LinkId next = links_[link].next;
    links_[link].memory->remove(link);
    link = next;
  }
  bytes_ -= bytes_of(entry);
  entries_.remove(id);
}

std::vector<EntryId> WorkingMemory::all() const {
  std::vector<EntryId> ids;
  ids.reserve(size());
  for (EntryId id = 0; id < entries_.end(); ++id) {
    if (entries_[id].document) ids.push_back(id);
  }
  std::ranges::sort(ids, {}, [this](EntryId id) { return entries_[id].arrival; });
  return ids;
}

}  // namespace millrace::rules
