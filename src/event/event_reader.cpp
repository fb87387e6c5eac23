// SPDX-License-Identifier: Apache-2.0
// Paths share their beginnings, so they are kept as a tree: each key of the event is looked up once
// in the children of the node that was reached, and what no path wants is stepped over by the
// parser's own index. The walk is the same for parsed text and for values; a "tree" below is one of
// the two.
//
// What is rare takes the plain way: a dotted key over a list, and everything under `meta` (which
// the engine completes), is made a value and searched with find().

#include "millrace/event/event_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <limits>
#include <optional>

#include "dom_value.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/event/json.hpp"

namespace millrace {
namespace {

using Element = simdjson::dom::element;
constexpr SlotId kNoSlot = std::numeric_limits<SlotId>::max();
constexpr std::size_t kScratchBytes = std::size_t{64} << 10;
constexpr std::string_view kMeta = "meta";

struct Descendant {
  SlotId slot;
  Path rest;  // from the node
};

struct Node {
  struct KeyEdge {
    std::string name;
    bool dotted;
    std::uint32_t node;
    std::int32_t next;  // further edge in the same bucket
  };
  struct IndexEdge {
    Path::Index index;
    std::uint32_t node;
  };

  SlotId slot = kNoSlot;
  std::vector<KeyEdge> keys;
  std::vector<IndexEdge> indices;
  std::vector<Descendant> descendants;  // slots below this node
  std::vector<std::int32_t> buckets;    // of keys, by hash
  std::uint64_t visited = 0;            // number of the event in which the walk last came here

  bool is_leaf() const { return keys.empty() && indices.empty(); }

  static std::size_t hash(std::string_view name) {
    if (name.empty()) return 0;
    const auto first = static_cast<unsigned char>(name.front());
    const auto last = static_cast<unsigned char>(name.back());
    return name.size() * 7 + first * 31U + last * 17U;
  }

  std::int32_t first_edge(std::string_view name) const {
    return buckets.empty() ? -1 : buckets[hash(name) & (buckets.size() - 1)];
  }

  void index_keys() {
    if (keys.empty()) return;
    buckets.assign(std::bit_ceil(keys.size() * 4), -1);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      auto& bucket = buckets[hash(keys[i].name) & (buckets.size() - 1)];
      keys[i].next = bucket;
      bucket = static_cast<std::int32_t>(i);
    }
  }
};

// The paths as a tree of nodes; node 0 is the root.
std::vector<Node> plan(const std::vector<Path>& paths) {
  std::vector<Node> nodes(1);
  const auto child = [&](std::uint32_t parent, const Path::Segment& segment) -> std::uint32_t {
    const auto added = static_cast<std::uint32_t>(nodes.size());
    if (const auto* key = std::get_if<Path::Key>(&segment)) {
      for (const auto& edge : nodes[parent].keys) {
        if (edge.name == key->name && edge.dotted == key->dotted) return edge.node;
      }
      nodes[parent].keys.push_back({key->name, key->dotted, added, -1});
    } else {
      const auto index = std::get<Path::Index>(segment);
      for (const auto& edge : nodes[parent].indices) {
        if (edge.index == index) return edge.node;
      }
      nodes[parent].indices.push_back({index, added});
    }
    nodes.emplace_back();
    return added;
  };
  for (SlotId slot = 0; slot < paths.size(); ++slot) {
    std::uint32_t at = 0;
    Path rest = paths[slot];
    for (const auto& segment : paths[slot].segments()) {
      nodes[at].descendants.push_back({slot, rest});
      at = child(at, segment);
      rest = rest.rest();
    }
    nodes[at].slot = slot;
  }
  child(0, Path::Key{std::string(kMeta), true});  // looked at in every event
  for (auto& node : nodes) node.index_keys();
  return nodes;
}

// Parsed text.
struct DomTree {
  using Item = Element;
  static bool is_object(const Item& item) { return item.is_object(); }
  static bool is_list(const Item& item) { return item.is_array(); }
  static bool is_null(const Item& item) { return item.is_null(); }

