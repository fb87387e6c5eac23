// SPDX-License-Identifier: Apache-2.0
#include "record_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "record_format.hpp"

namespace millrace::pipeline {
namespace {

constexpr int kLevel = 1;        // events come faster than higher levels compress
constexpr mode_t kOwner = 0600;  // events may hold secrets

void free_compressor(ZSTD_CCtx_s* compressor) { ZSTD_freeCCtx(compressor); }

Result<> rename_file(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
    return fail_errno(errno, fmt::format("cannot rename {} to {}", from, to));
  return {};
}

}  // namespace

std::string record_name(const std::string& file, std::size_t number) {
  return number == 0 ? file : fmt::format("{}.{}", file, number);
}

RecordFile::RecordFile(RecordOptions options, RecordHeader header)
    : options_(std::move(options)),
      header_(std::move(header)),
      compressor_(ZSTD_createCCtx(), &free_compressor) {
  header_.part = 0;
  ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_checksumFlag, 1);
}

RecordFile::~RecordFile() = default;

Result<> RecordFile::open(WallTime started) {
  header_.started = to_iso8601(started);
  struct stat status{};
  const bool exists = ::stat(options_.file.c_str(), &status) == 0;
  rotates_ = !exists || S_ISREG(status.st_mode);
  // The record of an earlier run: it may be what the run before a restart is judged by.
  if (exists && rotates_ && status.st_size > 0) {
    if (auto shifted = shift(); !shifted) return shifted;
  }
  return begin();
}

Result<> RecordFile::begin() {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY;
  file_ = FileDescriptor(::open(options_.file.c_str(), kFlags, kOwner));
  if (!file_) return fail_errno(errno, fmt::format("cannot write {}", options_.file));
  bytes_before_ += std::exchange(bytes_, 0);
  has_lines_ = false;
  ++header_.part;
  return {};
}

// FILE becomes FILE.1, FILE.1 becomes FILE.2; the oldest goes.
Result<> RecordFile::shift() {
  for (auto number = options_.keep; number > 0; --number) {
    auto renamed =
        rename_file(record_name(options_.file, number - 1), record_name(options_.file, number));
    if (!renamed) return renamed;
  }
  return {};
}

// Not when opening: a full disk must not keep a run from its start.
Result<> RecordFile::write_header() {
  const auto frame = compress(to_line(header_));
  if (!frame) return frame.error();
  return append(*frame);
}

Result<> RecordFile::next_file() {
  file_.close();
  if (auto shifted = shift(); !shifted) return shifted;
  if (auto begun = begin(); !begun) return begun;
  return write_header();
}

Result<> RecordFile::write(std::string_view lines) {
  if (bytes_ == 0) {
    if (auto written = write_header(); !written) return written;
  }
  auto frame = compress(lines);
  if (!frame) return frame.error();
  // A frame larger than a file may be gets a file of its own.
  if (rotates_ && has_lines_ && bytes_ + frame->size() > options_.most_bytes) {
    if (auto begun = next_file(); !begun) return begun;
    frame = compress(lines);  // the header's took its place
    if (!frame) return frame.error();
  }
  has_lines_ = true;
  return append(*frame);
}

Result<std::string_view> RecordFile::compress(std::string_view lines) {
  const auto bound = ZSTD_compressBound(lines.size());
  if (frame_.size() < bound) frame_.resize(bound);
  const auto size =
      ZSTD_compress2(compressor_.get(), frame_.data(), frame_.size(), lines.data(), lines.size());
  if (ZSTD_isError(size) != 0)
    return fail(Errc::io, "cannot compress: {}", ZSTD_getErrorName(size));
  return std::string_view(frame_).substr(0, size);
}

Result<> RecordFile::append(std::string_view frame) {
  auto written = write_all(file_.get(), frame);
  if (written) bytes_ += frame.size();
  return written;
}

}  // namespace millrace::pipeline
