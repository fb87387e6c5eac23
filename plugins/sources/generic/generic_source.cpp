// SPDX-License-Identifier: Apache-2.0
// Events written down in the rulebook or in a file, with delays and repetitions: for trying out
// rules.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "environment_check.hpp"
#include "event_maker.hpp"
#include "millrace/base/files.hpp"
#include "millrace/event/python_text.hpp"
#include "millrace/event/yaml.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::generic {
namespace {

// Python's idea of false: such entries of a payload are not sent.
bool is_empty(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return true;
    case boost::json::kind::bool_:
      return !value.get_bool();
    case boost::json::kind::int64:
      return value.get_int64() == 0;
    case boost::json::kind::uint64:
      return value.get_uint64() == 0;
    case boost::json::kind::double_:
      return value.get_double() == 0;
    case boost::json::kind::string:
      return value.get_string().empty();
    case boost::json::kind::array:
      return value.get_array().empty();
    case boost::json::kind::object:
      return value.get_object().empty();
  }
  return false;
}

std::vector<Value> entries_of(const Value& payload) {
  std::vector<Value> entries;
  if (!payload.is_array()) {
    entries.push_back(payload);
  } else {
    entries.assign(payload.get_array().begin(), payload.get_array().end());
  }
  std::erase_if(entries, is_empty);
  return entries;
}

class GenericSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const Settings& settings) {
    if (!settings.has("payload") && !settings.has("payload_file")) {
      return fail(Errc::invalid_settings, "payload or payload_file is required");
    }
    auto maker = EventMaker::create(settings);
    if (!maker) return maker.error();
    return std::unique_ptr<Source>(std::make_unique<GenericSource>(settings, std::move(*maker)));
  }

  GenericSource(const Settings& settings, EventMaker maker)
      : settings_(settings),
        maker_(std::move(maker)),
        loops_(settings.integer("loop_count")),
        repeats_(settings.integer("repeat_count")),
        startup_delay_(settings.seconds("startup_delay")),
        event_delay_(settings.seconds("event_delay")),
        repeat_delay_(settings.seconds("repeat_delay")),
        loop_delay_(settings.seconds("loop_delay")),
        shutdown_after_(settings.seconds("shutdown_after")),
        displays_(settings.boolean("display")) {}

  Task<Result<>> run(SourceContext& context) override {
    if (auto checked = check_environment(settings_.object("check_env_vars")); !checked)
      co_return checked.error();
    if (auto loaded = co_await load(context); !loaded) co_return loaded.error();
    if (auto slept = co_await pause(context, startup_delay_); !slept) co_return slept.error();
    if (entries_.empty() && loops_ < 0) co_return co_await context.sleep_for(Duration::max());
    for (std::int64_t loop = 0; loops_ < 0 || loop < loops_; ++loop) {
      if (auto sent = co_await send_all(context, loop == 0 ? Duration::zero() : loop_delay_);
          !sent) {
        co_return sent.error();
      }
    }
    if (auto sent = co_await send_final(context); !sent) co_return sent.error();
    co_return co_await pause(context, shutdown_after_);
  }

 private:
  static constexpr std::size_t kBatch = 256;
  static constexpr std::size_t kBatchBytes = std::size_t{1} << 20;

  Task<Result<>> load(SourceContext& context) {
    if (!settings_.has("payload_file")) {
      entries_ = entries_of(settings_.value("payload"));
      co_return Result<>();
    }
    const auto path = settings_.string("payload_file");
    const auto text = co_await context.pool().run([path] { return read_file(path); });
    if (!text && text.error().code() == Errc::not_found)
      co_return fail(Errc::not_found, "File {} not found", path);
    if (!text) co_return text.error();
    const auto payload = parse_yaml_value(*text, path);
    if (!payload) co_return payload.error();
    entries_ = entries_of(*payload);
    co_return Result<>();
  }

  Task<Result<>> send_all(SourceContext& context, Duration delay) {
    if (auto slept = co_await pause(context, delay); !slept) co_return slept.error();
    if (settings_.boolean("randomize")) maker_.shuffle(entries_);
    for (const auto& entry : entries_) {
      for (std::int64_t repeat = 0; repeat < repeats_; ++repeat) {
        if (auto sent = co_await send(context, entry); !sent) co_return sent.error();
        if (auto slept = co_await pause(context, repeat_delay_); !slept) co_return slept.error();
      }
      if (auto slept = co_await pause(context, event_delay_); !slept) co_return slept.error();
    }
    // An endless loop without delays must leave the others their turn, also when nothing is to be
    // repeated.
    co_await context.loop().yield();
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    co_return Result<>();
  }

  Task<Result<>> send_final(SourceContext& context) {
    if (const auto& last = settings_.value("final_payload"); !is_empty(last)) {
      if (auto sent = co_await send(context, last); !sent) co_return sent.error();
    }
    co_return co_await flush(context);
  }

  // Events that no delay separates travel together.
  Task<Result<>> send(SourceContext& context, const Value& entry) {
    auto event = maker_.make(entry, context.clock().wall());
    if (!event) co_return event.error();
    if (displays_) display(context, *event);
    pending_.events.emplace_back(std::move(*event));
    const auto bytes = pending_.events.size() * maker_.blob_size();
    if (pending_.events.size() < kBatch && bytes < kBatchBytes) co_return Result<>();
    co_return co_await flush(context);
  }

  Task<Result<>> flush(SourceContext& context) {
    if (pending_.events.empty()) co_return Result<>();
    co_return co_await context.emit(std::exchange(pending_, {}));
  }

  Task<Result<>> pause(SourceContext& context, Duration delay) {
    if (delay <= Duration::zero()) co_return Result<>();
    if (auto flushed = co_await flush(context); !flushed) co_return flushed.error();
    co_return co_await context.sleep_for(delay);
  }

  void display(SourceContext& context, const Value& event) {
    const auto written = write_all(STDOUT_FILENO, python_repr(event) + '\n');
    if (written) return;
    displays_ = false;  // said once
    context.log().warning(context.log_name(), "events are no longer displayed: {}",
                          written.error().message());
  }

  const Settings settings_;
  EventMaker maker_;
  const std::int64_t loops_;  ///< negative: for ever
  const std::int64_t repeats_;
  const Duration startup_delay_;
  const Duration event_delay_;
  const Duration repeat_delay_;
  const Duration loop_delay_;
  const Duration shutdown_after_;
  bool displays_;
  std::vector<Value> entries_;
  EventBatch pending_;
};

