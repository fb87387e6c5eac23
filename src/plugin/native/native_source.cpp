// SPDX-License-Identifier: Apache-2.0
#include "native/native_source.hpp"

#include <pthread.h>

#include <system_error>

namespace millrace::native {
namespace {

// How long `run` may take to notice a request to stop before the log tells of it.
constexpr auto kPatience = std::chrono::seconds(5);

// Told on the loop thread, after which the instance may go.
Settlement::Tell tell_plugin(std::shared_ptr<NativeSource::Made> made, millrace_settled settled,
                             void* token) {
  return [made = std::move(made), settled, token](millrace_status outcome) {
    try {
      settled(token, outcome);
    } catch (...) {
      const auto& library = made->library();
      library.log().error(library.log_name(), "plugin {}: an exception left a settled callback",
                          library.name());
    }
  };
}

}  // namespace

/// What the plugin has while its `run` lasts.
class NativeSource::Run final : public PluginCall {
 public:
  Run(std::shared_ptr<Made> made, std::shared_ptr<HandOver> hand_over, SourceContext& context)
      : PluginCall(made->library().name(), context.log(), context.log_name()),
        made_(std::move(made)),
        hand_over_(std::move(hand_over)) {}

  /// The thread.
  void operator()() {
    ::pthread_setname_np(::pthread_self(), made_->about().name.substr(0, 15).c_str());
    hand_over_->finish(
        invoke([this](millrace_context* self) { return made_->table().run(made_->get(), self); }));
  }

  millrace_status emit(const millrace_text* events, std::size_t count, millrace_settled settled,
                       void* token) override {
    auto batch = copy_texts(events, count);
    if (!batch) return status_of(batch.error().code());
    const auto settle = [&] {
      return std::make_shared<Settlement>(tell_plugin(made_, settled, token));
    };
    const bool given = settled == nullptr ? hand_over_->give(std::move(*batch), nullptr)
                                          : hand_over_->give(std::move(*batch), settle);
    return given ? MILLRACE_OK : MILLRACE_STOP;
  }
  millrace_status wait(double seconds) override {
    return hand_over_->stop_signal().wait(seconds) ? MILLRACE_STOP : MILLRACE_OK;
  }
  bool stopping() const override { return hand_over_->stop_signal().requested(); }

 private:
  const std::shared_ptr<Made> made_;
  const std::shared_ptr<HandOver> hand_over_;
};

// Only for a task that was dropped instead of being run to its end.
NativeSource::~NativeSource() {
  if (!thread_.joinable()) return;
  ask_to_stop();
  thread_.join();
}

Result<> NativeSource::start(SourceContext& context) {
  hand_over_ = std::make_shared<HandOver>(context.loop());
  auto run = std::make_unique<Run>(made_, hand_over_, context);
  try {
    thread_ = std::thread([run = std::move(run)]() mutable { (*run)(); });
  } catch (const std::system_error& error) {
    return fail(Errc::unavailable, "cannot start a thread: {}", error.what());
  }
  return {};
}

Task<Result<>> NativeSource::run(SourceContext& context) {
  if (auto started = start(context); !started) co_return started.error();
  const auto served = co_await serve(context);
  if (!hand_over_->outcome()) ask_to_stop();
  co_await wait_for_the_thread(context);
  if (!served) co_return served.error();
  co_return *hand_over_->outcome();
}

// Until the thread has ended and all that it gave was emitted.
Task<Result<>> NativeSource::serve(SourceContext& context) {
  while (true) {
    auto batches = hand_over_->take();
    for (auto& batch : batches) {
      if (batch.ends.empty()) continue;  // settled as it goes
      if (auto sent = co_await context.emit(events_of(std::move(batch))); !sent)
        co_return sent.error();
    }
    if (!batches.empty()) continue;
    if (hand_over_->outcome()) co_return Result<>();
    if (auto waited = co_await hand_over_->changed().wait(); !waited) co_return waited.error();
  }
}

void NativeSource::ask_to_stop() {
  hand_over_->stop();
  if (made_->table().stop == nullptr) return;
  try {
    made_->table().stop(made_->get());
  } catch (...) {
    const auto& library = made_->library();
    library.log().error(library.log_name(), "plugin {}: an exception left stop of {}",
                        library.name(), made_->about().name);
  }
}

Task<> NativeSource::wait_for_the_thread(SourceContext& context) {
  const auto complaint = context.loop().call_later(kPatience, [this, &context] {
    context.log().warning(context.log_name(), "waiting for the source {} of plugin {} to stop",
                          made_->about().name, made_->library().name());
  });
  while (!hand_over_->outcome()) co_await hand_over_->changed().wait_to_the_end();
  context.loop().cancel(complaint);
  thread_.join();
  hand_over_->take();  // what was given and not emitted goes here, on the loop thread
}

std::optional<double> NativeSource::fraction_read() const {
  if (made_->table().fraction_read == nullptr) return std::nullopt;
  try {
    const double read = made_->table().fraction_read(made_->get());
    if (read >= 0 && read <= 1) return read;
  } catch (...) {  // it is only for show
  }
  return std::nullopt;
}

Result<SourceDescriptor> describe(std::shared_ptr<NativeLibrary> library,
                                  const millrace_source& table) {
  auto about = read_about(table.about);
  if (!about) return about.error();
  if (table.create == nullptr || table.run == nullptr)
    return fail(Errc::invalid_settings, "source {} lacks create or run", about->name);
  auto file = library->file().string();
  const auto kind = std::make_shared<const Registered<millrace_source>>(
      Registered<millrace_source>{std::move(library), std::move(*about), table});
  const auto create = [kind](const Settings& settings) -> Result<std::unique_ptr<Source>> {
    auto made = create_instance(kind, settings);
    if (!made) return made.error();
    return std::unique_ptr<Source>(std::make_unique<NativeSource>(std::move(*made)));
  };
  return SourceDescriptor{
      kind->about.name, kind->about.aliases, kind->about.summary, kind->about.schema,
      create,           std::move(file)};
}

}  // namespace millrace::native
