// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace millrace {

/// JSON. 64-bit integers and doubles are kept apart, objects keep the order of their keys (use
/// stable_erase). Boost.JSON's types are the project's vocabulary here, and the only third-party
/// types that `event` shows.
using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;
using String = boost::json::string;

/// Bounds on what is read from outside; beyond them reading fails with Errc::invalid_event.
struct JsonLimits {
  std::size_t depth = 128;
  std::size_t bytes = std::size_t{16} << 20;
};

inline std::string_view view(const String& text) { return {text.data(), text.size()}; }

/// A JSON value that never changes, together with the memory it lives in: built once, freed at
/// once. Shared by everything that holds the event: activations, working memory, actions.
class Document {
 public:
  /// `build` gets the storage in which the value must be made; `estimate` is a guess of its size in
  /// bytes.
  template <class Build>
  static std::shared_ptr<const Document> make(std::size_t estimate, Build&& build) {
    if (estimate < kLeastRoom) estimate = kLeastRoom;
    std::byte* room = nullptr;
    const auto document = std::allocate_shared<Document>(RoomyAllocator<Document>(estimate, room),
                                                         Private{}, room, estimate);
    document->value_ = std::forward<Build>(build)(boost::json::storage_ptr(&document->memory_));
    return document;
  }
  /// A copy of `value` in memory of its own.
  static std::shared_ptr<const Document> copy_of(const Value& value);

  const Value& value() const { return value_; }
  /// Memory that it was given at first; a guess of what it takes.
  std::size_t bytes() const { return bytes_; }
  /// The value as an object; an empty object if it is none.
  const Object& object() const;

  struct Private {};
  Document(Private, std::byte*& room, std::size_t size)
      : bytes_(size), memory_(reinterpret_cast<unsigned char*>(room), size), value_(&memory_) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

 private:
  static constexpr std::size_t kLeastRoom = 256;

  // Allocates room behind the document in the same block: an event is one allocation.
  template <class T>
  struct RoomyAllocator {
    using value_type = T;
    RoomyAllocator(std::size_t size, std::byte*& where) : room_size(size), room(&where) {}
    template <class U>
    RoomyAllocator(const RoomyAllocator<U>& other)  // NOLINT(google-explicit-constructor)
        : room_size(other.room_size), room(other.room) {}
    T* allocate(std::size_t count) {
      auto* block = static_cast<std::byte*>(::operator new(count * sizeof(T) + room_size));
      *room = block + count * sizeof(T);
      return reinterpret_cast<T*>(block);
    }
    void deallocate(T* block, std::size_t) { ::operator delete(block); }
    friend bool operator==(const RoomyAllocator&, const RoomyAllocator&) { return true; }
    std::size_t room_size;
    std::byte** room;  // of the caller; used by allocate() only
  };

  const std::size_t bytes_;
  boost::json::monotonic_resource memory_;
  Value value_;
};
using DocumentPtr = std::shared_ptr<const Document>;

/// Deep equality as conditions see it inside lists and objects: 1 and 1.0 differ; the order of keys
/// does not matter.
bool identical(const Value& a, const Value& b);

}  // namespace millrace
