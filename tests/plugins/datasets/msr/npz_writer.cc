// SPDX-License-Identifier: Apache-2.0
#include "npz_writer.h"

#include <zlib.h>

#include <fstream>

namespace cross4d::test {
namespace {

template <class T>
std::string Raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string Text(const std::string& text) {
  return "X" + Raw(static_cast<std::uint32_t>(text.size())) + text;
}

std::string Int(std::int64_t value) { return "J" + Raw(static_cast<std::int32_t>(value)); }

std::string ShapeTuple(const Shape& shape) {
  std::string ops = "(";
  for (const std::int64_t side : shape) ops += Int(side);
  return ops + "t";
}

std::string DType(const std::string& type) {
  const std::string order = type == "O8" ? "|" : "<";
  return "cnumpy\ndtype\n" + Text(type) + "\x89\x88\x87R(K\x03" + Text(order) + "NNN" + Int(-1) +
         Int(-1) + std::string("K\0tb", 4);
}

// ndarray: made by `global`, then its state (1, shape, dtype, fortran, data).
std::string Array(const std::string& global,
                  const Shape& shape,
                  const std::string& type,
                  bool fortran,
                  const std::string& data) {
  return "c" + global + "cnumpy\nndarray\n" + std::string("K\0\x85", 3) + "C\x01" + "b\x87R(K\x01" +
         ShapeTuple(shape) + DType(type) + (fortran ? "\x88" : "\x89") + data + "tb";
}

std::string WithHeader(const std::string& descr, const Shape& shape, const std::string& data) {
  std::string sides;
  for (const std::int64_t side : shape) sides += std::to_string(side) + ", ";
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + sides + "), }";
  header.resize((header.size() + 10 + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\0", 8) + Raw(static_cast<std::uint16_t>(header.size())) +
         header + data;
}

}  // namespace

std::string Npy(const Shape& shape, const std::string& payload, const std::string& type) {
  return WithHeader(type, shape, payload);
}

std::string ObjectNpy(const std::vector<PickledArray>& arrays, const std::string& global) {
  std::string list = "](";
  for (const PickledArray& a : arrays) {
    const std::string bytes = "B" + Raw(static_cast<std::uint32_t>(a.payload.size())) + a.payload;
    list += Array(global, a.shape, a.type, a.fortran, bytes);
  }
  list += "e";
  const Shape shape = {static_cast<std::int64_t>(arrays.size())};
  return WithHeader("|O", shape, "\x80\x03" + Array(global, shape, "O8", false, list) + ".");
}

std::string Npz(const std::string& array, const std::string& npy, bool zip64) {
  const std::string name = array + ".npy";
  const auto size = static_cast<std::uint32_t>(npy.size());
  const auto crc = static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(npy.data()), static_cast<uInt>(npy.size())));
  const std::uint16_t version = zip64 ? 45 : 20;
  const std::string extra = zip64 ? Raw<std::uint16_t>(1) + Raw<std::uint16_t>(16) +
                                        Raw<std::uint64_t>(size) + Raw<std::uint64_t>(size)
                                  : "";
  // Version, flags, method (stored), time, date, checksum.
  const std::string common =
      Raw(version) + std::string(6, '\0') + Raw<std::uint16_t>(0x21) + Raw(crc);
  const auto name_size = static_cast<std::uint16_t>(name.size());
  const std::uint32_t local_size = zip64 ? 0xffffffff : size;
  const std::string local = "PK\x03\x04" + common + Raw(local_size) + Raw(local_size) +
                            Raw(name_size) + Raw(static_cast<std::uint16_t>(extra.size())) + name +
                            extra + npy;
  const std::string central = "PK\x01\x02" + Raw(version) + common + Raw(size) + Raw(size) +
                              Raw(name_size) + std::string(16, '\0') + name;
  return local + central + std::string("PK\x05\x06\0\0\0\0", 8) + Raw<std::uint16_t>(1) +
         Raw<std::uint16_t>(1) + Raw(static_cast<std::uint32_t>(central.size())) +
         Raw(static_cast<std::uint32_t>(local.size())) + std::string(2, '\0');
}

std::vector<double> PublishedPoints(std::int64_t count, double depth) {
  std::vector<double> xyz;
  for (std::int64_t i = 0; i < count; ++i) {
    const double column = 150 + static_cast<double>(i);
    xyz.insert(xyz.end(), {(column - 160) / 280 * depth, (100.0 - 120) / 280 * depth, depth});
  }
  return xyz;
}

void WriteText(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace cross4d::test
