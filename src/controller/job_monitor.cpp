// SPDX-License-Identifier: Apache-2.0
#include "job_monitor.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace millrace::controller {
namespace {

constexpr std::string_view kLogName = "controller";
constexpr int kMostMissed = 3;
constexpr std::array<std::string_view, 4> kTerminal = {"successful", "failed", "error", "canceled"};

std::string_view text_at(const Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? view(found->get_string()) : std::string_view();
}

std::int64_t id_of(const Object& object) {
  const auto* found = object.if_contains("id");
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

void update(ControllerJob& job, const Object& seen) {
  job.status = text_at(seen, "status");
  if (const auto created = text_at(seen, "created"); !created.empty()) job.created = created;
  const auto* artifacts = seen.if_contains("artifacts");
  if (artifacts != nullptr && artifacts->is_object()) job.artifacts = artifacts->get_object();
}

}  // namespace

Task<Result<ControllerJob>> JobMonitor::wait(ControllerJob job) {
  Watched watched{std::move(job)};
  if (watched_.empty()) next_look_ = loop_.clock().now() + options_.delay;
  const auto place = watched_.insert(watched_.end(), &watched);
  Result<> waited;
  while (waited && !watched.ended)
    waited = somebody_looks_ ? co_await changed_.wait() : co_await look();
  watched_.erase(place);
  changed_.notify_all();  // somebody else looks from now on
  if (!watched.ended) co_return waited.error();
  if (!*watched.ended) co_return watched.ended->error();
  co_return std::move(watched.job);
}

// When it is time, at everything.
Task<Result<>> JobMonitor::look() {
  somebody_looks_ = true;
  auto looked =
      co_await loop_.sleep_for(std::max(next_look_ - loop_.clock().now(), Duration::zero()));
  for (const auto kind : {JobKind::job, JobKind::workflow}) {
    if (looked) looked = co_await look_at_all(kind);
  }
  if (looked) next_look_ = loop_.clock().now() + options_.delay;
  somebody_looks_ = false;
  changed_.notify_all();
  co_return looked;
}

Task<Result<>> JobMonitor::look_at_all(JobKind kind) {
  std::set<std::int64_t> all;
  for (const auto* watched : watched_) {
    if (watched->job.kind == kind && !watched->ended) all.insert(watched->job.id);
  }
  std::vector<std::int64_t> ids;
  for (const auto id : all) {
    ids.push_back(id);
    if (ids.size() < options_.batch && id != *all.rbegin()) continue;
    if (auto looked = co_await look_at(kind, std::exchange(ids, {})); !looked) co_return looked;
  }
  co_return Result<>();
}

// Errors: cancelled. Any other is told, or ends the wait for the jobs.
Task<Result<>> JobMonitor::look_at(JobKind kind, std::vector<std::int64_t> ids) {
  // What fails is not tried again but with the next look.
  const auto answer = co_await rest_.get(
      fmt::format("{}/?id__in={}&page_size={}", kind == JobKind::job ? "jobs" : "workflow_jobs",
                  fmt::join(ids, ","), ids.size()),
      RestClient::Attempts::one);
  if (answer) {
    if (std::exchange(complained_, false)) log_.info(kLogName, "running jobs are seen again");
    take(kind, ids, *answer);
    co_return Result<>();
  }
  const auto code = answer.error().code();
  if (code == Errc::cancelled) co_return answer.error();
  if (code == Errc::unavailable || code == Errc::timeout || code == Errc::invalid_event) {
    if (!std::exchange(complained_, true))
      log_.warning(kLogName, "running jobs cannot be seen: {}; trying for ever",
                   answer.error().message());
  } else {
    give_up(kind, ids, answer.error());
  }
  co_return Result<>();
}

void JobMonitor::take(JobKind kind, const std::vector<std::int64_t>& ids, const Object& answer) {
  std::map<std::int64_t, const Object*> seen;
  if (const auto* results = answer.if_contains("results");
      results != nullptr && results->is_array()) {
    for (const auto& entry : results->get_array()) {
      if (const auto* job = entry.if_object()) seen[id_of(*job)] = job;
    }
  }
  for (auto* watched : watched_) {
    const auto id = watched->job.id;
    if (watched->job.kind != kind || std::ranges::find(ids, id) == ids.end()) continue;
    if (const auto found = seen.find(id); found != seen.end()) {
      watched->missed = 0;
      update(watched->job, *found->second);
      if (std::ranges::find(kTerminal, watched->job.status) != kTerminal.end())
        watched->ended = Result<>();
    } else if (++watched->missed == kMostMissed) {
      watched->ended = fail(Errc::not_found, "the controller does not know job {} any more", id);
    }
  }
}

void JobMonitor::give_up(JobKind kind, const std::vector<std::int64_t>& ids, const Error& error) {
  for (auto* watched : watched_) {
    if (watched->job.kind == kind && std::ranges::find(ids, watched->job.id) != ids.end())
      watched->ended = error;
  }
}

}  // namespace millrace::controller