  template <class Visit>
  static void each_key(const Item& item, Visit&& visit) {
    const simdjson::dom::object object = item.get_object().value_unsafe();
    for (auto field = object.begin(); field != object.end(); ++field)
      visit(field.key(), field.value());
  }

  static std::optional<Item> at(const Item& item, Path::Index index) {
    const simdjson::dom::array list = item.get_array().value_unsafe();
    if (index < 0)
      index += static_cast<Path::Index>(std::ranges::distance(list.begin(), list.end()));
    if (index < 0) return std::nullopt;
    for (const auto element : list) {
      if (index-- == 0) return element;
    }
    return std::nullopt;
  }

  static Slot slot(const Item& item) {
    Slot slot;
    switch (item.type()) {
      case simdjson::dom::element_type::NULL_VALUE:
        slot.kind = Slot::Kind::null;
        break;
      case simdjson::dom::element_type::BOOL:
        slot.kind = Slot::Kind::boolean;
        slot.boolean = item.get_bool().value_unsafe();
        break;
      case simdjson::dom::element_type::INT64:
        slot.kind = Slot::Kind::integer;
        slot.integer = item.get_int64().value_unsafe();
        break;
      case simdjson::dom::element_type::UINT64:
        slot.kind = Slot::Kind::unsigned_integer;
        slot.unsigned_integer = item.get_uint64().value_unsafe();
        break;
      case simdjson::dom::element_type::DOUBLE:
        slot.kind = Slot::Kind::number;
        slot.number = item.get_double().value_unsafe();
        break;
      case simdjson::dom::element_type::STRING: {
        const auto text = item.get_string().value_unsafe();
        slot.kind = Slot::Kind::string;
        slot.characters = text.data();
        slot.length = static_cast<std::uint32_t>(text.size());
        break;
      }
      case simdjson::dom::element_type::ARRAY:
        slot.kind = Slot::Kind::list;
        break;
      case simdjson::dom::element_type::OBJECT:
        slot.kind = Slot::Kind::object;
        break;
    }
    if (slot.is_container()) slot.container = nullptr;
    return slot;
  }
};

// A value.
struct ValueTree {
  using Item = const Value*;
  static bool is_object(Item item) { return item->is_object(); }
  static bool is_list(Item item) { return item->is_array(); }
  static bool is_null(Item item) { return item->is_null(); }

  template <class Visit>
  static void each_key(Item item, Visit&& visit) {
    for (const auto& entry : item->get_object())
      visit(std::string_view(entry.key()), &entry.value());
  }

  static std::optional<Item> at(Item item, Path::Index index) {
    const auto& list = item->get_array();
    if (index < 0) index += static_cast<Path::Index>(list.size());
    if (index < 0 || static_cast<std::size_t>(index) >= list.size()) return std::nullopt;
    return &list[static_cast<std::size_t>(index)];
  }

  static Slot slot(Item item) { return Slot::of(*item); }
};

}  // namespace

Slot Slot::of(const Value& value) {
  Slot slot;
  switch (value.kind()) {
    case boost::json::kind::null:
      slot.kind = Kind::null;
      break;
    case boost::json::kind::bool_:
      slot.kind = Kind::boolean;
      slot.boolean = value.get_bool();
      break;
    case boost::json::kind::int64:
      slot.kind = Kind::integer;
      slot.integer = value.get_int64();
      break;
    case boost::json::kind::uint64:
      if (value.get_uint64() <=
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        slot.kind = Kind::integer;
        slot.integer = static_cast<std::int64_t>(value.get_uint64());
      } else {
        slot.kind = Kind::unsigned_integer;
        slot.unsigned_integer = value.get_uint64();
      }
      break;
    case boost::json::kind::double_:
      slot.kind = Kind::number;
      slot.number = value.get_double();
      break;
    case boost::json::kind::string:
      slot.kind = Kind::string;
      slot.characters = value.get_string().data();
      slot.length = static_cast<std::uint32_t>(value.get_string().size());
      break;
    case boost::json::kind::array:
      slot.kind = Kind::list;
      slot.container = &value;
      break;
    case boost::json::kind::object:
      slot.kind = Kind::object;
      slot.container = &value;
      break;
  }
  return slot;
}

