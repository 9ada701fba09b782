// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/store/store.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <system_error>

namespace cross4d::store {
namespace {

namespace fs = std::filesystem;
constexpr const char* kManifest = "manifest.json";

/// Paths inside the folder, sorted, without the manifest.
std::vector<std::string> ListFiles(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::end(it);
       it.increment(error)) {
    if (!it->is_regular_file()) continue;
    std::string name = it->path().lexically_relative(folder).generic_string();
    if (name != kManifest) names.push_back(std::move(name));
  }
  if (error) {
    throw Error(ErrorCode::kEnvironment,
                folder.string() + ": cannot list the folder: " + error.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::int64_t SizeOf(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) {
    throw Error(ErrorCode::kEnvironment,
                path.string() + ": cannot read the size: " + error.message());
  }
  return static_cast<std::int64_t>(size);
}

Manifest Parse(const std::string& bytes, const fs::path& path) {
  Manifest manifest;
  try {
    const auto json = nlohmann::json::parse(bytes);
    for (const auto& file : json.at("files")) {
      manifest.files.push_back({file.at("name").get<std::string>(),
                                file.at("bytes").get<std::int64_t>(),
                                file.at("sha256").get<std::string>()});
      manifest.bytes += manifest.files.back().bytes;
    }
  } catch (const nlohmann::json::exception& exception) {
    throw Error(ErrorCode::kInput,
                path.string() + ": not a manifest (" + exception.what() +
                    "); the artifact is damaged: remove its folder and run again");
  }
  manifest.hash = base::Sha256Hex(bytes);
  return manifest;
}

// "" or how the file differs.
std::string Compare(const std::string& path, const ManifestFile& file) {
  try {
    if (const std::int64_t bytes = SizeOf(path); bytes != file.bytes) {
      return "has " + std::to_string(bytes) + " bytes, the manifest says " +
             std::to_string(file.bytes);
    }
    const std::string hash = base::Sha256File(path);
    return hash == file.sha256 ? "" : "has SHA-256 " + hash + ", the manifest says " + file.sha256;
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

Manifest WriteManifest(const fs::path& folder) {
  Manifest manifest;
  // Ordered: the bytes must depend on names and contents only.
  auto files = nlohmann::ordered_json::array();
  for (const std::string& name : ListFiles(folder)) {
    const fs::path path = folder / name;
    ManifestFile file{name, SizeOf(path), base::Sha256File(path.string())};
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
    manifest.bytes += file.bytes;
    manifest.files.push_back(std::move(file));
  }
  nlohmann::ordered_json json;
  json["format"] = 1;
  json["files"] = std::move(files);
  const std::string bytes = json.dump(1) + "\n";
  // Synced together with the other files when the folder is published.
  base::WriteFileAtomically(folder / kManifest, bytes, /*sync=*/false);
  manifest.hash = base::Sha256Hex(bytes);
  return manifest;
}

Manifest ReadManifest(const fs::path& folder) {
  const fs::path path = folder / kManifest;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw Error(ErrorCode::kInput, path.string() + ": missing; expected a published artifact here");
  }
  return Parse(base::ReadFile(path), path);
}

std::vector<std::string> VerifyArtifact(const fs::path& folder,
                                        const std::set<std::string>& recorded) try {
  std::vector<std::string> problems;
  const Manifest manifest = ReadManifest(folder);
  if (!recorded.empty() && !recorded.contains(manifest.hash)) {
    problems.push_back((folder / kManifest).string() + ": has SHA-256 " + manifest.hash +
                       ", the database says " + *recorded.begin());
  }
  std::map<std::string, const ManifestFile*> listed;
  for (const ManifestFile& file : manifest.files) listed[file.name] = &file;
  for (const std::string& name : ListFiles(folder)) {
    const auto found = listed.find(name);
    const std::string path = (folder / name).string();
    if (found == listed.end()) {
      problems.push_back(path + ": not in the manifest");
      continue;
    }
    if (std::string what = Compare(path, *found->second); !what.empty()) {
      problems.push_back(path + ": " + what);
    }
    listed.erase(found);
  }
  for (const auto& [name, file] : listed) {
    problems.push_back((folder / name).string() + ": missing");
  }
  return problems;
} catch (const Error& error) {
  return {error.what()};
}

PublishResult Publish(const fs::path& work, const fs::path& artifact) {
  PublishResult result;
  result.manifest = WriteManifest(work);
  result.published = base::PublishFolder(work, artifact);
  if (!result.published) {
    // Somebody else published this key first; its bytes are as good, and others may read them
    // already.
    result.manifest = ReadManifest(artifact);
    std::error_code ignored;
    fs::remove_all(work, ignored);
  }
  return result;
}

}  // namespace cross4d::store
