// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/note.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/note.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>

namespace cross4d::plugin {
namespace {

// A real plugin has some ten segments and notes of a few kilobytes; a foreign file may claim
// anything.
constexpr std::uint64_t kMaxNoteBytes = 1 << 20;
constexpr std::uint64_t kMaxSegments = 4096;

/// A file's bytes by position. `read` returns exactly `size` bytes that lie within [0, total).
struct Source {
  std::string name;
  std::uint64_t total = 0;
  std::function<std::string(std::uint64_t offset, std::uint64_t size)> read;

  [[noreturn]] void Refuse(const std::string& what) const {
    throw Error(ErrorCode::kPlugin, name + ": " + what);
  }
  std::string At(std::uint64_t offset, std::uint64_t size, const char* what) const {
    if (offset > total || size > total - offset) {
      Refuse(std::string("the file is cut short: the ") + what + " needs bytes " +
             std::to_string(offset) + " to " + std::to_string(offset) + " + " +
             std::to_string(size) + ", the file has " + std::to_string(total));
    }
    return read(offset, size);
  }
  template <class T>
  T Struct(std::uint64_t offset, const char* what) const {
    T value;
    std::memcpy(&value, At(offset, sizeof(T), what).data(), sizeof(T));
    return value;
  }
};

Elf64_Ehdr ReadHeader(const Source& source) {
  if (source.total < SELFMAG || source.read(0, SELFMAG) != ELFMAG)
    source.Refuse("is no ELF library");
  const auto header = source.Struct<Elf64_Ehdr>(0, "ELF header");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    source.Refuse("is no 64-bit little-endian ELF library");
  }
  if (header.e_type != ET_DYN)
    source.Refuse("is no shared library (ELF type " + std::to_string(header.e_type) + ")");
#if defined(__x86_64__)
  constexpr int kMachine = EM_X86_64;
#elif defined(__aarch64__)
  constexpr int kMachine = EM_AARCH64;
#endif
  if (header.e_machine != kMachine) {
    source.Refuse("is for another processor: ELF machine " + std::to_string(header.e_machine) +
                  ", this program has " + std::to_string(kMachine));
  }
  if (header.e_phnum == 0) source.Refuse("has no program headers");
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kMaxSegments) {
    source.Refuse("has a damaged ELF header (" + std::to_string(header.e_phnum) +
                  " program headers of " + std::to_string(header.e_phentsize) + " bytes)");
  }
  return header;
}

struct RawNote {
  std::string_view owner, text;
  std::uint32_t type = 0;
};

/// The notes of one segment; a damaged tail ends the walk.
void WalkNotes(std::string_view bytes,
               std::uint64_t align,
               const std::function<void(const RawNote&)>& visit) {
  const auto padded = [align](std::uint64_t n) { return (n + align - 1) / align * align; };
  std::uint64_t at = 0;
  while (bytes.size() - at >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr head;
    std::memcpy(&head, bytes.data() + at, sizeof(head));
    const std::uint64_t name_at = at + sizeof(head);
    const std::uint64_t text_at =
        name_at + padded(head.n_namesz);  // no overflow: 32-bit sizes in 64 bits
    const std::uint64_t end = text_at + head.n_descsz;
    if (end > bytes.size()) return;
    std::string_view owner = bytes.substr(name_at, head.n_namesz);
    if (!owner.empty() && owner.back() == '\0') owner.remove_suffix(1);
    visit({owner, bytes.substr(text_at, head.n_descsz), head.n_type});
    at = std::min<std::uint64_t>(text_at + padded(head.n_descsz), bytes.size());
  }
}