struct EventReader::Impl {
  Impl(EventReader& reader, const JsonLimits& json_limits)
      : self(reader),
        limits(json_limits),
        nodes(plan(reader.paths_)),
        parser(json_limits.bytes),
        elements(reader.paths_.size()),
        scratch_buffer(std::make_unique_for_overwrite<unsigned char[]>(kScratchBytes)),
        scratch(std::in_place, scratch_buffer.get(), kScratchBytes) {
    for (const auto& edge : nodes[0].keys) {
      if (edge.name != kMeta) continue;
      if (edge.dotted) meta_node = edge.node;
      wants_meta |= nodes[edge.node].slot != kNoSlot || !nodes[edge.node].is_leaf();
    }
    // One level more than allowed is let through to the parser, which counts an empty container as
    // no level.
    static_cast<void>(parser.allocate(kScratchBytes, limits.depth + 1));
  }

  // --- the walk
  // -----------------------------------------------------------------------------------------------------

  void set(SlotId id, Slot slot) {
    if (self.slots_[id].missing()) self.present_.push_back(id);
    self.slots_[id] = slot;
  }

  template <class Tree>
  void set_item(SlotId id, const typename Tree::Item& item) {
    const Slot slot = Tree::slot(item);
    if constexpr (std::is_same_v<Tree, DomTree>) {
      if (slot.is_container()) elements[id] = item;
    }
    set(id, slot);
  }

  // A key that comes twice in one object: only what the last one holds counts.
  void forget(const Node& node) {
    for (const auto& descendant : node.descendants) unset(descendant.slot);
    if (node.slot != kNoSlot) unset(node.slot);
  }
  void unset(SlotId id) {
    if (self.slots_[id].missing()) return;
    self.slots_[id] = Slot();
    std::erase(self.present_, id);
  }

  template <class Tree>
  void walk(std::uint32_t at, const typename Tree::Item& item) {
    Node& node = nodes[at];
    if (node.visited == event_number) forget(node);
    node.visited = event_number;
    if (at == meta_node) note_meta(item);
    if (node.slot != kNoSlot) set_item<Tree>(node.slot, item);
    if (node.is_leaf()) return;
    if (Tree::is_object(item)) {
      walk_object<Tree>(node, item);
    } else if (Tree::is_list(item)) {
      walk_list<Tree>(node, item);
    } else if (Tree::is_null(item)) {
      for (const auto& descendant : node.descendants) set_item<Tree>(descendant.slot, item);
    }
  }

  template <class Tree>
  void walk_object(const Node& node, const typename Tree::Item& item) {
    Tree::each_key(item, [&](std::string_view key, const typename Tree::Item& child) {
      for (auto edge = node.first_edge(key); edge >= 0;
           edge = node.keys[static_cast<std::size_t>(edge)].next) {
        const auto& candidate = node.keys[static_cast<std::size_t>(edge)];
        if (candidate.name == key) walk<Tree>(candidate.node, child);
      }
    });
  }

  template <class Tree>
  void walk_list(const Node& node, const typename Tree::Item& item) {
    for (const auto& edge : node.indices) {
      if (const auto element = Tree::at(item, edge.index)) walk<Tree>(edge.node, *element);
    }
    if (std::ranges::none_of(node.keys, &Node::KeyEdge::dotted)) return;
    const Value& list = whole(item);
    for (const auto& descendant : node.descendants) {
      const auto* key = std::get_if<Path::Key>(&descendant.rest.segments().front());
      if (key != nullptr && key->dotted) set_found(descendant.slot, list, descendant.rest);
    }
  }

  void set_found(SlotId id, const Value& in, const Path& path) {
    const Found found = find(in, path);
    if (!found) return;
    set(id, Slot::of(keep(found)));
  }

