// SPDX-License-Identifier: Apache-2.0
#include "native/native_library.hpp"

#include <dlfcn.h>

#include <exception>
#include <utility>

#include "millrace/loop/channel.hpp"
#include "native/texts.hpp"

namespace millrace::native {
namespace {

// Of one plugin. A job that finds no thread waits.
constexpr std::size_t kWorkerThreads = 4;

}  // namespace

Result<SharedObject> SharedObject::open(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    return fail(Errc::not_found, "there is no plugin {}", file.string());
  // Absolute, because a name without a slash is looked up elsewhere.
  void* handle = ::dlopen(std::filesystem::absolute(file, error).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return fail(Errc::corrupt, "cannot load the plugin {}: {}", file.string(),
                view(static_cast<const char*>(::dlerror())));
  }
  return SharedObject(handle);
}

SharedObject::~SharedObject() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

const void* SharedObject::symbol(const char* name) const { return ::dlsym(handle_, name); }

NativeLibrary::NativeLibrary(std::filesystem::path file, SharedObject object,
                             const millrace_plugin_description& description, NativeContext context)
    : file_(std::move(file)),
      description_(description),
      name_(view(description.name)),
      log_name_("plugin." + name_),
      context_(context),
      object_(std::move(object)),
      jobs_(context.loop.executor(), [](std::string_view, const std::exception_ptr& why) {
        std::rethrow_exception(why);  // jobs do not throw
      }) {}

NativeLibrary::~NativeLibrary() {
  if (!live_ || description_.unload == nullptr) return;
  try {
    description_.unload();
  } catch (...) {
    context_.log.error(log_name_, "plugin {}: an exception left its unload", name_);
  }
}

void NativeLibrary::go_live() {
  live_ = true;
  object_.keep_for_ever();
}

Task<> NativeLibrary::run_in_pool(std::function<void()> job) {
  if (!pool_) pool_.emplace(kWorkerThreads);
  co_await pool_->run(std::move(job));
}

// A task of its own waits for the pool, because a wait for the pool does not notice a request to
// stop.
Task<> NativeLibrary::work(std::function<void()> job, StopSignal& stop) {
  Waiters ended;
  bool done = false;
  jobs_.spawn(log_name_, run_in_pool(std::move(job)), [&] {
    done = true;
    ended.notify_all();
  });
  while (!done && !stop.requested()) {
    if (const auto waited = co_await ended.wait(); !waited) stop.request();
  }
  while (!done) co_await ended.wait_to_the_end();
}

}  // namespace millrace::native
