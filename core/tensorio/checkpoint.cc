// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/checkpoint.h"

#include "core/tensorio/checkpoint_internal.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string_view>

namespace cross4d::tensorio {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxIndexBytes = 100'000'000;

std::string FirstBytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) FailInput("cannot open " + file.string());
  std::array<char, 64> head{};
  in.read(head.data(), head.size());
  return std::string(head.data(), static_cast<std::size_t>(in.gcount()));
}

// Shards of an index, in the order of their names.
std::vector<Shard> ReadIndex(const fs::path& index) {
  const auto fail = [&](const std::string& what) { FailInput(index.string() + ": " + what); };
  std::error_code error;
  if (const auto size = fs::file_size(index, error); error || size > kMaxIndexBytes) {
    fail(error ? error.message()
               : "is " + std::to_string(size) + " bytes long, too much for an index");
  }
  std::ifstream in(index, std::ios::binary);
  const nlohmann::json json = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) fail("is not valid JSON; is it whole?");
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    fail("has no object weight_map");
  }
  std::map<std::string, std::vector<std::string>> files;
  for (const auto& [name, file] : json["weight_map"].items()) {
    if (!file.is_string()) fail("tensor '" + name + "': its file is not a text");
    const std::string shard = file.get<std::string>();
    if (shard.empty() || shard == "." || shard == ".." ||
        shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
      fail("tensor '" + name + "': file '" + shard +
           "' is not a plain file name in the same folder");
    }
    files[shard].push_back(name);
  }
  std::vector<Shard> shards;
  for (auto& [file, names] : files)
    shards.push_back({index.parent_path() / file, std::move(names)});
  return shards;
}

std::shared_ptr<const Checkpoint> OpenFile(const fs::path& file, const fs::path& folder) {
  const std::string head = FirstBytes(file);
  if (head.starts_with("version https://git-lfs")) {
    FailInput(
        file.string() +
        ": is a git-lfs pointer, not the weights themselves; run 'git lfs pull' in its folder");
  }
  const bool zip = head.starts_with("PK\x03\x04");
  if (file.extension() == ".safetensors") {
    if (zip) {
      FailInput(file.string() +
                ": is a zip file, probably PyTorch weights under a wrong name; "
                "give it its own name back (.pth, .bin)");
    }
    return OpenSafetensors(file, folder, {{file, {}}});
  }
  if (zip) return OpenTorchZip(ZipArchive::Open(file), file, folder);
  if (head.starts_with("\x80")) {
    FailInput(file.string() +
              ": is in PyTorch's format from before version 1.6 (a bare pickle); "
              "load and save it once with a newer PyTorch");
  }
  FailInput(file.string() + ": is neither a .safetensors file nor PyTorch's zip format");
}

std::shared_ptr<const Checkpoint> OpenFolder(const fs::path& folder) {
  if (fs::exists(folder / "model.safetensors"))
    return OpenFile(folder / "model.safetensors", folder);
  const fs::path index = folder / "model.safetensors.index.json";
  if (fs::exists(index)) return OpenSafetensors(folder, folder, ReadIndex(index));
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    for (const char* known : {".safetensors", ".pth", ".pt", ".bin"}) {
      if (ending == known) found.push_back(entry.path());
    }
  }
  if (found.size() == 1) return OpenFile(found[0], folder);
  std::sort(found.begin(), found.end());
  std::string names;
  for (const fs::path& f : found) names += (names.empty() ? "" : ", ") + f.filename().string();
  FailInput(folder.string() + ": has no model.safetensors, no model.safetensors.index.json and " +
            (found.empty() ? "no other weight file"
                           : "several weight files (" + names + "); give one of them by its name"));
}

}  // namespace

std::shared_ptr<const Checkpoint> Checkpoint::Open(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) return OpenFolder(path);
  if (fs::is_regular_file(status)) return OpenFile(path, path.parent_path());
  FailInput("no checkpoint at " + path.string() + ": no such file or folder");
}

const CheckpointTensor& Checkpoint::Get(const std::string& name) const {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) FailInput(path_ + ": has no tensor '" + name + "'");
  return it->second;
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  names.reserve(tensors_.size());
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  return names;
}

std::uint64_t Checkpoint::ContentHash(const std::string& name) const {
  const TensorBytes read = Read(name);
  const std::size_t size = std::min<std::size_t>(read.bytes.size(), 4096);
  return HashText({reinterpret_cast<const char*>(read.bytes.data()), size});
}

std::string Checkpoint::Fingerprint() const {
  std::uint64_t hash = 0;
  for (const char* name : {"config.json", "preprocessor_config.json"}) {
    std::ifstream in(folder_ / name, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    hash = MixSeed({hash, HashText(text)});
  }
  for (const auto& [name, tensor] : tensors_) {
    hash = MixSeed({hash, HashText(name), HashText(DTypeName(tensor.dtype))});
    for (const std::int64_t side : tensor.shape) {
      hash = MixSeed({hash, static_cast<std::uint64_t>(side)});
    }
    hash = MixSeed({hash, ContentHash(name)});
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::uint64_t Checkpoint::parameters() const {
  std::uint64_t sum = 0;
  for (const auto& [name, tensor] : tensors_) {
    std::uint64_t elements = 1;
    for (const std::int64_t side : tensor.shape) elements *= static_cast<std::uint64_t>(side);
    sum += elements;
  }
  return sum;
}

std::uint64_t Checkpoint::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [name, tensor] : tensors_) {
    std::uint64_t size = DTypeSize(tensor.dtype);
    for (const std::int64_t side : tensor.shape) size *= static_cast<std::uint64_t>(side);
    sum += size;
  }
  return sum;
}

}  // namespace cross4d::tensorio