  // --- values made for the time of one event
  // -------------------------------------------------------------------------

  const Value& keep(const Found& found) { return scratch_values.emplace_back(*found, storage()); }
  const Value& whole(const Element& element) {
    return scratch_values.emplace_back(to_value(element, storage()));
  }
  const Value& whole(const Value* value) { return *value; }
  boost::json::storage_ptr storage() { return {&*scratch}; }

  void begin() {
    for (const auto id : self.present_) self.slots_[id].kind = Slot::Kind::missing;
    self.present_.clear();
    if (!scratch_values.empty()) {
      scratch_values.clear();
      // Not release(): it would keep doubling the size of the next block.
      scratch.emplace(scratch_buffer.get(), kScratchBytes);
    }
    ++event_number;
    root.reset();
    value_root = nullptr;
    own_meta_element.reset();
    own_meta_value = nullptr;
    built.reset();
    uuid.clear();
    event = nullptr;
  }

  // --- meta
  // ------------------------------------------------------------------------------------------------------------

  // The event's own `meta`, when the walk meets it. That of a wrapped payload, or one given apart,
  // stands beside the data.
  void note_meta(const Element& item) { own_meta_element = item; }
  void note_meta(const Value* item) { own_meta_value = item; }

  Result<> check_own_meta() const {
    const bool wrong = (own_meta_element && !own_meta_element->is_object()) ||
                       (own_meta_value != nullptr && !own_meta_value->is_object());
    if (wrong) return fail(Errc::invalid_event, "`meta` must be an object");
    return {};
  }

  // meta as the rules see it.
  Object complete_meta(const boost::json::storage_ptr& where) {
    Object meta(where);
    if (own_meta_element) {
      meta = Object(to_value(*own_meta_element, where).get_object(), where);
    } else if (own_meta_value != nullptr) {
      meta = Object(own_meta_value->get_object(), where);
    }
    for (const auto& entry : event->meta()) meta.emplace(entry.key(), entry.value());
    if (arrival.origin == nullptr) return meta;
    auto& source = meta.emplace("source", boost::json::object_kind).first->value();
    if (source.is_object()) {
      source.get_object().emplace("name", arrival.origin->name);
      source.get_object().emplace("type", arrival.origin->type);
    }
    if (!meta.contains("received_at")) meta.emplace("received_at", to_iso8601(arrival.received_at));
    if (!meta.contains("uuid")) {
      if (uuid.empty()) uuid = arrival.uuid.empty() ? uuids.next() : std::string(arrival.uuid);
      meta.emplace("uuid", uuid);
    }
    return meta;
  }

  void fill_meta_slots() {
    for (const auto& edge : nodes[0].keys) {
      if (edge.name == kMeta) forget(nodes[edge.node]);
    }
    Object holder(storage());
    holder.emplace(kMeta, complete_meta(storage()));
    const Value& meta = scratch_values.emplace_back(std::move(holder), storage());
    for (const auto& descendant : nodes[0].descendants) {
      if (descendant.rest.first_key() == kMeta) set_found(descendant.slot, meta, descendant.rest);
    }
  }

  // --- reading
  // ---------------------------------------------------------------------------------------------------------

  Result<> parse() {
    const auto text = event->text();
    if (text.size() > limits.bytes) {
      return fail(Errc::invalid_event, "the event has {} bytes, more than the limit of {}",
                  text.size(), limits.bytes);
    }
    Element parsed;
    // The text stays where it is: kTextPadding bytes behind it may be read.
    if (parser.parse(text.data(), text.size(), false).get(parsed) == simdjson::SUCCESS) {
      root = parsed;
      return {};
    }
    auto value = parse_json(
        text, limits, storage());  // says what is wrong, or copes with integers beyond 64 bits
    if (!value) return value.error();
    value_root = &scratch_values.emplace_back(std::move(*value));
    return {};
  }

