// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "input_player.hpp"
#include "millrace/event/event_reader.hpp"

namespace millrace::pipeline {
namespace {

// Other rules may want what nobody wanted then; the same in each replay.
std::string made_up_uuid(std::uint64_t number) {
  return fmt::format("00000000-0000-4000-8000-{:012x}", number);
}

}  // namespace

// One rule set.
struct Replay::Player {
  Player(const rules::RuleSet& rule_set, std::unique_ptr<rules::Session> created)
      : rules(rule_set),
        session(std::move(created)),
        reader(session->paths(), JsonLimits()),
        inputs(*session, reader) {}

  std::vector<Firing> take_fired() {
    std::vector<Firing> firings;
    firings.reserve(fired.size());
    for (auto& activation : fired) firings.push_back({&rules, std::move(activation)});
    fired.clear();
    return firings;
  }

  const rules::RuleSet& rules;
  const std::unique_ptr<rules::Session> session;
  EventReader reader;
  InputPlayer inputs;
  std::vector<rules::Activation> fired;
};

Replay::Replay() = default;
Replay::~Replay() = default;

std::unique_ptr<Replay> Replay::create(std::span<const rules::RuleSet* const> rule_sets,
                                       Diagnostics& diagnostics) {
  std::unique_ptr<Replay> replay(new Replay());
  for (const auto* rule_set : rule_sets) {
    auto session = rules::Session::create(*rule_set, diagnostics);
    if (!session) return nullptr;
    replay->players_.push_back(std::make_unique<Player>(*rule_set, std::move(session)));
  }
  return replay;
}

Replay::Player* Replay::player(std::string_view rule_set) const {
  const auto found = std::ranges::find_if(
      players_, [&](const auto& player) { return player->rules.name == rule_set; });
  return found == players_.end() ? nullptr : found->get();
}

const rules::RuleSet* Replay::find(std::string_view rule_set) const {
  const auto* found = player(rule_set);
  return found == nullptr ? nullptr : &found->rules;
}

std::vector<Replay::Firing> Replay::begin(Duration at) {
  std::vector<Firing> all;
  for (const auto& player : players_) {
    player->inputs.begin_at(Instant(at));
    player->session->advance(Instant(at), player->fired);
    std::ranges::move(player->take_fired(), std::back_inserter(all));
  }
  return all;
}

Result<std::vector<Replay::Firing>> Replay::play(const RecordLine& input, std::uint64_t number) {
  auto* found = player(input.rule_set);
  if (found == nullptr) return fail(Errc::not_found, "there is no rule set {}", input.rule_set);
  if (auto played = found->inputs.play(input, made_up_uuid(number), found->fired); !played)
    return played.error();
  return found->take_fired();
}

// --- comparing -----------------------------------------------------------------------------------

void Comparison::begin(std::string place, const std::vector<Replay::Firing>& came) {
  place_ = std::move(place);
  came_.clear();
  next_ = 0;
  differs_ = false;
  for (const auto& [rules, activation] : came)
    came_.push_back(to_recorded(*rules, activation, Instant()));
}

void Comparison::expect(const RecordedFiring& firing) {
  const auto* came = next_ < came_.size() ? &came_[next_] : nullptr;
  ++next_;
  if (came == nullptr || *came != firing) differ(&firing, came);
}

void Comparison::end() {
  if (next_ < came_.size()) differ(nullptr, &came_[next_]);
  came_.clear();
}

void Comparison::differ(const RecordedFiring* expected, const RecordedFiring* came) {
  if (!std::exchange(differs_, true)) ++differing_;
  if (first_) return;
  first_ = Difference{place_, {}, {}};
  if (expected != nullptr) first_->expected = *expected;
  if (came != nullptr) first_->came = *came;
}

}  // namespace millrace::pipeline
