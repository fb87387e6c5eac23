// SPDX-License-Identifier: Apache-2.0
#include "input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace::jsonl {

Result<std::unique_ptr<Input>> Input::open(const std::string& path) {
  const bool is_stdin = path == "-";
  const std::string name = is_stdin ? "standard input" : path;
  // A duplicate: closing it leaves standard input alone.
  FileDescriptor file(is_stdin
                          ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                          : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return fail_errno(errno, fmt::format("cannot read {}", name));
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);  // a wish; pipes have no use for it
  return std::unique_ptr<Input>(new Input(std::move(file), name));
}

Input::Input(FileDescriptor file, std::string name)
    : file_(std::move(file)), name_(std::move(name)) {
  struct stat status{};
  if (::fstat(file_.get(), &status) == 0 && S_ISREG(status.st_mode))
    size_ = static_cast<std::uint64_t>(status.st_size);
}

std::optional<double> Input::fraction_read() const {
  if (size_ == 0) return std::nullopt;
  // A file that grows meanwhile has been read up to where it ended.
  return std::min(static_cast<double>(read_) / static_cast<double>(size_), 1.0);
}

Result<Input::Piece> Input::read(std::span<char> into) {
  if (!format_) {
    if (auto detected = detect(); !detected) return detected.error();
    if (!format_) return Piece{};
  }
  return decoder_ == nullptr ? read_plain(into) : unpack(into);
}

// Nothing to read yet (a stream) is no bytes without an end.
Result<std::size_t> Input::read_file(std::span<char> into) {
  while (true) {
    const auto got = ::read(file_.get(), into.data(), into.size());
    if (got >= 0) {
      file_ended_ = got == 0 && !into.empty();
      read_ += static_cast<std::uint64_t>(got);
      return static_cast<std::size_t>(got);
    }
    if (errno == EAGAIN) return std::size_t{0};
    if (errno != EINTR) return fail_errno(errno, fmt::format("cannot read {}", name_));
  }
}

// Appends to what is left of packed_.
Result<> Input::refill() {
  packed_.erase(packed_.begin(), packed_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  const auto kept = packed_.size();
  packed_.resize(kept + kPackedBytes);
  const auto got = read_file(std::span(packed_).subspan(kept));
  packed_.resize(kept + (got ? *got : 0));
  if (!got) return got.error();
  return {};
}

Result<> Input::detect() {
  if (auto filled = refill(); !filled) return filled.error();
  format_ = detect_format({packed_.data(), packed_.size()});
  if (!format_ && file_ended_) format_ = Format::plain;
  if (!format_) return {};
  auto decoder = make_decoder(*format_);
  if (!decoder) return decoder.error();
  decoder_ = std::move(*decoder);
  return {};
}

Result<Input::Piece> Input::read_plain(std::span<char> into) {
  if (begin_ < packed_.size()) {  // what was read to tell the format
    const auto bytes = std::min(packed().size(), into.size());
    std::ranges::copy(packed().first(bytes), into.begin());
    begin_ += bytes;
    return Piece{.bytes = bytes};
  }
  if (!packed_.empty()) std::vector<char>().swap(packed_);
  begin_ = 0;
  const auto got = file_ended_ ? Result<std::size_t>(0) : read_file(into);
  if (!got) return got.error();
  return Piece{.bytes = *got, .end = file_ended_};
}

Result<Input::Piece> Input::unpack(std::span<char> into) {
  if (begin_ == packed_.size() && !more_inside_ && !file_ended_) {
    if (auto filled = refill(); !filled) return filled.error();
  }
  const auto step = decoder_->decode(packed(), into);
  if (!step) {
    return fail(Errc::corrupt, "{} is not a sound {} file: {}", name_, decoder_->format(),
                step.error().message());
  }
  begin_ += step->consumed;
  more_inside_ = step->produced == into.size();
  if (step->consumed > 0 || step->produced > 0) return Piece{.bytes = step->produced};
  if (!file_ended_) return Piece{};
  if (!decoder_->complete()) {
    return fail(Errc::corrupt, "{} is cut short: its {} stream has no end", name_,
                decoder_->format());
  }
  return Piece{.end = true};
}

}  // namespace millrace::jsonl
