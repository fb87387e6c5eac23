// SPDX-License-Identifier: Apache-2.0
#include "native/loading.hpp"

#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "native/native_action.hpp"
#include "native/native_filter.hpp"
#include "native/native_service.hpp"
#include "native/native_source.hpp"
#include "native/texts.hpp"

namespace millrace::native {
namespace {

// Adds what describe() makes of a table.
template <class Descriptor, class Table>
Result<> add(std::vector<Descriptor>& descriptors, const std::shared_ptr<NativeLibrary>& library,
             const Table& table) {
  auto descriptor = describe(library, table);
  if (!descriptor) return descriptor.error();
  descriptors.push_back(std::move(*descriptor));
  return {};
}

// Work that a plugin has put off. Copies of the std::function that holds it share it.
class DeferredWork {
 public:
  DeferredWork(std::shared_ptr<NativeLibrary> library, PluginCall::Deferred work)
      : library_(std::move(library)), work_(work) {}
  DeferredWork(const DeferredWork&) = delete;
  DeferredWork& operator=(const DeferredWork&) = delete;
  ~DeferredWork() { release(); }

  void run() {
    PluginCall call(library_->name(), library_->log(), library_->log_name());
    const auto ran = call.invoke([this](millrace_context* context) {
      work_.run(context, work_.data);
      return MILLRACE_OK;
    });
    if (!ran) library_->log().error(library_->log_name(), "{}", ran.error().message());
    release();
  }

 private:
  void release() {
    const auto release = std::exchange(work_.release, nullptr);
    if (release == nullptr) return;
    try {
      release(work_.data);
    } catch (...) {
      library_->log().error(library_->log_name(), "plugin {}: an exception left a release",
                            library_->name());
    }
  }

  const std::shared_ptr<NativeLibrary> library_;
  PluginCall::Deferred work_;
};

}  // namespace

Loading::Loading(std::shared_ptr<NativeLibrary> library, Object configuration)
    : PluginCall(library->name(), library->log(), library->log_name()),
      library_(std::move(library)) {
  const auto& description = library_->description();
  loaded_.name = library_->name();
  loaded_.version = view(description.version);
  loaded_.summary = view(description.summary);
  loaded_.file = library_->file();
  loaded_.configuration = std::move(configuration);
}

void Loading::refused(std::string_view function, Effect effect) {
  if (effect == Effect::publishes && !published_) published_ = function;
}

Result<> Loading::add_source(const millrace_source& source) {
  return add(loaded_.sources, library_, source);
}

Result<> Loading::add_filter(const millrace_filter& filter) {
  return add(loaded_.filters, library_, filter);
}

Result<> Loading::add_action(const millrace_action& action) {
  return add(loaded_.actions, library_, action);
}

Result<> Loading::add_service(millrace_service_kind kind, const millrace_service& service) {
  const auto known = service_kind(kind);
  if (!known) return fail(Errc::unsupported, "services of kind {} are unknown", kind);
  auto descriptor = describe(library_, service);
  if (!descriptor) return descriptor.error();
  loaded_.services.emplace_back(*known, std::move(*descriptor));
  return {};
}

Result<> Loading::add_pattern(const millrace_pattern& pattern) {
  if (view(pattern.name).empty() || pattern.pattern == nullptr)
    return fail(Errc::invalid_settings, "a named pattern lacks its name or the pattern");
  loaded_.patterns.push_back({pattern.name, pattern.pattern, std::string(view(pattern.summary)),
                              library_->file().string()});
  return {};
}

Result<std::string> Loading::configuration_get(std::string_view path) {
  const Object* object = &loaded_.configuration;
  const Value* found = nullptr;
  for (const auto key : split(path, '.')) {
    found = object == nullptr ? nullptr : object->if_contains(key);
    if (found == nullptr) return fail(Errc::not_found, "the configuration has no {}", path);
    object = found->if_object();
  }
  return to_json(*found);
}

Result<> Loading::configuration_set(std::string_view path, std::string_view json) {
  auto value = parse_json(json);
  if (!value) return fail(Errc::invalid_settings, "{}: {}", path, value.error().message());
  const auto keys = split(path, '.');
  Object* object = &loaded_.configuration;
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    auto& next = (*object)[keys[i]];
    if (next.is_null()) next = Object();
    object = next.if_object();
    if (object == nullptr)
      return fail(Errc::invalid_settings, "{}: {} of the configuration is no object", path,
                  keys[i]);
  }
  (*object)[keys.back()] = std::move(*value);
  return {};
}

Result<> Loading::call_soon(const Deferred& work) {
  if (work.run == nullptr) return fail(Errc::invalid_settings, "call_soon lacks what to call");
  loaded_.deferred.emplace_back(
      [kept = std::make_shared<DeferredWork>(library_, work)] { kept->run(); });
  return {};
}

}  // namespace millrace::native
