// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/safetensors.h"

#include <cross4d/sdk/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

namespace cross4d::tensorio {
namespace {

using nlohmann::json;

struct DTypeRow {
  DType dtype;
  const char* name;
  std::size_t size;
};
constexpr std::array<DTypeRow, 9> kDTypes = {{{DType::kBool, "BOOL", 1},
                                              {DType::kU8, "U8", 1},
                                              {DType::kI16, "I16", 2},
                                              {DType::kI32, "I32", 4},
                                              {DType::kI64, "I64", 8},
                                              {DType::kF16, "F16", 2},
                                              {DType::kBF16, "BF16", 2},
                                              {DType::kF32, "F32", 4},
                                              {DType::kF64, "F64", 8}}};
// The reference implementation's limit; a longer header is damage or an attack on memory.
constexpr std::uint64_t kMaxHeader = 100'000'000;

// Where messages come from: the file, then the tensor.
struct FilePlace {
  const std::string& file;
  std::string tensor;
  [[noreturn]] void Fail(const std::string& what) const {
    FailInput(file + ": " + (tensor.empty() ? "" : "tensor '" + tensor + "': ") + what);
  }
};

DType ReadDType(const json& entry, const FilePlace& place) {
  const auto it = entry.find("dtype");
  if (it == entry.end() || !it->is_string()) place.Fail("has no dtype");
  const std::string text = it->get<std::string>();
  for (const DTypeRow& row : kDTypes) {
    if (text == row.name) return row.dtype;
  }
  place.Fail("dtype " + text +
             " is not known (expected BOOL, U8, I16, I32, I64, F16, BF16, F32 or F64)");
}

std::vector<std::int64_t> ReadShape(const json& entry, const FilePlace& place) {
  const auto it = entry.find("shape");
  if (it == entry.end() || !it->is_array()) place.Fail("has no shape");
  std::vector<std::int64_t> shape;
  for (const json& side : *it) {
    if (!side.is_number_unsigned() ||
        side.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
      place.Fail("a side of its shape is not a whole number");
    }
    shape.push_back(side.get<std::int64_t>());
  }
  return shape;
}

// Bytes of the shape, or a failure when the product does not fit 63 bits.
std::uint64_t ShapeBytes(const std::vector<std::int64_t>& shape,
                         DType dtype,
                         const FilePlace& place) {
  std::uint64_t bytes = DTypeSize(dtype);
  for (std::int64_t side : shape) {
    if (side == 0) return 0;
    if (bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) /
                    static_cast<std::uint64_t>(side)) {
      place.Fail("its shape is larger than any file");
    }
    bytes *= static_cast<std::uint64_t>(side);
  }
  return bytes;
}

TensorInfo ReadTensor(const std::string& name,
                      const json& entry,
                      std::uint64_t data_size,
                      const FilePlace& place) {
  if (!entry.is_object()) place.Fail("its header entry is not an object");
  TensorInfo info;
  info.name = name;
  info.dtype = ReadDType(entry, place);
  info.shape = ReadShape(entry, place);
  const auto it = entry.find("data_offsets");
  if (it == entry.end() || !it->is_array() || it->size() != 2 || !(*it)[0].is_number_unsigned() ||
      !(*it)[1].is_number_unsigned()) {
    place.Fail("has no data_offsets of two whole numbers");
  }
  info.begin = (*it)[0].get<std::uint64_t>();
  info.end = (*it)[1].get<std::uint64_t>();
  if (info.begin > info.end || info.end > data_size) {
    place.Fail("its data_offsets " + std::to_string(info.begin) + " to " +
               std::to_string(info.end) + " do not lie in the data section of " +
               std::to_string(data_size) + " bytes");
  }
  const std::uint64_t expected = ShapeBytes(info.shape, info.dtype, place);
  if (info.end - info.begin != expected) {
    place.Fail("has " + std::to_string(info.end - info.begin) +
               " bytes, its shape and dtype need " + std::to_string(expected));
  }
  return info;
}

// The JSON library keeps the last of two equal names: refuse them here.
json ParseHeader(std::string_view text, const FilePlace& place) {
  std::set<std::string> names;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth == 1 && event == json::parse_event_t::key &&
        !names.insert(parsed.get<std::string>()).second) {
      FilePlace{place.file, parsed.get<std::string>()}.Fail("stands twice in the header");
    }
    return true;
  };
  json header;
  try {
    header = json::parse(text.begin(), text.end(), check);
  } catch (const json::exception& e) {
    place.Fail(std::string("the header is not valid JSON: ") + e.what());
  }
  if (!header.is_object()) place.Fail("the header is not a JSON object");
  return header;
}

void CheckExtents(std::vector<TensorInfo>* tensors,
                  std::uint64_t data_size,
                  const std::string& file) {
  std::stable_sort(tensors->begin(), tensors->end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const TensorInfo& t : *tensors) {
    if (t.begin != at) {
      FilePlace{file, t.name}.Fail("begins at byte " + std::to_string(t.begin) +
                                   " of the data, expected " + std::to_string(at) +
                                   (t.begin < at ? " (overlap)" : " (gap)"));
    }
    at = t.end;
  }
  if (at != data_size) {
    FilePlace{file, {}}.Fail("the tensors end at byte " + std::to_string(at) +
                             " of the data, the file at " + std::to_string(data_size));
  }
}

}  // namespace

std::size_t DTypeSize(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].size; }
std::string_view DTypeName(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].name; }

std::int64_t TensorInfo::elements() const {
  return static_cast<std::int64_t>((end - begin) / DTypeSize(dtype));
}

SafetensorsLayout ParseSafetensors(std::span<const std::byte> file, const std::string& name) {
  const FilePlace place{name, {}};
  if (file.size() < 8) {
    place.Fail("is " + std::to_string(file.size()) +
               " bytes long, a safetensors file has at least 8");
  }
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), 8);
  if (header_size > kMaxHeader || header_size > file.size() - 8) {
    place.Fail("its header length " + std::to_string(header_size) +
               " (offset 0) exceeds the file of " + std::to_string(file.size()) +
               " bytes; is it a safetensors file, and whole?");
  }
  SafetensorsLayout layout;
  layout.data_begin = 8 + header_size;
  const std::uint64_t data_size = file.size() - layout.data_begin;
  const json header =
      ParseHeader({reinterpret_cast<const char*>(file.data()) + 8, header_size}, place);
  for (const auto& [key, entry] : header.items()) {
    if (key != "__metadata__") {
      layout.tensors.push_back(ReadTensor(key, entry, data_size, FilePlace{name, key}));
      continue;
    }
    if (!entry.is_object()) place.Fail("__metadata__ is not an object");
    for (const auto& [k, v] : entry.items()) {
      if (!v.is_string()) place.Fail("__metadata__ '" + k + "' is not a text");
      layout.metadata.emplace(k, v.get<std::string>());
    }
  }
  CheckExtents(&layout.tensors, data_size, name);
  return layout;
}

}  // namespace cross4d::tensorio
