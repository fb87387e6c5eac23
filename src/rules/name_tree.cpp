// SPDX-License-Identifier: Apache-2.0
#include "name_tree.hpp"

#include <algorithm>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/rules/advice.hpp"

namespace millrace::rules {
namespace {

std::string without_digits(std::string_view name) {
  std::string out(name);
  std::erase_if(out, [](char c) { return c >= '0' && c <= '9'; });
  return out;
}

}  // namespace

const NameTree* NameTree::find(std::string_view name) const {
  const auto found = below.find(name);
  return found == below.end() ? nullptr : found->second.get();
}

NameTree& NameTree::get(std::string_view name) {
  auto found = below.find(name);
  if (found == below.end())
    found = below.emplace(std::string(name), std::make_unique<NameTree>()).first;
  return *found->second;
}

std::size_t add_names(const Value& value, NameTree& tree, std::size_t room) {
  std::size_t added = 0;
  if (const auto* list = value.if_array()) {
    for (const auto& item : *list) added += add_names(item, tree, room - added);
  } else if (const auto* object = value.if_object()) {
    for (const auto& [key, inner] : *object) {
      if (tree.find(key) == nullptr) {
        if (added == room) break;
        ++added;
      }
      added += add_names(inner, tree.get(key), room - added);
    }
  }
  return added;
}

std::vector<std::string_view> names_of(const Path& path) {
  std::vector<std::string_view> names;
  for (const auto& segment : path.segments()) {
    if (const auto* key = std::get_if<Path::Key>(&segment)) names.emplace_back(key->name);
  }
  return names;
}

Path renamed(const Path& path, std::size_t n, const std::string& name) {
  auto segments = path.segments();
  for (auto& segment : segments) {
    auto* key = std::get_if<Path::Key>(&segment);
    if (key == nullptr || n-- > 0) continue;
    key->name = name;
    key->dotted = key->dotted && name_length(name) == name.size();
    break;
  }
  return Path(std::move(segments));
}

std::optional<std::string> slip_of(std::string_view name, const std::vector<std::string>& others,
                                   std::size_t most) {
  std::vector<std::string> near;
  for (const auto& other : others) {
    const auto shorter = std::min(name.size(), other.size());
    const auto longer = std::max(name.size(), other.size());
    const std::size_t bound = std::min(most, longer / 4);
    if (longer - shorter > bound) continue;
    const auto distance = edit_distance(name, other);
    if (distance > 0 && distance <= bound && without_digits(name) != without_digits(other))
      near.push_back(other);
  }
  return nearest(name, near);
}

SampleEvents::SampleEvents() : names_(std::make_unique<NameTree>()) {}
SampleEvents::SampleEvents(SampleEvents&&) noexcept = default;
SampleEvents& SampleEvents::operator=(SampleEvents&&) noexcept = default;
SampleEvents::~SampleEvents() = default;

void SampleEvents::add(const Value& event) {
  ++count_;
  kept_ += add_names(event, *names_, kMostNames - kept_);
  full_ = kept_ == kMostNames;
}

}  // namespace millrace::rules
