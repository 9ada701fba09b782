// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/npy.h"

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
constexpr std::size_t kMaxSides = 16;

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

// What the header says.
struct Header {
  std::string type;  ///< "<f8", "|O", …
  bool fortran = false;
  std::vector<std::int64_t> shape;
};

// A reader of the one Python expression that stands in an .npy header:
// {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const Place& place) : text_(text), place_(place) {}

  Header Read() {
    Header header;
    Expect('{');
    while (!Skip('}')) {
      const std::string key = Quoted();
      Expect(':');
      if (key == "descr") {
        header.type = Quoted();
      } else if (key == "fortran_order") {
        header.fortran = Flag();
      } else if (key == "shape") {
        header.shape = Shape();
      } else {
        Fail("an unknown key '" + key + "'");
      }
      if (!Skip(',')) {
        Expect('}');
        break;
      }
    }
    if (header.type.empty()) Fail("no descr");
    return header;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    place_.Fail("the .npy header has " + what + " at character " + std::to_string(at_));
  }
  void Blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool Skip(char c) {
    Blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Skip(c)) Fail(std::string("no '") + c + "'");
  }
  std::string Quoted() {
    Blanks();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"')
      Fail("a value that is not a simple text (structured types are not read)");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) Fail("a text without end");
    std::string text(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return text;
  }
  bool Flag() {
    Blanks();
    for (const auto& [word, value] :
         {std::pair<std::string_view, bool>("True", true), {"False", false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    Fail("no True or False");
  }
  std::vector<std::int64_t> Shape() {
    std::vector<std::int64_t> shape;
    Expect('(');
    while (!Skip(')')) {
      Blanks();
      std::int64_t side = 0;
      std::size_t digits = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits) {
        side = side * 10 + (text_[at_] - '0');
      }
      Skip('L');  // Python 2
      if (digits == 0 || digits > 15 || shape.size() == kMaxSides) Fail("no valid shape");
      shape.push_back(side);
      if (!Skip(',')) {
        Expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const Place& place_;
  std::size_t at_ = 0;
};

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

NpyArray ObjectArray(std::span<const std::byte> stream, const Header& header, const Place& place) {
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
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (file.size() < 10 || !text.starts_with("\x93NUMPY")) place.Fail("is not an .npy file");
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) {
    place.Fail("is of .npy version " + std::to_string(version) + ", expected 1 to 3");
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4, begin = 8 + length_bytes;
  std::uint32_t length = 0;
  if (file.size() >= begin) std::memcpy(&length, file.data() + 8, length_bytes);
  if (file.size() < begin || length > file.size() - begin) place.Fail("ends inside its header");
  const Header header = HeaderReader(text.substr(begin, length), place).Read();
  const std::span<const std::byte> data = file.subspan(begin + length);
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
  const auto member = zip->Find(array + ".npy");
  if (!member) {
    std::string names;
    for (const auto& m : zip->members()) names += (names.empty() ? "" : ", ") + m.name;
    FailInput(path.string() + ": has no array '" + array + "'; it has: " + names);
  }
  return ParseNpy(zip->Read(*member, kMaxBytes), path.string() + ", " + array);
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
