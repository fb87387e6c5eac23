// SPDX-License-Identifier: Apache-2.0
#include "decoder.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <limits>

namespace millrace::jsonl {
namespace {

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() : ready_(inflateInit2(&stream_, kGzipOnly) == Z_OK) {}
  ~GzipDecoder() override {
    if (ready_) inflateEnd(&stream_);
  }
  bool ready() const { return ready_; }

  Result<Step> decode(std::span<const char> packed, std::span<char> into) override {
    Step step;
    while (step.produced < into.size()) {
      const auto before = step;
      const auto rest = packed.subspan(step.consumed);
      if (auto done = advance(rest, into.subspan(step.produced), step); !done) {
        if (step.produced > 0) break;  // what came before the fault first; zlib will fail again
        return done.error();
      }
      if (step.consumed == before.consumed && step.produced == before.produced) break;
    }
    return step;
  }
  bool complete() const override { return complete_; }
  std::string_view format() const override { return "gzip"; }

 private:
  static constexpr int kGzipOnly = 16 + MAX_WBITS;
  static constexpr char kMagic = '\x1f';

  Result<> advance(std::span<const char> packed, std::span<char> into, Step& step) {
    if (complete_ && packed.empty()) return {};
    if (complete_) return next_member(packed, into, step);
    return inflate_some(packed, into, step);
  }

  // Members may follow each other (pigz, bgzip, `cat a.gz b.gz`); zeros are padding, as of tapes.
  Result<> next_member(std::span<const char> packed, std::span<char> into, Step& step) {
    if (packed.front() == '\0') {
      ++step.consumed;
      return {};
    }
    if (packed.front() != kMagic)
      return fail(Errc::corrupt, "bytes that are not gzip follow its end");
    inflateReset(&stream_);
    return inflate_some(packed, into, step);
  }

  Result<> inflate_some(std::span<const char> packed, std::span<char> into, Step& step) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    const auto given = static_cast<uInt>(std::min(packed.size(), kMost));
    const auto room = static_cast<uInt>(std::min(into.size(), kMost));
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // zlib only reads it
    stream_.avail_in = given;
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = room;
    const int outcome = inflate(&stream_, Z_NO_FLUSH);
    step.consumed += given - stream_.avail_in;
    step.produced += room - stream_.avail_out;
    complete_ = outcome == Z_STREAM_END;
    if (outcome == Z_OK || outcome == Z_STREAM_END || outcome == Z_BUF_ERROR) return {};
    return fail(Errc::corrupt, "{}", stream_.msg != nullptr ? stream_.msg : "not a gzip stream");
  }

  z_stream stream_{};
  const bool ready_;
  bool complete_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {}
  bool ready() const { return stream_ != nullptr; }

  Result<Step> decode(std::span<const char> packed, std::span<char> into) override {
    Step step;
    while (!fault_ && step.produced < into.size()) {
      const auto before = step;
      advance(packed.subspan(step.consumed), into.subspan(step.produced), step);
      if (step.consumed == before.consumed && step.produced == before.produced) break;
    }
    if (fault_ && step.produced == 0) return *fault_;  // what came before the fault first
    return step;
  }
  bool complete() const override { return complete_; }
  std::string_view format() const override { return "zstd"; }

 private:
  // One block at a time, as long as the library says it is: a call that fails loses all that it had
  // unpacked.
  void advance(std::span<const char> packed, std::span<char> into, Step& step) {
    if (complete_ && packed.empty()) return;
    ZSTD_inBuffer in{packed.data(), std::min(packed.size(), wanted_), 0};
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    const auto hint = ZSTD_decompressStream(stream_.get(), &out, &in);
    if (ZSTD_isError(hint) != 0) {
      fault_ = fail(Errc::corrupt, "{}", ZSTD_getErrorName(hint));
      return;
    }
    complete_ = hint == 0;
    wanted_ = complete_ ? kStartBytes : hint;
    step.consumed += in.pos;
    step.produced += out.pos;
  }

  static constexpr std::size_t kStartBytes = 5;  ///< enough to begin a frame

  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
  std::size_t wanted_ = kStartBytes;
  std::optional<Error> fault_;
  bool complete_ = false;
};

enum class Fit { no, so_far, yes };

Fit fit(std::string_view start, std::string_view magic) {
  const auto known = std::min(start.size(), magic.size());
  if (start.substr(0, known) != magic.substr(0, known)) return Fit::no;
  return known == magic.size() ? Fit::yes : Fit::so_far;
}

// 0x50 to 0x5f, then the rest: a frame to be skipped, which parallel compressors put in front.
Fit fit_skippable(std::string_view start) {
  if (start.empty() || (static_cast<unsigned char>(start.front()) & 0xf0U) != 0x50U) return Fit::no;
  return fit(start.substr(1), "\x2a\x4d\x18");
}

template <class T>
Result<std::unique_ptr<Decoder>> make(std::string_view name) {
  auto decoder = std::make_unique<T>();
  if (!decoder->ready()) return fail(Errc::io, "no memory to unpack {}", name);
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace

std::optional<Format> detect_format(std::string_view start) {
  if (start.empty()) return std::nullopt;
  const std::array fits{fit(start, "\x1f\x8b"), fit(start, "\x28\xb5\x2f\xfd"),
                        fit_skippable(start)};
  if (fits[0] == Fit::yes) return Format::gzip;
  if (fits[1] == Fit::yes || fits[2] == Fit::yes) return Format::zstd;
  if (std::ranges::find(fits, Fit::so_far) != fits.end()) return std::nullopt;
  return Format::plain;
}

Result<std::unique_ptr<Decoder>> make_decoder(Format format) {
  switch (format) {
    case Format::gzip:
      return make<GzipDecoder>("gzip");
    case Format::zstd:
      return make<ZstdDecoder>("zstd");
    case Format::plain:
      break;
  }
  return std::unique_ptr<Decoder>();
}

}  // namespace millrace::jsonl
