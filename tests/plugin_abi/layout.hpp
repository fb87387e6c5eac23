// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// A member that version 1.0 of the interface has, where it is, and how large.
struct LayoutEntry {
  std::string name;
  std::size_t offset;
  std::size_t size;
  bool operator==(const LayoutEntry&) const = default;
};

std::vector<LayoutEntry> layout_1_0();
std::vector<LayoutEntry> layout_now();
