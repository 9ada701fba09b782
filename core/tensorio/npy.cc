// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/npy.h"

#include "core/tensorio/npy_header.h"
#include "core/tensorio/pickle.h"
#include "core/tensorio/zip_archive.h"

#include <cross4d/sdk/error.h>

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace cross4d::tensorio {
namespace {

using Kind = PickleValue::Kind;

constexpr std::uint64_t kMaxBytes = std::uint64_t{8} << 30;
// NumPy pads its headers to 64 bytes; one of an array of 16 sides has about 400.
constexpr std::size_t kHeaderBytes = 4096;

constexpr std::array<std::pair<std::string_view, DType>, 9> kTypes = {{{"f8", DType::kF64},
                                                                       {"f4", DType::kF32},
                                                                       {"f2", DType::kF16},
                                                                       {"i8", DType::kI64},
                                                                       {"i4", DType::kI32},
                                                                       {"i2", DType::kI16},
                                                                       {"u1", DType::kU8},
                                                                       {"b1", DType::kBool},
                                                                       {"?", DType::kBool}}};

struct Place {
  std::string name;
  [[noreturn]] void Fail(const std::string& what) const { FailInput(name + ": " + what); }
};

DType TypeOf(std::string_view kind, const Place& place) {
  for (const auto& [text, dtype] : kTypes) {
    if (kind == text) return dtype;
  }
  place.Fail("elements are of type '" + std::string(kind.substr(0, 40)) +
             "', expected f2, f4, f8, i2, i4, i8, u1 or b1");
}

// Elements of a shape, refused when they need more than `limit` bytes.
std::uint64_t CheckedElements(const std::vector<std::int64_t>& shape,
                              std::size_t element,
                              std::uint64_t limit,
                              const Place& place) {
  std::uint64_t count = 1;
  for (const std::int64_t side : shape) {
    if (side < 0) place.Fail("has a negative side");
    const auto s = static_cast<std::uint64_t>(side);
    if (s != 0 && count > limit / element / s) {
      place.Fail("its shape needs more than the " + std::to_string(limit) + " bytes that follow");
    }
    count *= s;
  }
  return count;
}

// Puts column-major elements into row-major order.
std::vector<std::byte> ToRowMajor(std::span<const std::byte> data,
                                  const std::vector<std::int64_t>& shape,
                                  std::size_t size) {
  std::vector<std::byte> result(data.size());
  std::vector<std::int64_t> index(shape.size(), 0);
  for (std::size_t i = 0; i * size < data.size(); ++i) {
    std::size_t at = 0;
    for (std::size_t k = shape.size(); k-- > 0;) {
      at = at * static_cast<std::size_t>(shape[k]) + static_cast<std::size_t>(index[k]);
    }
    std::memcpy(result.data() + i * size, data.data() + at * size, size);
    for (std::size_t k = shape.size(); k-- > 0 && ++index[k] == shape[k];) index[k] = 0;
  }
  return result;
}

// The first bytes of `data` as an array; `exact` = they must be all of it.
NumericArray MakeArray(std::span<const std::byte> data,
                       DType dtype,
                       std::vector<std::int64_t> shape,
                       bool fortran,
                       const Place& place) {
  const std::size_t size = DTypeSize(dtype);
  const std::uint64_t bytes = size * CheckedElements(shape, size, data.size(), place);
  if (bytes != data.size()) {
    place.Fail("has " + std::to_string(data.size()) + " bytes of data, its shape and type need " +
               std::to_string(bytes));
  }
  NumericArray array{dtype, std::move(shape), {}};
  if (fortran && array.shape.size() > 1) {
    array.bytes = ToRowMajor(data, array.shape, size);
  } else {
    array.bytes.assign(data.begin(), data.end());
  }
  return array;
}

bool AllowedInArrays(std::string_view global) {
  for (const char* name : {"numpy.core.multiarray._reconstruct",
                           "numpy._core.multiarray._reconstruct",
                           "numpy.ndarray",
                           "numpy.dtype",
                           "_codecs.encode"}) {
    if (global == name) return true;
  }
  return false;
}

// numpy.dtype("f8", …) with state (3, "<", …): 'f8', or 'O'.
std::string PickledType(const PickleValue& value, const Place& place) {
  const bool known = value.Is(Kind::kObject) && value.text == "numpy.dtype" &&
                     !value.arguments->items.empty() && value.arguments->items[0]->Is(Kind::kText);
  if (!known) place.Fail("a pickled array has an unknown element type");
  if (value.state != nullptr && value.state->items.size() > 1 &&
      value.state->items[1]->text == ">") {
    place.Fail("a pickled array is big-endian, which is not supported");
  }
  const std::string_view type = value.arguments->items[0]->text;
  return std::string(type.starts_with("O") ? "O" : type);
}

// ndarray's state: (1, shape, dtype, fortran, data).
const std::vector<const PickleValue*>& ArrayState(const PickleValue& value, const Place& place) {
  const bool known = value.Is(Kind::kObject) && value.text.ends_with("multiarray._reconstruct") &&
                     value.state != nullptr && value.state->items.size() == 5 &&
                     value.state->items[1]->Is(Kind::kTuple);
  if (!known) place.Fail("a pickled element is not a NumPy array");
  return value.state->items;
}

std::vector<std::int64_t> PickledShape(const PickleValue& value, const Place& place) {
  std::vector<std::int64_t> shape;
  for (const PickleValue* side : value.items) {
    if (!side->Is(Kind::kInteger) || shape.size() == kMaxSides) place.Fail("has an invalid shape");
    shape.push_back(side->integer);
  }
  return shape;
}

NumericArray PickledArray(const PickleValue& value, const Place& place) {
  const auto& state = ArrayState(value, place);
  const DType dtype = TypeOf(PickledType(*state[2], place), place);
  if (!state[4]->Is(Kind::kBytes)) place.Fail("a pickled array has no bytes");
  const std::string_view data = state[4]->text;
  return MakeArray(std::as_bytes(std::span(data)),
                   dtype,
                   PickledShape(*state[1], place),
                   state[3]->integer != 0,
                   place);
}

NpyArray ObjectArray(std::span<const std::byte> stream,
                     const NpyHeader& header,
                     const Place& place) {
  const Pickle pickle = Pickle::Parse(stream, place.name, AllowedInArrays);
  const auto& state = ArrayState(pickle.root(), place);
  if (PickledType(*state[2], place) != "O" || !state[4]->Is(Kind::kList)) {
    place.Fail("is an object array by its header, but not by its content");
  }
  NpyArray result{true, header.shape, {}};
  const auto& items = state[4]->items;
  if (header.shape.size() != 1 || items.size() != static_cast<std::size_t>(header.shape[0])) {
    place.Fail("is an object array of " + std::to_string(items.size()) +
               " elements, expected one dimension of the header's length");
  }
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    result.items.push_back(
        PickledArray(*items[i], Place{place.name + ", element " + std::to_string(i)}));
    total += result.items.back().bytes.size();
    // One payload may stand behind many elements (repeated frames), within reason.
    if (total > 64 * stream.size()) place.Fail("its elements repeat each other without end");
  }
  return result;
}

std::size_t ArrayMember(const ZipArchive& zip, const std::string& array) {
  if (const auto member = zip.Find(array + ".npy")) return *member;
  std::string names;
  for (const auto& m : zip.members()) names += (names.empty() ? "" : ", ") + m.name;
  FailInput(zip.name() + ": has no array '" + array + "'; it has: " + names);
}

template <class T>
void Convert(std::span<const std::byte> bytes, std::vector<double>* out) {
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + i, sizeof(T));
    out->push_back(static_cast<double>(value));
  }
}

