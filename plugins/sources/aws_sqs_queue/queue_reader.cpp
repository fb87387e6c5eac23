// SPDX-License-Identifier: Apache-2.0
#include "queue_reader.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "message_event.hpp"

namespace millrace::aws_sqs_queue {
namespace {

using namespace std::chrono_literals;

constexpr int kMostRefusals = 5;         // of the keys, in a row
constexpr std::size_t kBatch = 10;       // of the service
constexpr int kDeleteTries = 5;          // before a message is left to come again
constexpr Duration kAnswerTime = 20s;    // beyond the time that the service waits by itself
constexpr Duration kBeat = 500ms;        // how often what is due is looked for
constexpr Duration kFinishTime = 700ms;  // at the end, for what is about to be settled

std::string text_at(const Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(view(found->get_string())) : "";
}

std::size_t count_of(const Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array().size() : 0;
}

}  // namespace

QueueReader::QueueReader(SourceContext& context, net::HttpClient& http, const QueueOptions& options)
    : context_(context),
      http_(http),
      options_(options),
      tasks_(context.loop().executor(), [this](std::string_view, const std::exception_ptr&) {
        context_.log().error(context_.log_name(), "messages are not deleted any more: a bug");
      }) {}

Task<Result<>> QueueReader::run() {
  if (auto signed_in = sign_in(); !signed_in) co_return signed_in.error();
  context_.status().link = SourceStatus::Link::connecting;
  tasks_.spawn("delete", delete_settled());
  if (options_.hidden_seconds) tasks_.spawn("keep hidden", keep_hidden());
  const auto ended = co_await receive();
  co_await finish();
  tasks_.request_stop();
  co_await tasks_.join();
  co_return ended;
}

// Again after a refusal, too: keys in files change.
Result<> QueueReader::sign_in() {
  auto account = net::find_aws_account(options_.account);
  if (!account) return account.error();
  client_.emplace(http_,
                  net::AwsService{.name = "sqs", .target = "AmazonSQS", .json_version = "1.0"},
                  std::move(*account));
  return {};
}

Task<Result<>> QueueReader::receive() {
  Result<> going;
  while (going) {
    if (in_flight_->size() >= options_.prefetch) {
      going = co_await in_flight_->changed().wait();
      continue;
    }
    auto messages = co_await fetch();
    if (messages) {
      on_success();
      going = co_await emit(std::move(*messages));
    } else {
      going = co_await pause_after(messages.error());
    }
  }
  co_return going;
}

Task<Result<>> QueueReader::find_queue() {
  Object input{{"QueueName", options_.name}};
  if (!options_.owner.empty()) input["QueueOwnerAWSAccountId"] = options_.owner;
  const auto answer = co_await client_->call("GetQueueUrl", std::move(input));
  if (!answer) {
    if (answer.error().code() == Errc::not_found)
      co_return fail(Errc::not_found, "Queue {} does not exist", options_.name);
    co_return answer.error();
  }
  url_ = text_at(*answer, "QueueUrl");
  co_return Result<>();
}

Task<Result<QueueReader::Messages>> QueueReader::fetch() {
  if (url_.empty()) {
    if (auto found = co_await find_queue(); !found) co_return found.error();
  }
  const auto room = options_.prefetch - in_flight_->size();
  Object input{{"QueueUrl", url_},
               {"MaxNumberOfMessages", std::min({options_.at_once, room, kBatch})},
               {"WaitTimeSeconds", options_.wait}};
  if (options_.hidden_seconds) input["VisibilityTimeout"] = *options_.hidden_seconds;
  auto answer = co_await client_->call("ReceiveMessage", std::move(input),
                                       std::chrono::seconds(options_.wait) + kAnswerTime);
  if (!answer) co_return answer.error();
  Messages messages;
  const auto* listed = answer->if_contains("Messages");
  if (listed == nullptr || !listed->is_array()) co_return messages;
  for (const auto& message : listed->get_array()) {
    if (message.is_object()) messages.push_back(message.get_object());
  }
  co_return messages;
}

Task<Result<>> QueueReader::emit(Messages messages) {
  const auto renew_at =
      options_.hidden_seconds
          ? context_.clock().now() + std::chrono::seconds(*options_.hidden_seconds) / 2
          : Instant::max();
  // All of them are hidden from now on, also those that wait for the engine.
  std::vector<EventBatch> batches;
  for (const auto& message : messages) {
    auto& batch = batches.emplace_back();
    batch.events.emplace_back(event_of(message));
    batch.delivery = in_flight_->add(text_at(message, "ReceiptHandle"), renew_at);
  }
  for (auto& batch : batches) {
    if (auto emitted = co_await context_.emit(std::move(batch)); !emitted) co_return emitted;
  }
  co_return Result<>();
}

void QueueReader::on_success() {
  auto& status = context_.status();
  backoff_.reset();
  refusals_ = 0;
  if (status.link == SourceStatus::Link::up) return;
  status.connected();
  context_.log().info(context_.log_name(), "reads the queue {}", options_.name);
}

Task<Result<>> QueueReader::pause_after(Error why) {
  using enum Errc;
  if (why.code() == cancelled || why.code() == invalid_settings || why.code() == not_found)
    co_return why;
  if (why.code() == permission_denied) {
    if (++refusals_ >= kMostRefusals) co_return why;
    if (auto signed_in = sign_in(); !signed_in) co_return signed_in.error();
  }
  auto& link = context_.status().link;
  if (std::exchange(link, SourceStatus::Link::retrying) != SourceStatus::Link::retrying)
    context_.log().warning(context_.log_name(), "{}; tries again", why.message());
  co_return co_await context_.sleep_for(backoff_.next());
}

Task<> QueueReader::delete_settled() {
  while (true) {
    while (!in_flight_->has_settled()) {
      if (!co_await in_flight_->changed().wait()) co_return;
    }
    const auto receipts = in_flight_->take_settled(kBatch);
    Backoff backoff{{}};
    for (int tries = 1; !co_await delete_batch(receipts) && tries < kDeleteTries; ++tries) {
      if (!co_await context_.sleep_for(backoff.next())) co_return;
    }
    in_flight_->deleted();
  }
}

// False: it may be tried again.
Task<bool> QueueReader::delete_batch(const std::vector<std::string>& receipts) {
  Array entries;
  for (const auto& receipt : receipts)
    entries.push_back(Object{{"Id", std::to_string(entries.size())}, {"ReceiptHandle", receipt}});
  const auto answer = co_await client_->call("DeleteMessageBatch",
                                             {{"QueueUrl", url_}, {"Entries", std::move(entries)}});
  if (!answer) {
    if (answer.error().code() != Errc::cancelled)
      context_.log().warning(context_.log_name(), "{}: {} messages may come again",
                             answer.error().message(), receipts.size());
    co_return answer.error().code() == Errc::invalid_settings ||
        answer.error().code() == Errc::not_found;
  }
  const auto failed = count_of(*answer, "Failed");
  if (failed > 0)
    context_.log().warning(context_.log_name(), "{} messages are not deleted: they come again",
                           failed);
  context_.status().acknowledged += receipts.size() - std::min(failed, receipts.size());
  co_return true;
}

Task<> QueueReader::keep_hidden() {
  const auto seconds = *options_.hidden_seconds;
  bool has_more = false;
  while (has_more || co_await context_.sleep_for(kBeat)) {
    const auto now = context_.clock().now();
    const auto due = in_flight_->take_due(now, now + std::chrono::seconds(seconds) / 2, kBatch);
    has_more = due.size() == kBatch;
    if (due.empty()) continue;
    Array entries;
    for (const auto& message : due)
      entries.push_back(Object{{"Id", std::to_string(message.number)},
                               {"ReceiptHandle", message.receipt},
                               {"VisibilityTimeout", seconds}});
    const auto answer = co_await client_->call(
        "ChangeMessageVisibilityBatch", {{"QueueUrl", url_}, {"Entries", std::move(entries)}});
    if (!answer && answer.error().code() == Errc::cancelled) co_return;
    const bool is_kept = answer && count_of(*answer, "Failed") == 0;
    if (!is_kept && !std::exchange(told_of_renewal_, true))
      context_.log().warning(context_.log_name(),
                             "messages cannot be kept hidden and may come twice: {}",
                             answer ? "the service refuses some" : answer.error().message());
    if (is_kept) told_of_renewal_ = false;
  }
}

// The engine may end an action in this very moment, and what it settles is to be deleted.
Task<> QueueReader::finish() {
  bool late = false;
  const auto timer = context_.loop().call_later(kFinishTime, [&late, this] {
    late = true;
    in_flight_->changed().notify_all();
  });
  while (!late && in_flight_->size() > 0) co_await in_flight_->changed().wait_to_the_end();
  context_.loop().cancel(timer);
}

}  // namespace millrace::aws_sqs_queue
