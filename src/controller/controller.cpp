// SPDX-License-Identifier: Apache-2.0
#include "millrace/controller/controller.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "job_monitor.hpp"
#include "rest_client.hpp"

namespace millrace::controller {
namespace {

constexpr std::string_view kLogName = "controller";
constexpr int kMostPages = 1000;

// The value that the keys lead to; null if there is none.
const Value& at(const Value& value, std::initializer_list<std::string_view> keys) {
  static const Value kNull;
  const Value* found = &value;
  for (const auto key : keys) {
    const auto* object = found->if_object();
    found = object != nullptr ? object->if_contains(key) : nullptr;
    if (found == nullptr) return kNull;
  }
  return *found;
}

std::string_view text(const Value& value) {
  return value.is_string() ? view(value.get_string()) : std::string_view();
}

bool is_true(const Value& value) { return value.is_bool() && value.get_bool(); }

std::string_view type_of(JobKind kind) {
  return kind == JobKind::job ? "job_template" : "workflow_job_template";
}

bool already_exists(const Error& error) { return error.message().contains("already exists"); }

}  // namespace

class Controller::Impl {
 public:
  Impl(MainLoop& loop, Log& log, ControllerOptions options, std::unique_ptr<RestClient> rest)
      : log_(log),
        options_(std::move(options)),
        rest_(std::move(rest)),
        monitor_(*rest_, loop, log, {options_.poll_delay, options_.poll_batch}) {}

  JobMonitor& monitor() { return monitor_; }

  Task<Result<ControllerJob>> launch(JobOrder order) {
    if (auto greeted = co_await greet(); !greeted) co_return greeted.error();
    const auto found = co_await find_template(order);
    if (!found) co_return found.error();
    auto& arguments = order.arguments;
    if (order.kind == JobKind::workflow && arguments.contains("limit") &&
        !is_true(at(*found, {"ask_limit_on_launch"}))) {
      log_.warning(kLogName, "workflow template {} does not take a limit: it is left out",
                   order.name);
      stable_erase(arguments, "limit");
    }
    if (auto added = co_await add_labels(*found, order); !added) co_return added.error();
    const auto launch = std::string(text(at(*found, {"related", "launch"})));
    if (launch.empty())
      co_return fail(Errc::unsupported, "template {} cannot be launched", order.name);
    auto launched = co_await rest_->post(launch, std::move(arguments));
    if (!launched) co_return launched.error();
    co_return job_of(order, Value(std::move(*launched)));
  }

 private:
  static void stable_erase(Object& object, std::string_view key) {
    object.stable_erase(object.find(key));
  }

  // Once: whether it is a controller that talks to us, and which.
  Task<Result<>> greet() {
    if (greeted_) co_return Result<>();
    const auto configuration = co_await rest_->get("config/");
    if (!configuration) co_return configuration.error();
    const Value value(*configuration);
    if (!std::exchange(greeted_, true))
      log_.info(kLogName, "AAP Version {}", text(at(value, {"version"})));
    co_return Result<>();
  }

  Task<Result<Value>> find_template(const JobOrder& order) {
    std::string where = "unified_job_templates/?name=" + net::percent_encode(order.name);
    for (int page = 0; page < kMostPages && !where.empty(); ++page) {
      auto answer = co_await rest_->get(where);
      if (!answer) co_return answer.error();
      const Value value(std::move(*answer));
      if (const auto* results = at(value, {"results"}).if_array()) {
        for (const auto& entry : *results) {
          if (is_wanted(entry, order)) co_return entry;
        }
      }
      where = text(at(value, {"next"}));
    }
    co_return fail(Errc::not_found, "{} template {} in organization {} does not exist",
                   order.kind == JobKind::job ? "Job" : "Workflow", order.name, order.organization);
  }

  static bool is_wanted(const Value& entry, const JobOrder& order) {
    return text(at(entry, {"type"})) == type_of(order.kind) &&
           text(at(entry, {"name"})) == order.name &&
           text(at(entry, {"summary_fields", "organization", "name"})) == order.organization;
  }

  Task<Result<>> add_labels(const Value& found, JobOrder& order) {
    if (!is_true(at(found, {"ask_labels_on_launch"}))) co_return Result<>();
    Array ids;
    if (const auto* given = order.arguments.if_contains("labels");
        given != nullptr && given->is_array())
      ids = given->get_array();
    auto names = options_.labels;
    names.insert(names.end(), order.labels.begin(), order.labels.end());
    const auto& organization = at(found, {"summary_fields", "organization", "id"});
    for (const auto& name : names) {
      auto id = co_await label(name, organization);
      if (!id) co_return id.error();
      if (std::ranges::find(ids, *id) == ids.end()) ids.push_back(std::move(*id));
    }
    if (!ids.empty()) order.arguments["labels"] = std::move(ids);
    co_return Result<>();
  }

  // Its id. Somebody else may make it at the same time.
  Task<Result<Value>> label(std::string name, Value organization) {
    auto found = co_await find_label(name, organization);
    if (!found) co_return found.error();
    if (*found) co_return std::move(**found);
    const auto made =
        co_await rest_->post("labels/", {{"name", name}, {"organization", organization}});
    if (made) co_return at(Value(*made), {"id"});
    if (!already_exists(made.error())) co_return made.error();
    found = co_await find_label(name, organization);
    if (!found) co_return found.error();
    if (*found) co_return std::move(**found);
    co_return made.error();
  }

  Task<Result<std::optional<Value>>> find_label(const std::string& name,
                                                const Value& organization) {
    std::string where = "labels/?name=" + net::percent_encode(name);
    for (int page = 0; page < kMostPages && !where.empty(); ++page) {
      auto answer = co_await rest_->get(where);
      if (!answer) co_return answer.error();
      const Value value(std::move(*answer));
      if (const auto* results = at(value, {"results"}).if_array()) {
        for (const auto& entry : *results) {
          if (text(at(entry, {"name"})) == name && at(entry, {"organization"}) == organization)
            co_return at(entry, {"id"});
        }
      }
      where = text(at(value, {"next"}));
    }
    co_return std::nullopt;
  }

  Result<ControllerJob> job_of(const JobOrder& order, const Value& launched) const {
    const auto& id = at(launched, {"id"});
    if (!id.is_int64())
      return fail(Errc::invalid_event, "the controller does not say which job it launched");
    return ControllerJob{
        .kind = order.kind,
        .id = id.get_int64(),
        .status = std::string(text(at(launched, {"status"}))),
        .created = std::string(text(at(launched, {"created"}))),
        .page = fmt::format("{}/#/jobs/{}{}/details", rest_->origin(),
                            order.kind == JobKind::job ? "" : "workflow/", id.get_int64())};
  }

  Log& log_;
  const ControllerOptions options_;
  const std::unique_ptr<RestClient> rest_;
  JobMonitor monitor_;
  bool greeted_ = false;
};

Result<std::unique_ptr<Controller>> Controller::create(MainLoop& loop, Log& log,
                                                       ControllerOptions options) {
  auto rest = RestClient::create(loop, log, options);
  if (!rest) return rest.error();
  return std::unique_ptr<Controller>(
      new Controller(std::make_unique<Impl>(loop, log, std::move(options), std::move(*rest))));
}

Controller::Controller(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Controller::~Controller() = default;

Task<Result<ControllerJob>> Controller::launch(JobOrder order) {
  return impl_->launch(std::move(order));
}

Task<Result<ControllerJob>> Controller::wait(ControllerJob job) {
  return impl_->monitor().wait(std::move(job));
}

}  // namespace millrace::controller