// Without _Float16, which not every compiler has.
void ConvertHalf(std::span<const std::byte> bytes, std::vector<double>* out) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes.data() + i, 2);
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31) {
      value = fraction == 0 ? std::numeric_limits<double>::infinity()
                            : std::numeric_limits<double>::quiet_NaN();
    }
    out->push_back((bits & 0x8000) != 0 ? -value : value);
  }
}

}  // namespace

std::int64_t NumericArray::elements() const {
  return static_cast<std::int64_t>(bytes.size() / DTypeSize(dtype));
}

std::vector<double> NumericArray::ToDoubles() const {
  std::vector<double> values;
  values.reserve(bytes.size() / DTypeSize(dtype));
  switch (dtype) {
    case DType::kF64:
      Convert<double>(bytes, &values);
      break;
    case DType::kF32:
      Convert<float>(bytes, &values);
      break;
    case DType::kF16:
      ConvertHalf(bytes, &values);
      break;
    case DType::kI64:
      Convert<std::int64_t>(bytes, &values);
      break;
    case DType::kI32:
      Convert<std::int32_t>(bytes, &values);
      break;
    case DType::kI16:
      Convert<std::int16_t>(bytes, &values);
      break;
    case DType::kU8:
    case DType::kBool:
      Convert<std::uint8_t>(bytes, &values);
      break;
    case DType::kBF16:
      throw Error(ErrorCode::kInternal, "NumPy has no bfloat16");
  }
  return values;
}

NpyArray ParseNpy(std::span<const std::byte> file, const std::string& name) {
  const Place place{name};
  const NpyHeader header = ParseNpyHeader(file, name);
  const std::span<const std::byte> data = file.subspan(header.data_begin);
  std::string_view type = header.type;
  if (type.starts_with('>')) place.Fail("is big-endian, which is not supported");
  if (type.starts_with('<') || type.starts_with('|') || type.starts_with('='))
    type.remove_prefix(1);
  if (type == "O") return ObjectArray(data, header, place);
  NpyArray result{false, header.shape, {}};
  result.items.push_back(MakeArray(data, TypeOf(type, place), header.shape, header.fortran, place));
  return result;
}

NpyArray ReadNpy(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) FailInput("cannot read " + path.string());
  if (size > kMaxBytes) FailInput(path.string() + ": is larger than 8 GiB");
  std::vector<std::byte> bytes(size);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!in) FailInput("cannot read " + path.string());
  return ParseNpy(bytes, path.string());
}

NpyArray ReadNpz(const std::filesystem::path& path, const std::string& array) {
  const auto zip = ZipArchive::Open(path);
  const std::size_t member = ArrayMember(*zip, array);
  return ParseNpy(zip->Read(member, kMaxBytes), path.string() + ", " + array);
}

NpyArray ReadNpzHeader(const std::filesystem::path& path, const std::string& array) {
  const auto zip = ZipArchive::Open(path);
  const std::vector<std::byte> start = zip->ReadStart(ArrayMember(*zip, array), kHeaderBytes);
  const NpyHeader header = ParseNpyHeader(start, path.string() + ", " + array);
  return {header.type.ends_with("O"), header.shape, {}};
}

std::vector<std::string> ListNpz(const std::filesystem::path& path) {
  std::vector<std::string> names;
  const auto zip = ZipArchive::Open(path);
  for (const auto& member : zip->members()) {
    if (member.name.ends_with(".npy"))
      names.push_back(member.name.substr(0, member.name.size() - 4));
  }
  return names;
}

}  // namespace cross4d::tensorio
