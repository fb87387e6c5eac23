// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/plugin.h"
#include "millrace/plugin/native_plugin.hpp"
#include "native/stop_signal.hpp"

namespace millrace::native {

/// A shared object in memory. Taken out of it again unless it is to stay.
class SharedObject {
 public:
  /// Errors: not_found; corrupt when the system cannot load it.
  static Result<SharedObject> open(const std::filesystem::path& file);
  SharedObject(SharedObject&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  SharedObject& operator=(SharedObject&&) = delete;
  ~SharedObject();

  /// nullptr if it has none.
  const void* symbol(const char* name) const;
  void keep_for_ever() { handle_ = nullptr; }

 private:
  explicit SharedObject(void* handle) : handle_(handle) {}
  void* handle_;
};

/// A native plugin in memory: what its descriptors and instances share, so that it goes when the
/// last of them does. Loop thread only.
class NativeLibrary {
 public:
  NativeLibrary(std::filesystem::path file, SharedObject object,
                const millrace_plugin_description& description, NativeContext context);
  NativeLibrary(const NativeLibrary&) = delete;
  NativeLibrary& operator=(const NativeLibrary&) = delete;
  ~NativeLibrary();

  const std::string& name() const { return name_; }
  const std::string& log_name() const { return log_name_; }  ///< "plugin.<name>"
  const std::filesystem::path& file() const { return file_; }
  const millrace_plugin_description& description() const { return description_; }
  MainLoop& loop() const { return context_.loop; }
  Log& log() const { return context_.log; }

  /// Loading has succeeded: from now on it stays in memory, and is told when it is over.
  void go_live();
  /// It has started threads that may still run.
  void keep_in_memory() { object_.keep_for_ever(); }

  /// Runs `job`, which must not throw, on a worker thread and waits for its end, also when the task
  /// is asked to stop: `stop` tells the job then.
  Task<> work(std::function<void()> job, StopSignal& stop);

 private:
  Task<> run_in_pool(std::function<void()> job);

  const std::filesystem::path file_;
  const millrace_plugin_description description_;
  const std::string name_;
  const std::string log_name_;
  const NativeContext context_;
  SharedObject object_;
  bool live_ = false;
  std::optional<BlockingPool> pool_;  ///< made when the first job comes
  TaskGroup jobs_;
};

}  // namespace millrace::native
