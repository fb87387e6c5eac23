// SPDX-License-Identifier: Apache-2.0
#include "journal_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace millrace::pipeline {
namespace {

constexpr std::uint32_t kMagic = 0x314a524d;  // "MRJ1"
constexpr std::size_t kLargestFrame = std::size_t{64} << 20;
constexpr std::size_t kLargestFile = std::size_t{1} << 40;
constexpr std::string_view kPrefix = "journal-";

struct FrameHeader {
  std::uint32_t magic = kMagic;
  std::uint32_t size = 0;
  std::uint64_t checksum = 0;
};

Error system_error(std::string_view what, const std::filesystem::path& path) {
  const int number = errno;
  const auto code = number == EACCES || number == EPERM ? Errc::permission_denied
                    : number == ENOENT                  ? Errc::not_found
                                                        : Errc::io;
  return fail(code, "cannot {} {}: {}", what, path.string(), std::strerror(number));
}

// The lines of the frame at the beginning of `bytes`, if it is whole.
std::optional<std::string_view> frame_at(std::string_view bytes) {
  FrameHeader header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic || header.size > kLargestFrame) return std::nullopt;
  const auto lines = bytes.substr(sizeof header);
  if (lines.size() < header.size) return std::nullopt;
  if (XXH3_64bits(lines.data(), header.size) != header.checksum) return std::nullopt;
  return lines.substr(0, header.size);
}

bool has_frame(std::string_view bytes) {
  const std::string_view magic(reinterpret_cast<const char*>(&kMagic), sizeof kMagic);
  for (auto at = bytes.find(magic); at != std::string_view::npos; at = bytes.find(magic, at + 1)) {
    if (frame_at(bytes.substr(at))) return true;
  }
  return false;
}

Result<JournalFile::Past> read_past(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kLargestFile);
  if (!bytes) return bytes.error();
  JournalFile::Past past;
  std::string_view rest = *bytes;
  while (const auto lines = frame_at(rest)) {
    past.lines += *lines;
    rest.remove_prefix(sizeof(FrameHeader) + lines->size());
  }
  past.broken_bytes = rest.size();
  if (past.lines.empty() || has_frame(rest)) {
    return fail(Errc::corrupt,
                "{} is damaged at byte {}; restore it, or move it away to begin without what was "
                "accepted and remembered",
                path.string(), bytes->size() - rest.size());
  }
  // A write of several frames of which not all came.
  past.lines.resize(past.lines.rfind('\n') + 1);
  return past;
}

std::optional<std::uint64_t> number_of(const std::filesystem::path& path) {
  const auto name = path.filename().string();
  std::uint64_t number = 0;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

std::vector<std::uint64_t> numbers_in(const std::filesystem::path& folder) {
  std::vector<std::uint64_t> numbers;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (const auto number = number_of(entry.path())) numbers.push_back(*number);
  }
  return numbers;
}

}  // namespace

JournalFile::JournalFile(std::filesystem::path folder, JournalOptions::Sync sync)
    : folder_(std::move(folder)), sync_(sync) {}

std::filesystem::path JournalFile::name(std::uint64_t number) const {
  return folder_ / fmt::format("{}{}", kPrefix, number);
}

Result<> JournalFile::lock() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    return fail(Errc::io, "cannot make the folder {}: {}", folder_.string(), error.message());
  }
  const auto path = folder_ / "lock";
  lock_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) return system_error("open", path);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Errc::conflict, "the journal {} is used by another process", folder_.string());
  return {};
}

Result<JournalFile::Past> JournalFile::open() {
  if (auto locked = lock(); !locked) return locked.error();
  const auto numbers = numbers_in(folder_);
  if (numbers.empty()) return Past{};
  number_ = *std::ranges::max_element(numbers);
  return read_past(name(number_));
}

Result<> JournalFile::begin(std::string_view lines) {
  auto made = folder_ / "new";
  FileDescriptor file(
      ::open(made.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!file) return system_error("make", made);
  std::swap(file_, file);
  const auto bytes_before = std::exchange(bytes_, 0);
  auto written = write_frames(lines);
  const auto next = name(number_ + 1);
  if (written && sync_ == JournalOptions::Sync::always && ::fsync(file_.get()) != 0)
    written = system_error("write", made);
  if (written && ::rename(made.c_str(), next.c_str()) != 0) written = system_error("make", next);
  if (!written) {
    std::swap(file_, file);
    bytes_ = bytes_before;
    ::unlink(made.c_str());
    return written;
  }
  if (sync_ == JournalOptions::Sync::always) {
    const FileDescriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (::fsync(folder.get()) != 0) return system_error("write", folder_);
  }
  ++number_;
  remove_others();
  return {};
}

void JournalFile::remove_others() const {
  for (const auto number : numbers_in(folder_)) {
    if (number != number_) ::unlink(name(number).c_str());
  }
}

Result<> JournalFile::append(std::string_view lines) {
  if (auto written = write_frames(lines); !written) return written;
  if (sync_ == JournalOptions::Sync::always && ::fdatasync(file_.get()) != 0)
    return system_error("write", name(number_));
  return {};
}

Result<> JournalFile::write_frames(std::string_view lines) {
  while (!lines.empty()) {
    const auto part = lines.substr(0, kLargestFrame);
    lines.remove_prefix(part.size());
    const FrameHeader header{kMagic, static_cast<std::uint32_t>(part.size()),
                             XXH3_64bits(part.data(), part.size())};
    frame_.assign(reinterpret_cast<const char*>(&header), sizeof header);
    frame_ += part;
    if (auto written = write_all(file_.get(), frame_); !written)
      return Error(written.error()).with_context(name(number_).string());
    bytes_ += frame_.size();
  }
  return {};
}

}  // namespace millrace::pipeline