  template <class Tree>
  Result<> take(const typename Tree::Item& item) {
    const auto wrap = event->wrap_key();
    if (wrap.empty()) {
      if (!Tree::is_object(item))
        return fail(Errc::invalid_event, "an event must be a JSON object");
      walk<Tree>(0, item);
    } else {
      nodes[0].visited = event_number;
      for (auto edge = nodes[0].first_edge(wrap); edge >= 0;
           edge = nodes[0].keys[static_cast<std::size_t>(edge)].next) {
        const auto& candidate = nodes[0].keys[static_cast<std::size_t>(edge)];
        if (candidate.name == wrap) walk<Tree>(candidate.node, item);
      }
    }
    if (auto meta = check_own_meta(); !meta) return meta;
    if (wants_meta) fill_meta_slots();
    return {};
  }

  Value build(const boost::json::storage_ptr& where) {
    Value data = root ? to_value(*root, where) : Value(*value_root, where);
    if (!event->wrap_key().empty()) {
      Object wrapped(where);
      wrapped.emplace(event->wrap_key(), std::move(data));
      data = std::move(wrapped);
    }
    if (arrival.origin != nullptr || !event->meta().empty()) {
      Object meta = complete_meta(where);
      auto& place = data.get_object()[kMeta];
      place = std::move(meta);
    }
    return data;
  }

  EventReader& self;
  const JsonLimits limits;
  std::vector<Node> nodes;
  std::uint32_t meta_node = 0;
  bool wants_meta = false;
  simdjson::dom::parser parser;
  std::vector<Element> elements;  // of slots that hold containers, from text
  const std::unique_ptr<unsigned char[]> scratch_buffer;
  std::optional<boost::json::monotonic_resource> scratch;
  std::deque<Value> scratch_values;
  UuidGenerator uuids;
  std::uint64_t event_number = 0;

  // Of the event that was read last.
  Event* event = nullptr;
  Arrival arrival;
  std::optional<Element> root;  // parsed text
  std::optional<Element> own_meta_element;
  const Value* value_root = nullptr;
  const Value* own_meta_value = nullptr;
  std::string uuid;
  DocumentPtr built;
};

EventReader::EventReader(std::vector<Path> paths, const JsonLimits& limits)
    : paths_(std::move(paths)),
      slots_(paths_.size()),
      impl_(std::make_unique<Impl>(*this, limits)) {
  present_.reserve(paths_.size());
}

EventReader::~EventReader() = default;

Result<> EventReader::read(Event& event, const Arrival& arrival) {
  Impl& impl = *impl_;
  impl.begin();
  impl.event = &event;
  impl.arrival = arrival;
  if (event.is_text()) {
    if (auto parsed = impl.parse(); !parsed) return parsed;
  } else {
    impl.value_root = &event.data();
  }
  return impl.root ? impl.take<DomTree>(*impl.root) : impl.take<ValueTree>(impl.value_root);
}

void EventReader::read(const Value& value) {
  impl_->begin();
  impl_->walk<ValueTree>(0, &value);
}

const Value& EventReader::container(SlotId id) {
  Slot& slot = slots_[id];
  if (slot.container == nullptr) slot.container = &impl_->whole(impl_->elements[id]);
  return *slot.container;
}

void EventReader::each_item(SlotId id, const std::function<bool(const Slot&)>& visit) {
  if (slots_[id].container != nullptr) {
    for (const auto& item : slots_[id].container->get_array()) {
      if (!visit(Slot::of(item))) return;
    }
    return;
  }
  for (const auto item : impl_->elements[id].get_array().value_unsafe()) {
    if (!visit(DomTree::slot(item))) return;
  }
}

DocumentPtr EventReader::document() {
  Impl& impl = *impl_;
  if (!impl.built) {
    const auto estimate = impl.event->is_text() ? impl.event->text().size() * 2 : std::size_t{1024};
    impl.built = Document::make(
        estimate, [&](const boost::json::storage_ptr& where) { return impl.build(where); });
  }
  return impl.built;
}

std::string_view EventReader::uuid() const { return impl_->uuid; }

}  // namespace millrace
