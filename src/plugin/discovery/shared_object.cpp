// SPDX-License-Identifier: Apache-2.0
#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "millrace/base/files.hpp"
#include "millrace/plugin/discovery.hpp"

namespace millrace {
namespace {

constexpr std::size_t kLongestFile = std::size_t{1} << 30;
constexpr std::string_view kEntry = "millrace_plugin";
#if defined(__x86_64__)
constexpr auto kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr auto kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr auto kMachine = EM_RISCV;
#else
constexpr auto kMachine = EM_NONE;
#endif

// Copies, since nothing says how the file is aligned.
template <class Part>
std::optional<Part> part_at(std::string_view bytes, std::uint64_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(Part)) return std::nullopt;
  Part part;
  std::memcpy(&part, bytes.data() + at, sizeof(Part));
  return part;
}

std::string_view section_of(std::string_view bytes, const Elf64_Shdr& section) {
  if (section.sh_offset > bytes.size() || bytes.size() - section.sh_offset < section.sh_size)
    return {};
  return bytes.substr(section.sh_offset, section.sh_size);
}

bool exports(std::string_view symbols, std::string_view names) {
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
    const auto symbol = *part_at<Elf64_Sym>(symbols, at);
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names.size()) continue;
    const auto name = names.substr(symbol.st_name);
    if (name.starts_with(kEntry) && name.substr(kEntry.size()).starts_with('\0')) return true;
  }
  return false;
}

bool exports_entry(std::string_view bytes, const Elf64_Ehdr& header) {
  const auto section = [&](std::uint64_t index) {
    return part_at<Elf64_Shdr>(bytes, header.e_shoff + index * sizeof(Elf64_Shdr));
  };
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto symbols = section(i);
    if (!symbols) return false;
    if (symbols->sh_type != SHT_DYNSYM) continue;
    const auto names = section(symbols->sh_link);
    if (names && exports(section_of(bytes, *symbols), section_of(bytes, *names))) return true;
  }
  return false;
}

// The whole of what is mapped when it is loaded, and the table that says what it exports. A file
// that lacks its end would be mapped all the same, and whoever reads there is killed (SIGBUS).
bool is_whole(std::string_view bytes, const Elf64_Ehdr& header) {
  const auto holds = [&](std::uint64_t at, std::uint64_t size) {
    return at <= bytes.size() && bytes.size() - at >= size;
  };
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto segment = part_at<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return false;
    if (segment->p_type == PT_LOAD && !holds(segment->p_offset, segment->p_filesz)) return false;
  }
  return holds(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
}

}  // namespace

Result<> check_shared_object(const std::filesystem::path& file) {
  const auto bytes = read_file(file, kLongestFile);
  if (!bytes) return bytes.error();
  const auto header = part_at<Elf64_Ehdr>(*bytes, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
    return fail(Errc::invalid_settings, "is not a shared object (ELF)");
  const auto order = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  const bool ours = header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == order &&
                    (kMachine == EM_NONE || header->e_machine == kMachine);
  if (!ours) return fail(Errc::invalid_settings, "is made for another machine");
  if (header->e_type != ET_DYN) return fail(Errc::invalid_settings, "is no shared object");
  if (!is_whole(*bytes, *header)) return fail(Errc::invalid_settings, "is cut short");
  // Without a table of sections, only loading it tells.
  if (header->e_shnum > 0 && !exports_entry(*bytes, *header))
    return fail(Errc::invalid_settings, "does not export `{}`", kEntry);
  return {};
}

}  // namespace millrace
