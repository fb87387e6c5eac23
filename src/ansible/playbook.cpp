// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/playbook.hpp"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "attempt.hpp"
#include "callback.hpp"
#include "millrace/ansible/unsafe_text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::ansible {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostVerbose = 7;
constexpr auto* kProject = "project";
constexpr auto* kWritten = "wrapper.yml";

// Within the folder of the run.
fs::path playbook_in_folder(const PlaybookOptions& options) {
  if (!options.written.is_null()) return fs::path(kProject) / kWritten;
  if (options.project.empty()) return fs::path(kProject) / options.playbook.filename();
  return fs::path(kProject) / options.playbook.lexically_relative(options.project);
}

fs::path inventory_in_folder(const PlaybookOptions& options) {
  std::error_code ignored;
  const fs::path folder("inventory");
  return fs::is_directory(options.inventory, ignored) ? folder
                                                      : folder / options.inventory.filename();
}

// Also the variables of hosts and groups beside a file: Ansible looks for them there.
Result<> copy_inventory(const PlaybookOptions& options, const fs::path& to) {
  std::error_code ignored;
  const auto target = to / inventory_in_folder(options);
  fs::create_directories(target.parent_path(), ignored);
  if (auto copied = copy_tree(options.inventory, target); !copied) return copied;
  if (fs::is_directory(options.inventory, ignored)) return {};
  const auto beside = fs::absolute(options.inventory, ignored).parent_path();
  for (const auto* variables : {"group_vars", "host_vars"}) {
    if (!fs::is_directory(beside / variables, ignored)) continue;
    if (auto copied = copy_tree(beside / variables, to / "inventory" / variables); !copied)
      return copied;
  }
  return {};
}

// Beside the playbook: there Ansible loads callbacks from, whatever else is configured.
Result<> copy_callback(const fs::path& playbook) {
  const auto callback = find_callback();
  if (!callback) return callback.error();
  std::error_code error;
  const auto folder = playbook.parent_path() / "callback_plugins";
  fs::create_directories(folder, error);
  if (error) return fail_errno(error.value(), fmt::format("cannot make {}", folder.string()));
  return copy_tree(*callback, folder / callback->filename());
}

}  // namespace

Playbook::Playbook(PlaybookOptions options, MainLoop& loop, BlockingPool& pool)
    : options_(std::move(options)), loop_(loop), pool_(pool) {}

Playbook::~Playbook() = default;

Result<> Playbook::fill(const PlaybookOptions& options, PrivateFolder& folder) {
  const auto project = folder.path() / kProject;
  const auto playbook = folder.path() / playbook_in_folder(options);
  std::error_code error;
  fs::create_directories(playbook.parent_path(), error);
  if (error) return fail_errno(error.value(), fmt::format("cannot make {}", project.string()));
  Result<> copied;
  if (!options.project.empty()) copied = copy_tree(options.project, project);
  if (copied && options.project.empty() && options.written.is_null())
    copied = copy_tree(options.playbook, playbook);
  if (copied && !options.inventory.empty()) copied = copy_inventory(options, folder.path());
  if (copied) copied = copy_callback(playbook);
  if (!copied) return copied;
  if (!options.written.is_null()) {
    auto written = folder.write(playbook_in_folder(options), to_json(options.written));
    if (!written) return written.error();
  }
  auto variables = folder.write("env/extravars", to_json(as_unsafe(options.extra_vars)));
  if (!variables) return variables.error();
  return {};
}

Task<Result<std::unique_ptr<Playbook>>> Playbook::prepare(PlaybookOptions options, MainLoop& loop,
                                                          BlockingPool& pool) {
  std::unique_ptr<Playbook> made(new Playbook(std::move(options), loop, pool));
  auto folder = PrivateFolder::create();
  if (!folder) co_return folder.error();
  made->folder_ = std::move(*folder);
  auto filled = co_await pool.run([&made] { return fill(made->options_, *made->folder_); });
  if (!filled) {
    co_await made->clean_up();
    co_return filled.error();
  }
  co_return made;
}

Task<Result<PlaybookOutcome>> Playbook::run(const PlaybookListener& listener) {
  const auto root = folder_->path();
  ProcessOptions process;
  process.directory = (root / kProject).string();
  auto& arguments = process.arguments;
  arguments = {"ansible-playbook", "-e", "@" + (root / "env" / "extravars").string()};
  if (!options_.inventory.empty()) {
    arguments.emplace_back("-i");
    arguments.push_back((root / inventory_in_folder(options_)).string());
  }
  if (!options_.limit.empty()) arguments.push_back("--limit=" + options_.limit);
  if (const auto verbose = std::clamp<std::int64_t>(options_.verbosity, 0, kMostVerbose))
    arguments.push_back("-" + std::string(static_cast<std::size_t>(verbose), 'v'));
  arguments.push_back((root / playbook_in_folder(options_)).string());
  process.environment["ANSIBLE_RETRY_FILES_ENABLED"] = "False";
  if (options_.print == PlaybookOptions::Print::coloured)
    process.environment["ANSIBLE_FORCE_COLOR"] = "1";
  auto attempt = Attempt::start(loop_, std::move(process), listener,
                                options_.print == PlaybookOptions::Print::json);
  if (!attempt) co_return attempt.error();
  co_return co_await (*attempt)->run();
}

Task<> Playbook::clean_up() {
  co_await pool_.run([&folder = folder_] { folder.reset(); });
}

}  // namespace millrace::ansible
