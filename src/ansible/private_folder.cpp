// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/private_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "millrace/base/files.hpp"

namespace millrace::ansible {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "eda";
constexpr std::string_view kPattern = "XXXXXX";

// A playbook may lie where folders of runs do: they would be copied into themselves.
bool is_folder_of_run(const fs::path& path) {
  const auto name = path.filename().string();
  if (!name.starts_with(kPrefix) || name.size() != kPrefix.size() + kPattern.size()) return false;
  std::error_code error;
  const auto root = fs::temp_directory_path(error);
  return !error && fs::equivalent(path.parent_path(), root, error) && !error;
}

// A link to a folder that it lies in: there would be no end.
bool leads_back(const fs::path& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return false;
  const auto target = fs::canonical(path, error);
  if (error) return false;
  const auto place = fs::canonical(path.parent_path(), error);
  return !error && std::ranges::mismatch(target, place).in1 == target.end();
}

class Copy {
 public:
  explicit Copy(CopyLimits limits) : left_(limits) {}

  // What is within a folder may go meanwhile, and is left out.
  Result<> run(const fs::path& from, const fs::path& to, std::size_t depth) {
    if (depth > 0 && (is_folder_of_run(from) || leads_back(from))) return {};
    std::error_code error;
    const auto status = fs::status(from, error);
    if (status.type() == fs::file_type::regular) {
      auto copied = copy_file(from, to);
      if (!copied && copied.error().code() == Errc::not_found && depth > 0) return {};
      return copied;
    }
    if (status.type() == fs::file_type::directory) return copy_folder(from, to, depth);
    if (depth == 0) return fail_errno(ENOENT, fmt::format("cannot copy {}", from.string()));
    return {};
  }

 private:
  Result<> copy_file(const fs::path& from, const fs::path& to) {
    std::error_code error;
    const auto size = fs::file_size(from, error);
    if (!error && size > left_.bytes) return too_much(from);
    if (!error) left_.bytes -= size;
    if (!error) fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
    if (error) return fail_errno(error.value(), fmt::format("cannot copy {}", from.string()));
    return {};
  }

  Result<> copy_folder(const fs::path& from, const fs::path& to, std::size_t depth) {
    if (depth == left_.depth) return too_much(from);
    std::error_code error;
    fs::create_directories(to, error);
    if (error) return fail_errno(error.value(), fmt::format("cannot make {}", to.string()));
    for (fs::directory_iterator at(from, error), end; !error && at != end; at.increment(error)) {
      if (left_.entries-- == 0) return too_much(from);
      if (auto copied = run(at->path(), to / at->path().filename(), depth + 1); !copied)
        return copied;
    }
    if (error) return fail_errno(error.value(), fmt::format("cannot read {}", from.string()));
    return {};
  }

  static Error too_much(const fs::path& where) {
    return fail(Errc::unsupported, "there is too much to copy: gave up at {}", where.string());
  }

  CopyLimits left_;
};

}  // namespace

Result<std::unique_ptr<PrivateFolder>> PrivateFolder::create() {
  std::error_code error;
  const auto root = fs::temp_directory_path(error);
  if (error) return fail_errno(error.value(), "there is no folder for temporary files");
  auto name = (root / fmt::format("{}{}", kPrefix, kPattern)).string();
  if (::mkdtemp(name.data()) == nullptr)  // mode 0700
    return fail_errno(errno, fmt::format("cannot make a folder in {}", root.string()));
  return std::unique_ptr<PrivateFolder>(new PrivateFolder(name));
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Result<fs::path> PrivateFolder::write(const fs::path& name, std::string_view text) {
  const auto path = path_ / name;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno(errno, fmt::format("cannot write {}", path.string()));
  if (auto written = write_all(file.get(), text); !written) return written.error();
  return path;
}

Result<> copy_tree(const fs::path& from, const fs::path& to, CopyLimits limits) {
  return Copy(limits).run(from, to, 0);
}

}  // namespace millrace::ansible