std::map<std::string, std::string> ParseFields(std::string_view text) {
  std::map<std::string, std::string> fields;
  text = text.substr(0, text.find('\0'));
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t equal = line.find('=');
    if (equal != std::string_view::npos) {
      fields.emplace(std::string(line.substr(0, equal)), std::string(line.substr(equal + 1)));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

std::string Hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kHex[(static_cast<unsigned char>(c) >> 4) & 15];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

PluginNote Parse(const Source& source) {
  const Elf64_Ehdr header = ReadHeader(source);
  std::optional<PluginNote> found;
  std::string build_id;
  const auto visit = [&](const RawNote& raw) {
    if (raw.owner == "GNU" && raw.type == NT_GNU_BUILD_ID) build_id = Hex(raw.text);
    if (raw.owner == CROSS4D_NOTE_OWNER && raw.type == CROSS4D_NOTE_TYPE) {
      if (found) source.Refuse("carries two Cross4D notes; one library is one plugin");
      found = PluginNote{ParseFields(raw.text), {}};
    }
  };
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    // The table's offset is foreign: At() checks it, here it must not wrap around.
    if (header.e_phoff > source.total) source.Refuse("the file is cut short: no program headers");
    const auto segment =
        source.Struct<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr), "program header");
    if (segment.p_type != PT_NOTE) continue;
    if (segment.p_filesz > kMaxNoteBytes) source.Refuse("has a damaged note segment");
    const std::string bytes = source.At(segment.p_offset, segment.p_filesz, "note segment");
    WalkNotes(bytes, segment.p_align == 8 ? 8 : 4, visit);
  }
  if (!found) {
    source.Refuse(
        "carries no Cross4D note; is it a plugin, and does it end with CROSS4D_PLUGIN(...)?");
  }
  found->build_id = build_id;
  return *found;
}

std::string MinorOf(const std::string& sdk) {
  return sdk.substr(std::min(sdk.find('.'), sdk.size()));
}

bool SdkFits(const std::string& plugin, const std::string& host) {
  const std::string major = plugin.substr(0, plugin.find('.'));
  if (major != host.substr(0, host.find('.'))) return false;
  const auto number = [](const std::string& minor) {
    return minor.size() < 2 ? 0 : std::strtol(minor.c_str() + 1, nullptr, 10);
  };
  return number(MinorOf(plugin)) <= number(MinorOf(host));
}

bool Fits(const std::string& key, const std::string& plugin, const std::string& host) {
  if (plugin == host) return true;
  if (key == "sdk") return SdkFits(plugin, host);
  if (key == "cuda") return plugin == "none" || host == "none";
  return false;
}

}  // namespace

std::string PluginNote::Get(std::string_view key) const {
  const auto it = fields.find(std::string(key));
  return it == fields.end() ? "" : it->second;
}

std::vector<std::string> PluginNote::GetList(std::string_view key) const {
  std::vector<std::string> list;
  std::string item;
  for (const char c : Get(key) + ",") {
    if (c == ',') {
      if (!item.empty()) list.push_back(std::move(item));
      item.clear();
    } else if (c != ' ') {
      item += c;
    }
  }
  return list;
}

PluginNote ReadNote(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    throw Error(ErrorCode::kPlugin, file.string() + ": cannot open: " + std::strerror(errno));
  }
  const struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    throw Error(ErrorCode::kPlugin, file.string() + ": is no regular file");
  }
  Source source{file.string(), static_cast<std::uint64_t>(info.st_size), {}};
  source.read = [fd, &source](std::uint64_t offset, std::uint64_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t n =
          ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) source.Refuse(n < 0 ? std::strerror(errno) : "the file shrinks while it is read");
      done += static_cast<std::size_t>(n);
    }
    return bytes;
  };
  return Parse(source);
}

PluginNote ParseNote(std::string_view bytes, const std::string& name) {
  return Parse({name, bytes.size(), [bytes](std::uint64_t offset, std::uint64_t size) {
                  return std::string(bytes.substr(offset, size));
                }});
}

const std::map<std::string, std::string>& HostBuild() {
  static const std::map<std::string, std::string> fields = ParseFields(CROSS4D_BUILD_TEXT);
  return fields;
}

std::string BuildMismatch(const PluginNote& note) {
  // The order in which they stand in the note: the first difference explains the others.
  for (const char* key : {"sdk", "compiler", "cxx11abi", "cxx", "libtorch", "cuda", "sanitizer"}) {
    const std::string plugin = note.Get(key);
    const std::string& host = HostBuild().at(key);
    if (Fits(key, plugin, host)) continue;
    return std::string(key) + ": the plugin has " + (plugin.empty() ? "none" : plugin) +
           ", this program has " + host + "; build the plugin again with this Cross4D";
  }
  return "";
}

}  // namespace cross4d::plugin
