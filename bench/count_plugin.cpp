// SPDX-License-Identifier: Apache-2.0
// Source `count`: what the built-in range does, as a native plugin.
#include <millrace/plugin.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <vector>

namespace {

using namespace millrace::plugin;

constexpr std::int64_t kBatch = 256;
constexpr std::size_t kMostBytes = 32;  // {"i":…}

class Count {
 public:
  explicit Count(const Settings& settings) : limit_(settings.integer("limit")) {}

  void run(SourceRun& run) {
    for (std::int64_t from = 0; from < limit_; from += kBatch) {
      const auto& texts = write(from, std::min(from + kBatch, limit_));
      if (!run.emit(texts.data(), texts.size())) return;
    }
  }

 private:
  const std::vector<millrace_text>& write(std::int64_t from, std::int64_t to) {
    constexpr std::string_view kHead = R"({"i":)";
    texts_.clear();
    char* at = memory_;
    for (auto number = from; number < to; ++number) {
      char* const begin = at;
      at = std::copy(kHead.begin(), kHead.end(), at);
      at = std::to_chars(at, at + kMostBytes, number).ptr;
      *at++ = '}';
      texts_.push_back({begin, static_cast<std::size_t>(at - begin)});
    }
    return texts_;
  }

  const std::int64_t limit_;
  char memory_[kBatch * kMostBytes] = {};
  std::vector<millrace_text> texts_;
};

}  // namespace

MILLRACE_EXPORT_PLUGIN("count", "1.0", "Counts, for measuring.") {
  plugin.source<Count>("count", "Counts.",
                       {Setting("limit", MILLRACE_INTEGER, "how many events").required()});
}
