// SPDX-License-Identifier: Apache-2.0
#include "record_input.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "millrace/event/event.hpp"

namespace millrace::pipeline {
namespace {

constexpr std::size_t kPackedBytes = std::size_t{256} << 10;
constexpr std::size_t kRoom = std::size_t{128} << 10;         // for what one step unpacks
constexpr std::size_t kMostUnchecked = std::size_t{4} << 20;  // more than a frame of the recorder
constexpr std::size_t kLongestLine = std::size_t{256} << 20;
constexpr std::string_view kMagic = "\x28\xb5\x2f\xfd";

void free_unpacker(ZSTD_DCtx_s* unpacker) { ZSTD_freeDCtx(unpacker); }

}  // namespace

Result<std::unique_ptr<RecordInput>> RecordInput::open(const std::string& file) {
  FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!opened) return fail_errno(errno, fmt::format("cannot read {}", file));
  return std::unique_ptr<RecordInput>(new RecordInput(std::move(opened)));
}

RecordInput::RecordInput(FileDescriptor file)
    : file_(std::move(file)), unpacker_(ZSTD_createDCtx(), &free_unpacker) {}

RecordInput::~RecordInput() = default;

Result<std::optional<std::string_view>> RecordInput::next() {
  while (true) {
    if (const auto line = take_line()) return line;
    if (fault_) return *fault_;
    if (file_ended_ && used_ == packed_.size()) break;
    if (auto done = more(); !done) fault_ = done.error();
  }
  if (begin_ == sound_) return std::optional<std::string_view>();
  fault_ = fail(Errc::corrupt, "its last line is cut short");
  return *fault_;
}

std::optional<std::string_view> RecordInput::take_line() {
  const auto text = std::string_view(text_).substr(0, sound_);
  const auto end = text.find('\n', std::max(begin_, searched_));
  searched_ = sound_;
  if (end == std::string_view::npos) return std::nullopt;
  searched_ = end + 1;
  ++count_;
  const auto begin = std::exchange(begin_, end + 1);
  return text.substr(begin, end - begin);
}

// Unpacks until there is more that is sound.
Result<> RecordInput::more() {
  if (sound_ - begin_ > kLongestLine) return fail(Errc::corrupt, "it has a line without end");
  const auto before = sound_;
  while (sound_ == before) {
    if (used_ == packed_.size()) {
      if (auto filled = refill(); !filled) return filled;
      if (file_ended_) break;
    }
    if (plain_) {
      copy_plain();
    } else if (auto done = unpack(); !done) {
      return done;
    }
  }
  if (file_ended_ && in_frame_ && used_ == packed_.size())
    return fail(Errc::corrupt, "it is cut short");
  return {};
}

Result<> RecordInput::refill() {
  packed_.resize(kPackedBytes);
  used_ = 0;
  ssize_t got = 0;
  do {
    got = ::read(file_.get(), packed_.data(), packed_.size());
  } while (got < 0 && errno == EINTR);
  packed_.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return fail_errno(errno, "it cannot be read");
  file_ended_ = got == 0;
  if (!std::exchange(begun_, true)) plain_ = !packed_.starts_with(kMagic);
  return {};
}

void RecordInput::copy_plain() {
  make_room(packed_.size());
  std::ranges::copy(packed_, text_.begin() + static_cast<std::ptrdiff_t>(filled_));
  used_ = packed_.size();
  filled_ += packed_.size();
  sound_ = filled_;
}

Result<> RecordInput::unpack() {
  make_room(kRoom);
  ZSTD_inBuffer in{packed_.data(), packed_.size(), used_};
  ZSTD_outBuffer out{text_.data() + filled_, kRoom, 0};
  const auto hint = ZSTD_decompressStream(unpacker_.get(), &out, &in);
  if (ZSTD_isError(hint) != 0)
    return fail(Errc::corrupt, "it is damaged: {}", ZSTD_getErrorName(hint));
  used_ = in.pos;
  filled_ += out.pos;
  in_frame_ = hint != 0;
  if (!in_frame_ || filled_ - sound_ > kMostUnchecked) sound_ = filled_;
  return {};
}

// Lines that were handed out go.
void RecordInput::make_room(std::size_t bytes) {
  if (begin_ > 0) {
    std::copy(text_.begin() + static_cast<std::ptrdiff_t>(begin_),
              text_.begin() + static_cast<std::ptrdiff_t>(filled_), text_.begin());
    filled_ -= begin_;
    sound_ -= begin_;
    searched_ -= std::min(searched_, begin_);
    begin_ = 0;
  }
  const auto needed = filled_ + bytes + kTextPadding;
  if (text_.size() < needed) text_.resize(std::max(needed, text_.size() * 2));
}

}  // namespace millrace::pipeline
