// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "millrace/plugin/loaded_plugin.hpp"
#include "native/native_library.hpp"
#include "native/plugin_call.hpp"

namespace millrace::native {

/// What a plugin has while its `load` lasts. All that it brings is gathered in a LoadedPlugin.
class Loading final : public PluginCall {
 public:
  Loading(std::shared_ptr<NativeLibrary> library, Object configuration);

  LoadedPlugin take() { return std::move(loaded_); }
  /// What it tried to publish with, if it did.
  const std::optional<std::string>& published() const { return published_; }

  Result<> add_source(const millrace_source& source) override;
  Result<> add_filter(const millrace_filter& filter) override;
  Result<> add_action(const millrace_action& action) override;
  Result<> add_service(millrace_service_kind kind, const millrace_service& service) override;
  Result<> add_pattern(const millrace_pattern& pattern) override;
  Result<std::string> configuration_get(std::string_view path) override;
  Result<> configuration_set(std::string_view path, std::string_view json) override;
  Result<> call_soon(const Deferred& work) override;

 protected:
  void refused(std::string_view function, Effect effect) override;

 private:
  const std::shared_ptr<NativeLibrary> library_;
  LoadedPlugin loaded_;
  std::optional<std::string> published_;
};

}  // namespace millrace::native
