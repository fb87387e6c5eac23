// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/loop/channel.hpp"
#include "millrace/plugin/filter.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::pipeline {

/// A batch on its way from a source to a rule set.
struct InboxBatch {
  EventBatch batch;
  Origin const* origin = nullptr;
  WallTime received_at;
  std::vector<Rejection> refused;  ///< events that did not get through the filters
  std::vector<std::size_t>
      positions;  ///< with filters: which event of the source each event came from
};
using Inbox = Channel<InboxBatch>;

/// One source with its filters, and the context it runs in.
class SourceRunner final : public SourceContext {
 public:
  struct Environment {
    MainLoop& loop;
    BlockingPool& pool;
    Log& log;
    const JsonLimits& limits;
    std::size_t inbox_capacity;
    /// Told of every event that is refused.
    std::function<void(const Origin&, std::uint64_t position, const Error&)> refused;
  };
  struct NamedFilter {
    std::string name;  ///< as its errors are told
    std::unique_ptr<Filter> filter;
  };
  using MakeSource = std::function<Result<std::unique_ptr<Source>>()>;
  /// Errors: those of making the source.
  static Result<std::unique_ptr<SourceRunner>> create(Origin origin, MakeSource make_source,
                                                      std::vector<NamedFilter> filters,
                                                      Inbox& inbox, SourceMemory memory,
                                                      Environment environment);

  /// Runs the source to its end; the next time, a fresh one.
  Task<Result<>> run_source();
  std::optional<double> fraction_read() const { return source_->fraction_read(); }

  using SourceContext::emit;
  Task<Result<>> emit(EventBatch batch) override;
  void refuse(std::uint64_t position, const Error& error) override {
    environment_.refused(origin_, position, error);
  }
  std::size_t room() const override;
  MainLoop& loop() override { return environment_.loop; }
  BlockingPool& pool() override { return environment_.pool; }
  Log& log() override { return environment_.log; }
  const std::string& log_name() const override { return log_name_; }
  const Origin& origin() const override { return origin_; }
  bool filtered() const override { return !filters_.empty(); }
  const JsonLimits& limits() const override { return environment_.limits; }

 private:
  SourceRunner(Origin origin, MakeSource make_source, std::unique_ptr<Source> source,
               std::vector<NamedFilter> filters, Inbox& inbox, SourceMemory memory,
               Environment environment);
  Task<Result<>> filter(InboxBatch& batch);

  const Origin origin_;
  const std::string log_name_;
  const MakeSource make_source_;
  std::unique_ptr<Source> source_;
  bool has_run_ = false;
  const std::vector<NamedFilter> filters_;
  Inbox& inbox_;
  const Environment environment_;
};

}  // namespace millrace::pipeline
