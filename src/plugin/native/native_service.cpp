// SPDX-License-Identifier: Apache-2.0
#include "native/native_service.hpp"

#include "millrace/event/json.hpp"

namespace millrace::native {
namespace {

class ServiceCall final : public PluginCall {
 public:
  explicit ServiceCall(const NativeLibrary& library)
      : PluginCall(library.name(), library.log(), library.log_name()) {}

  StopSignal& stop_signal() { return stop_; }
  Value take_answer() { return std::move(answer_); }

  millrace_status wait(double seconds) override {
    return stop_.wait(seconds) ? MILLRACE_STOP : MILLRACE_OK;
  }
  bool stopping() const override { return stop_.requested(); }
  Result<> put(std::string_view json) override {
    auto value = parse_json(json);
    if (!value) return std::move(value.error()).with_context("put");
    answer_ = std::move(*value);
    return {};
  }

 private:
  StopSignal stop_;
  Value answer_;
};

}  // namespace

Task<Result<Value>> NativeService::call(std::string_view function, const Value& argument) {
  const std::string name(function);
  const auto json = to_json(argument);
  while (busy_) {
    if (auto waited = co_await free_.wait(); !waited) co_return waited.error();
  }
  busy_ = true;
  ServiceCall call(made_->library());
  Result<> outcome;
  const auto job = [&] {
    outcome = call.invoke([&](millrace_context* self) {
      return made_->table().call(made_->get(), self, text_of(name), text_of(json));
    });
  };
  co_await made_->library().work(job, call.stop_signal());
  busy_ = false;
  free_.notify_one();
  if (!outcome) co_return outcome.error();
  co_return call.take_answer();
}

std::optional<ServiceKind> service_kind(millrace_service_kind kind) {
  switch (kind) {
    case MILLRACE_MONITOR:
      return ServiceKind::monitor;
    case MILLRACE_TRIGGER:
      return ServiceKind::trigger;
    case MILLRACE_HOOK_CLASS:
      return ServiceKind::hook_class;
    case MILLRACE_WORKER:
      return ServiceKind::worker;
    case MILLRACE_CONFIG_PLUGIN:
      return ServiceKind::config_plugin;
    case MILLRACE_PARAM_PROCESSOR:
      return ServiceKind::param_processor;
    default:
      return std::nullopt;
  }
}

Result<ServiceDescriptor> describe(std::shared_ptr<NativeLibrary> library,
                                   const millrace_service& table) {
  auto about = read_about(table.about);
  if (!about) return about.error();
  if (table.create == nullptr || table.call == nullptr)
    return fail(Errc::invalid_settings, "service {} lacks create or call", about->name);
  auto file = library->file().string();
  const auto kind = std::make_shared<const Registered<millrace_service>>(
      Registered<millrace_service>{std::move(library), std::move(*about), table});
  const auto create = [kind](const Settings& settings) -> Result<std::unique_ptr<Service>> {
    auto made = create_instance(kind, settings);
    if (!made) return made.error();
    return std::unique_ptr<Service>(std::make_unique<NativeService>(std::move(*made)));
  };
  return ServiceDescriptor{
      kind->about.name, kind->about.aliases, kind->about.summary, kind->about.schema,
      create,           std::move(file)};
}

}  // namespace millrace::native
