// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host_process.hpp"
#include "millrace/plugin/template_host.hpp"

namespace millrace::python {

/// Templates in a host of their own. It answers one after the other, so the one that waits longest
/// is the one it works at: when it takes too long, that one fails. When the host dies, it is asked
/// for once more, since it need not be what killed the host; the second time it fails. The others
/// are asked for again in the next process, which gets the templates that they need first.
class PythonTemplates final : public TemplateHost, private ChannelListener {
 public:
  PythonTemplates(MainLoop& loop, Log& log, PythonOptions options, Object variables);
  PythonTemplates(const PythonTemplates&) = delete;
  PythonTemplates& operator=(const PythonTemplates&) = delete;
  ~PythonTemplates() override;

  Task<Result<Compiled>> compile(std::string text) override;
  Task<Result<Value>> render(std::uint32_t id, Object scope) override;
  Task<> stop() { return host_.stop(); }
  /// Its process is not started.
  void refuse() { host_.refuse(); }

 private:
  struct Template {
    std::string text;
    Compiled compiled;
    std::uint64_t generation = 0;  ///< of the last process that was told it
    bool cacheable = false;
    std::optional<Value> cached;
  };
  struct Answer {
    Waiters changed;
    std::optional<Result<Object>> told;
    bool lost = false;       ///< with a process that died, and to be asked for again
    bool saw_death = false;  ///< of a process that worked at it
  };
  struct Asked {
    FrameType type;
    std::uint64_t id = 0;
    Answer* answer = nullptr;  ///< nullptr: nobody waits any more
  };

  Result<> on_frame(const Frame& frame, const std::shared_ptr<const void>& memory) override;
  void on_host_end(const Error& why) override;

  Task<Result<Object>> ask(FrameType type, std::uint64_t id, Template& asked_for,
                           std::string_view payload);
  void tell(Template& told);
  void watch();
  void forget(const Answer& answer);

  MainLoop& loop_;
  const Duration limit_;
  HostProcess host_;
  std::map<std::uint32_t, std::unique_ptr<Template>> templates_;
  std::map<std::string, std::uint32_t, std::less<>> by_text_;
  std::uint32_t last_template_ = 0;
  std::uint64_t last_render_ = 0;
  std::list<Asked> asked_;  ///< of this process, oldest first
  Instant progress_at_{};   ///< of the last answer, or of the first question after a silence
  std::optional<MainLoop::TimerId> watch_;
};

}  // namespace millrace::python
