// SPDX-License-Identifier: Apache-2.0
// Whatever a line of a record holds: it is read within its bounds, and played without harm if it is
// good.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/event/event.hpp"
#include "millrace/pipeline/replay.hpp"
#include "record_format.hpp"

namespace {

using namespace millrace;  // NOLINT(google-build-using-namespace): one file

constexpr auto* kRulebook =
    "- {name: A, hosts: all, sources: [{range: {limit: 1}}], rules: [\n"
    "  {name: r, condition: {all: [event.i == 1, event.j == 2], timeout: 5 seconds}, "
    "action: {none: }},\n"
    "  {name: s, condition: event.i > 2, throttle: {once_after: 5 seconds, "
    "group_by_attributes: [event.h]}, action: {none: }}]}\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Diagnostics diagnostics;
  static const auto rulebook = rules::load_rulebook(kRulebook, "fuzz.yml", {}, diagnostics);
  if (!rulebook) std::abort();
  std::string padded(reinterpret_cast<const char*>(data), size);
  padded.append(kTextPadding, '\0');
  const auto line = pipeline::parse_line(std::string_view(padded).substr(0, size));
  if (!line) return 0;
  const auto* text = line->text.data();
  if (text < padded.data() || text + line->text.size() > padded.data() + size) std::abort();
  if (line->kind == pipeline::RecordLine::Kind::fired) return 0;
  const std::vector<const rules::RuleSet*> rule_sets{&rulebook->rule_sets.front()};
  const auto replay = pipeline::Replay::create(rule_sets, diagnostics);
  static_cast<void>(replay->begin({}));
  static_cast<void>(replay->play(*line, 1).has_value());
  return 0;
}
