// SPDX-License-Identifier: Apache-2.0
// Copies host names from inside the event to meta.hosts, which limits the hosts that actions run
// on.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/event/python_text.hpp"
#include "millrace/plugin/glob_path.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::insert_hosts_to_meta {
namespace {

constexpr std::string_view kLogName = "filter.insert_hosts_to_meta";

// No trimming, and empty parts stay, as in the original.
Array split_hosts(std::string_view text, std::string_view separator) {
  Array hosts;
  while (!separator.empty()) {
    const auto end = text.find(separator);
    if (end == std::string_view::npos) break;
    hosts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  hosts.emplace_back(text);
  return hosts;
}

Error no_hostname(const Value& value) {
  return fail(Errc::invalid_event, "{} is not a valid hostname", python_str(value));
}

Result<Array> hosts_in(const Value& found, std::string_view separator) {
  if (found.is_string()) return split_hosts(view(found.get_string()), separator);
  if (!found.is_array()) return no_hostname(found);
  for (const auto& host : found.get_array()) {
    if (!host.is_string()) return no_hostname(host);
  }
  return found.get_array();
}

class InsertHostsToMeta final : public Filter {
 public:
  static Result<std::unique_ptr<InsertHostsToMeta>> create(const Settings& settings) {
    auto made = std::make_unique<InsertHostsToMeta>();
    if (settings.has("host_separator")) made->host_separator_ = settings.string("host_separator");
    made->raise_error_ = settings.boolean("raise_error");
    made->log_error_ = settings.boolean("log_error");
    const auto path = settings.has("host_path") ? settings.string("host_path") : std::string();
    if (path.empty()) return made;
    auto parsed = GlobPath::parse(path, settings.string("path_separator"));
    if (!parsed) return parsed.error();
    made->host_path_ = std::move(*parsed);
    return made;
  }

  Result<> apply(Value event, std::vector<Value>& out, Log& log) override {
    if (host_path_) {
      if (auto inserted = insert(event, log); !inserted) return inserted.error();
    }
    out.push_back(std::move(event));
    return {};
  }

 private:
  Result<> insert(Value& event, Log& log) const {
    const auto found = host_path_->get(event);
    if (!found && found.error().code() == Errc::not_found) return missing(event, log);
    if (!found) return found.error();
    auto hosts = hosts_in(**found, host_separator_);
    if (!hosts) return hosts.error();
    if (!event.is_object()) return fail(Errc::invalid_event, "the event is not an object");
    auto& meta = event.get_object().emplace("meta", Object()).first->value();
    if (!meta.is_object()) {
      return fail(Errc::invalid_event, "meta of the event is of type {}, not an object",
                  python_type(meta));
    }
    meta.get_object()["hosts"] = std::move(*hosts);
    return {};
  }

  Result<> missing(const Value& event, Log& log) const {
    if (!log_error_ && !raise_error_) return {};
    const auto text =
        fmt::format("Event {} does not contain {}", python_str(event), host_path_->text());
    if (log_error_) log.error(kLogName, "{}", text);
    if (raise_error_) return Error(Errc::not_found, text);
    return {};
  }

  std::optional<GlobPath> host_path_;
  std::string host_separator_;
  bool raise_error_ = false;
  bool log_error_ = true;
};

}  // namespace
}  // namespace millrace::insert_hosts_to_meta

MILLRACE_PLUGIN(insert_hosts_to_meta_filter, plugin) {
  using millrace::Setting;
  using millrace::SettingType;
  plugin.filter<millrace::insert_hosts_to_meta::InsertHostsToMeta>(
      "insert_hosts_to_meta", "Copies host names from inside the event to meta.hosts.",
      {{Setting(
            "host_path", SettingType::string,
            "where the host names are: a string or a list of strings; without it nothing happens")
            .nullable(),
        Setting("path_separator", SettingType::string, "what separates the keys of host_path")
            .by_default("."),
        Setting("host_separator", SettingType::string,
                "what separates the names in a string; without it the string is one name")
            .nullable(),
        Setting("raise_error", SettingType::boolean,
                "whether an event without host names is refused")
            .by_default(false),
        Setting("log_error", SettingType::boolean,
                "whether an event without host names is logged as an error")
            .by_default(true)}});
}
