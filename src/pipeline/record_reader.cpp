// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "millrace/pipeline/record.hpp"
#include "record_file.hpp"
#include "record_format.hpp"
#include "record_input.hpp"

namespace millrace::pipeline {
namespace {

struct Part {
  std::string file;
  RecordHeader header;
};

struct OpenPart {
  std::unique_ptr<RecordInput> input;
  RecordHeader header;
};

// With its header read.
Result<OpenPart> open_part(const std::string& file) {
  auto input = RecordInput::open(file);
  if (!input) return input.error();
  const auto line = (*input)->next();
  if (!line) return Error(line.error()).with_context(file);
  if (!*line) return fail(Errc::corrupt, "{}: it is empty", file);
  auto header = parse_header(**line);
  if (!header) return std::move(header.error()).with_context(file);
  return OpenPart{std::move(*input), std::move(*header)};
}

// FILE.2 is the second file of FILE.
std::pair<std::string, std::size_t> take_apart(const std::string& file) {
  const auto dot = file.rfind('.');
  if (dot == std::string::npos || dot == 0) return {file, 0};
  std::size_t number = 0;
  const auto* end = file.data() + file.size();
  const auto [rest, fault] = std::from_chars(file.data() + dot + 1, end, number);
  if (fault != std::errc() || rest != end || number == 0) return {file, 0};
  return {file.substr(0, dot), number};
}

// `last`, behind the older files of the same run.
std::vector<Part> find_parts(Part last) {
  auto [base, number] = take_apart(last.file);
  std::vector<Part> parts{std::move(last)};
  while (parts.back().header.part > 1) {
    auto file = record_name(base, ++number);
    auto older = open_part(file);
    const auto& newer = parts.back().header;
    if (!older || older->header.run != newer.run || older->header.part + 1 != newer.part) break;
    parts.push_back({std::move(file), std::move(older->header)});
  }
  std::ranges::reverse(parts);
  return parts;
}

}  // namespace

struct RecordReader::Impl {
  std::vector<Part> parts;
  std::size_t current = 0;
  std::unique_ptr<RecordInput> input;
};

Result<std::unique_ptr<RecordReader>> RecordReader::open(const std::string& file) {
  auto last = open_part(file);
  if (!last) return last.error();
  auto impl = std::make_unique<Impl>();
  impl->parts = find_parts({file, last->header});
  auto first = open_part(impl->parts.front().file);
  if (!first) return first.error();
  impl->input = std::move(first->input);
  return std::unique_ptr<RecordReader>(new RecordReader(std::move(impl)));
}

RecordReader::RecordReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RecordReader::~RecordReader() = default;

const RecordHeader& RecordReader::header() const { return impl_->parts.front().header; }
bool RecordReader::complete() const { return header().part == 1; }

std::string RecordReader::place() const {
  return fmt::format("{}:{}", impl_->parts[impl_->current].file, impl_->input->count());
}

Result<std::optional<RecordLine>> RecordReader::next() {
  while (true) {
    auto text = impl_->input->next();
    if (!text) return std::move(text.error()).with_context("after " + place());
    if (*text) {
      auto line = parse_line(**text);
      if (!line) return std::move(line.error()).with_context(place());
      return std::optional(std::move(*line));
    }
    if (impl_->current + 1 == impl_->parts.size()) return std::optional<RecordLine>();
    auto opened = open_part(impl_->parts[++impl_->current].file);
    if (!opened) return opened.error();
    impl_->input = std::move(opened->input);
  }
}

}  // namespace millrace::pipeline
