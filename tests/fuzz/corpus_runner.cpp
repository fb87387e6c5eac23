// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without a fuzzer: over the files of its corpus, then over what is close to
// them (every prefix, and a fixed set of mutations), so that an ordinary test run, sanitizers on,
// covers broken inputs too.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& input) {
  // A copy of exact size, so that the address sanitizer sees a read past the end.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void run_prefixes(const std::string& input) {
  constexpr std::size_t kMost = 500;
  const std::size_t step = input.size() / kMost + 1;
  for (std::size_t length = 0; length < input.size(); length += step) run(input.substr(0, length));
}

void run_mutations(const std::string& input) {
  constexpr int kRounds = 200;
  if (input.empty()) return;
  std::mt19937 random(static_cast<std::mt19937::result_type>(input.size()));
  for (int round = 0; round < kRounds; ++round) {
    std::string mutated = input;
    const std::size_t at = random() % mutated.size();
    switch (random() % 4) {
      case 0:
        mutated[at] = static_cast<char>(random());
        break;
      case 1:
        mutated.erase(at, 1 + random() % 8);
        break;
      case 2:
        mutated.insert(at, mutated.substr(random() % mutated.size(), 1 + random() % 32));
        break;
      default:
        mutated[at] = mutated[random() % mutated.size()];
        break;
    }
    run(mutated);
  }
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  return files;
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t inputs = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& path : files_in(arguments[i])) {
      std::ifstream file(path, std::ios::binary);
      const std::string input{std::istreambuf_iterator<char>(file), {}};
      run(input);
      run_prefixes(input);
      run_mutations(input);
      ++inputs;
    }
  }
  std::printf("%zu corpus files\n", inputs);
  return inputs > 0 ? 0 : 1;
}
