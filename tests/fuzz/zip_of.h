// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zip.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace cross4d::test {

/// A zip file in memory, members stored. A fuzzer that changes the bytes of a whole file is stopped
/// by the checksums; one that makes the members gets to the code behind them.
inline std::string ZipOf(const std::vector<std::pair<std::string, std::string>>& members) {
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_t* zip = zip_open_from_source(target, ZIP_TRUNCATE, nullptr);
  if (zip == nullptr) std::abort();
  zip_source_keep(target);
  for (const auto& [name, bytes] : members) {
    zip_source_t* source = zip_source_buffer(zip, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(zip, name.c_str(), source, 0);
    if (index < 0) std::abort();
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  }
  if (zip_close(zip) != 0 || zip_source_open(target) != 0) std::abort();
  std::string file(64, '\0');
  std::size_t size = 0;
  for (zip_int64_t n = 1; n > 0; size += static_cast<std::size_t>(n)) {
    if (size == file.size()) file.resize(2 * size);
    n = zip_source_read(target, file.data() + size, file.size() - size);
    if (n < 0) std::abort();
  }
  zip_source_close(target);
  zip_source_free(target);
  file.resize(size);
  return file;
}

}  // namespace cross4d::test
