// SPDX-License-Identifier: Apache-2.0
#include "millrace/ansible/project.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "millrace/base/text.hpp"
#include "millrace/loop/child_process.hpp"

namespace millrace::ansible {
namespace {

namespace fs = std::filesystem;

constexpr auto kPatience = std::chrono::minutes(5);
constexpr std::size_t kLongestListing = std::size_t{64} << 20;
constexpr std::size_t kMostEntries = 100'000;
constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

Task<Result<std::string>> run_tar(std::vector<std::string> arguments, MainLoop& loop) {
  ChildOptions child;
  child.arguments = std::move(arguments);
  child.environment = {{"LC_ALL", "C"}, {"TAR_OPTIONS", ""}};
  child.timeout = kPatience;
  child.output_limit = kLongestListing;
  auto ended = co_await run_child(loop, std::move(child));
  if (!ended && ended.error().code() == Errc::not_found)
    co_return fail(Errc::unavailable, "there is no tar in PATH");
  if (!ended) co_return ended.error();
  if (ended->timed_out) co_return fail(Errc::timeout, "tar did not end");
  if (ended->truncated) co_return fail(Errc::unsupported, "there is too much in it");
  if (ended->exit_code != 0) {
    const auto errors = trim(ended->errors);
    co_return fail(Errc::corrupt, "{}", printable(errors.substr(0, errors.find('\n'))));
  }
  co_return std::move(ended->output);
}

bool leads_out(std::string_view path) {
  return path.starts_with('/') ||
         std::ranges::any_of(split(path, '/'), [](std::string_view part) { return part == ".."; });
}

// Takes the next word of a line of the listing.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

// "-rw-r--r-- 0/0  12 2026-11-21 10:00 name", names escaped; links with what they lead to.
Result<> check_entry(std::string_view line, std::uint64_t& bytes) {
  const auto mode = take_word(line);
  take_word(line);
  const auto size = take_word(line);
  take_word(line);
  take_word(line);
  const auto name = line.substr(std::min<std::size_t>(1, line.size()));
  if (mode.empty() || !std::string_view("-dlh").contains(mode.front()))
    return fail(Errc::unsupported, "{} is no file, folder or link", printable(name));
  if (leads_out(name) && mode.front() != 'l')
    return fail(Errc::unsupported, "{} leads out of it", printable(name));
  if (mode.front() == 'l' && leads_out(name.substr(0, name.find(" -> "))))
    return fail(Errc::unsupported, "{} leads out of it", printable(name));
  std::uint64_t count = 0;
  std::from_chars(size.data(), size.data() + size.size(), count);
  if (count > kMostBytes - bytes) return fail(Errc::unsupported, "there is too much in it");
  bytes += count;
  return {};
}

Result<> check_listing(std::string_view listing) {
  std::size_t entries = 0;
  std::uint64_t bytes = 0;
  for (const auto line : split(listing, '\n')) {
    if (line.empty()) continue;
    if (++entries > kMostEntries) return fail(Errc::unsupported, "there is too much in it");
    if (auto checked = check_entry(line, bytes); !checked) return checked;
  }
  return {};
}

// Where links lead to is known for certain when they are there.
Result<> check_links(const fs::path& folder) {
  std::error_code error;
  const auto whole = fs::canonical(folder, error);
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_symlink(error)) continue;
    const auto target = fs::weakly_canonical(at->path(), error);
    if (error || *target.lexically_relative(whole).begin() == "..")
      return fail(Errc::unsupported, "the link {} leads out of it",
                  printable(at->path().filename().string()));
  }
  if (error) return fail_errno(error.value(), "cannot read what was unpacked");
  return {};
}

Task<Result<>> unpack(const std::string& tarball, const fs::path& folder, MainLoop& loop) {
  const auto file = fs::absolute(tarball).string();
  const auto listing = co_await run_tar({"tar", "--list", "--verbose", "--numeric-owner",
                                         "--quoting-style=escape", "--force-local", "--file", file},
                                        loop);
  if (!listing) co_return listing.error();
  if (auto checked = check_listing(*listing); !checked) co_return checked;
  const auto unpacked =
      co_await run_tar({"tar", "--extract", "--no-same-owner", "--no-same-permissions",
                        "--force-local", "--directory", folder.string(), "--file", file},
                       loop);
  if (!unpacked) co_return unpacked.error();
  co_return check_links(folder);
}

}  // namespace

Task<Result<std::unique_ptr<PrivateFolder>>> unpack_project(std::string tarball, MainLoop& loop) {
  std::error_code ignored;
  if (!fs::is_regular_file(tarball, ignored))
    co_return fail(Errc::not_found, "Project tarball {} not found", tarball);
  auto folder = PrivateFolder::create();
  if (!folder) co_return folder.error();
  auto unpacked = co_await unpack(tarball, (*folder)->path(), loop);
  if (!unpacked) co_return std::move(unpacked.error()).with_context(tarball);
  co_return folder;
}

}  // namespace millrace::ansible