Setting pause_setting(std::string name, std::string meaning) {
  return Setting(std::move(name), SettingType::seconds, std::move(meaning))
      .by_default(0)
      .at_least(0)
      .at_most(1e9);
}

void add_payload_settings(std::vector<Setting>& all) {
  all.push_back(
      Setting("payload", SettingType::any, "the events: a list of objects, or one object"));
  all.push_back(Setting("payload_file", SettingType::string,
                        "a YAML or JSON file with the events; payload is ignored then")
                    .nullable());
  all.push_back(
      Setting("final_payload", SettingType::object, "an event that is sent once, last").nullable());
  all.push_back(Setting("create_index", SettingType::string,
                        "key under which each event gets a running number from 0")
                    .nullable());
  all.push_back(Setting("timestamp", SettingType::boolean, "adds the time under the key timestamp")
                    .by_default(false));
  all.push_back(Setting("time_format", SettingType::string,
                        "how the time is written: local, iso8601 or epoch")
                    .by_default("local"));
  all.push_back(
      Setting("blob_size", SettingType::integer, "adds the key blob with so many letters x")
          .by_default(0)
          .at_least(0)
          .at_most(1 << 30));
  all.push_back(Setting("display", SettingType::boolean, "prints each event on standard output")
                    .by_default(false));
  all.push_back(Setting("check_env_vars", SettingType::object,
                        "environment variables that must have these values")
                    .by_default(Object())
                    .nullable());
}

void add_flow_settings(std::vector<Setting>& all) {
  all.push_back(Setting("loop_count", SettingType::integer,
                        "how often the payload is sent; negative: for ever")
                    .by_default(1));
  all.push_back(
      Setting("repeat_count", SettingType::integer, "how often each event is sent in a row")
          .by_default(1));
  all.push_back(Setting("randomize", SettingType::boolean, "sends the payload in random order")
                    .by_default(false));
  all.push_back(Setting("seed", SettingType::integer, "makes the random order the same each time")
                    .nullable());
  all.push_back(pause_setting("startup_delay", "pause before the first event"));
  all.push_back(pause_setting("event_delay", "pause after each entry of the payload"));
  all.push_back(pause_setting("repeat_delay", "pause after each repetition"));
  all.push_back(pause_setting("loop_delay", "pause before each loop but the first"));
  all.push_back(pause_setting("shutdown_after", "pause before the source ends"));
}

SettingsSchema schema() {
  SettingsSchema schema;
  schema.unknown = Unknown::warning;
  add_payload_settings(schema.settings);
  add_flow_settings(schema.settings);
  return schema;
}

}  // namespace
}  // namespace millrace::generic

MILLRACE_PLUGIN(generic_source, plugin) {
  plugin.source<millrace::generic::GenericSource>(
      "generic", "Sends events written in the rulebook or in a file.", millrace::generic::schema());
}
