// SPDX-License-Identifier: Apache-2.0
#include "native/native_filter.hpp"

#include "millrace/event/json.hpp"

namespace millrace::native {
namespace {

class ApplyCall final : public PluginCall {
 public:
  ApplyCall(const NativeLibrary& library, Log& log, std::vector<Value>& out)
      : PluginCall(library.name(), log, library.log_name()), out_(out) {}

  Result<> put(std::string_view json) override {
    auto value = parse_json(json);
    if (!value) return std::move(value.error()).with_context("put");
    out_.push_back(std::move(*value));
    return {};
  }

 private:
  std::vector<Value>& out_;
};

}  // namespace

Result<> NativeFilter::apply(Value event, std::vector<Value>& out, Log& log) {
  ApplyCall call(made_->library(), log, out);
  const auto json = to_json(event);
  return call.invoke([&](millrace_context* context) {
    return made_->table().apply(made_->get(), context, text_of(json));
  });
}

Result<FilterDescriptor> describe(std::shared_ptr<NativeLibrary> library,
                                  const millrace_filter& table) {
  auto about = read_about(table.about);
  if (!about) return about.error();
  if (table.create == nullptr || table.apply == nullptr)
    return fail(Errc::invalid_settings, "filter {} lacks create or apply", about->name);
  auto file = library->file().string();
  const auto kind = std::make_shared<const Registered<millrace_filter>>(
      Registered<millrace_filter>{std::move(library), std::move(*about), table});
  const auto create = [kind](const Settings& settings) -> Result<std::unique_ptr<Filter>> {
    auto made = create_instance(kind, settings);
    if (!made) return made.error();
    return std::unique_ptr<Filter>(std::make_unique<NativeFilter>(std::move(*made)));
  };
  return FilterDescriptor{
      kind->about.name, kind->about.aliases, kind->about.summary, kind->about.schema,
      create,           std::move(file)};
}

}  // namespace millrace::native
