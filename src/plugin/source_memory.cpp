// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/source_memory.hpp"

#include <string>

#include "millrace/base/files.hpp"
#include "millrace/event/json.hpp"

namespace millrace {

Result<std::optional<Value>> SourceMemory::recall() const {
  if (value_ || file_.empty()) return value_;
  auto text = read_file(file_);
  if (!text) {
    if (text.error().code() == Errc::not_found) return std::optional<Value>();
    return text.error();
  }
  auto value = parse_json(*text);
  if (!value) {
    return fail(Errc::corrupt,
                "{}: what the source remembers is damaged: {}; remove it to "
                "begin anew",
                file_.string(), value.error().message());
  }
  return std::optional<Value>(std::move(*value));
}

Task<Result<>> SourceMemory::remember(Value value, BlockingPool& pool) {
  if (!file_.empty()) {
    // The job owns what it uses: the source may be gone before it has ended.
    const auto job = [file = file_, text = to_json(value)] {
      std::error_code ignored;  // writing tells of it
      std::filesystem::create_directories(file.parent_path(), ignored);
      return write_file_atomically(file, text);
    };
    if (auto written = co_await pool.run(job); !written) co_return written;
  }
  value_ = std::move(value);
  co_return Result<>();
}

}  // namespace millrace
