// SPDX-License-Identifier: Apache-2.0
#include "hdf5_writer.h"

#include <hdf5.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace cross4d::test {
namespace {

void Check(herr_t status) {
  if (status >= 0) return;
  std::fprintf(stderr, "hdf5_writer: a call failed\n");
  std::abort();
}

hid_t Id(hid_t id) {
  if (id < 0) Check(-1);
  return id;
}

hid_t LabelType(const std::string& name) {
  const std::map<std::string, hid_t> types = {{"i8", H5T_STD_I8LE},
                                              {"u8", H5T_STD_U8LE},
                                              {"i16", H5T_STD_I16LE},
                                              {"i32", H5T_STD_I32LE},
                                              {"i64", H5T_STD_I64LE}};
  return types.at(name);
}

hid_t Properties(const std::string& layout, const std::vector<hsize_t>& sides) {
  const hid_t properties = Id(H5Pcreate(H5P_DATASET_CREATE));
  if (layout == "contiguous") return properties;
  // Chunks that do not divide the array, as h5py chooses them.
  std::vector<hsize_t> chunk;
  for (const hsize_t side : sides) chunk.push_back(std::max<hsize_t>(1, (side + 1) * 2 / 3));
  Check(H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data()));
  if (layout == "gzip") Check(H5Pset_deflate(properties, 4));
  return properties;
}

hid_t Create(hid_t file,
             const std::string& name,
             hid_t type,
             const std::vector<hsize_t>& sides,
             const std::string& layout) {
  const hid_t space = Id(H5Screate_simple(static_cast<int>(sides.size()), sides.data(), nullptr));
  const hid_t properties = Properties(layout, sides);
  const hid_t dataset =
      Id(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT));
  Check(H5Pclose(properties));
  Check(H5Sclose(space));
  return dataset;
}

std::vector<double> Points(const Hdf5Spec& spec) {
  std::vector<double> values;
  for (std::int64_t s = 0; s < spec.sequences; ++s) {
    for (std::int64_t t = 0; t < spec.frames; ++t) {
      const bool zero = std::count(spec.zero_frames.begin(), spec.zero_frames.end(), t) > 0;
      for (std::int64_t p = 0; p < spec.points; ++p) {
        const double y = static_cast<double>(t) + static_cast<double>(p) / 1024;
        values.push_back(zero ? 0 : static_cast<double>(s + 1));
        values.push_back(zero ? 0 : y);
        values.push_back(zero ? 0 : 2);
      }
    }
  }
  return values;
}

std::vector<std::int64_t> Labels(const Hdf5Spec& spec) {
  std::vector<std::int64_t> values;
  const bool per_point = spec.labels == "semantic";
  for (std::int64_t s = 0; s < spec.sequences; ++s) {
    for (std::int64_t t = 0; t < spec.frames; ++t) {
      for (std::int64_t p = 0; p < (per_point ? spec.points : 1); ++p) {
        values.push_back(per_point ? (s + t + p) % 49 : (s + t) % 19);
      }
    }
  }
  return values;
}

hid_t NewFile(const std::filesystem::path& path) {
  return Id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
}

}  // namespace

void WriteHdf5(const std::filesystem::path& path, const Hdf5Spec& spec) {
  const hid_t file = NewFile(path);
  const auto n = static_cast<hsize_t>(spec.sequences), t = static_cast<hsize_t>(spec.frames),
             points = static_cast<hsize_t>(spec.points);
  const hid_t type = spec.doubles ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
  const hid_t pcd = Create(file, spec.name, type, {n, t, points, 3}, spec.layout);
  if (spec.data) {
    Check(H5Dwrite(pcd, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, Points(spec).data()));
  }
  Check(H5Dclose(pcd));
  Check(H5Dclose(Create(file, "center", type, {n, t, 3}, spec.layout)));
  if (!spec.labels.empty()) {
    std::vector<hsize_t> sides = {n, t};
    if (spec.labels == "semantic") sides.push_back(points);
    const hid_t labels = Create(file, spec.labels, LabelType(spec.label_type), sides, spec.layout);
    if (spec.data) {
      Check(H5Dwrite(labels, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, Labels(spec).data()));
    }
    Check(H5Dclose(labels));
  }
  Check(H5Fclose(file));
}

void WriteSparseHdf5(const std::filesystem::path& path, std::int64_t sequence) {
  const hid_t file = NewFile(path);
  const hid_t properties = Id(H5Pcreate(H5P_DATASET_CREATE));
  Check(H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY));
  Check(H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER));
  const hsize_t sides[] = {kSparseRows, kSparseFrames, kSparsePoints, 3};
  const hsize_t start[] = {static_cast<hsize_t>(sequence), 0, 0, 0};
  for (const int rank : {4, 3}) {
    const hid_t space = Id(H5Screate_simple(rank, sides, nullptr));
    const hid_t dataset = Id(H5Dcreate2(file,
                                        rank == 4 ? "pcd" : "semantic",
                                        rank == 4 ? H5T_IEEE_F32LE : H5T_STD_U8LE,
                                        space,
                                        H5P_DEFAULT,
                                        properties,
                                        H5P_DEFAULT));
    hsize_t count[] = {1, kSparseFrames, kSparsePoints, 3};
    Check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr));
    const hid_t memory = Id(H5Screate_simple(rank, count, nullptr));
    const std::vector<float> ones(kSparseFrames * kSparsePoints * 3, 7);
    Check(H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, ones.data()));
    Check(H5Sclose(memory));
    Check(H5Dclose(dataset));
    Check(H5Sclose(space));
  }
  Check(H5Pclose(properties));
  Check(H5Fclose(file));
}

void WriteOtherHdf5(const std::filesystem::path& path) {
  const hid_t file = NewFile(path);
  Check(H5Dclose(Create(file, "points", H5T_IEEE_F32LE, {5, 3}, "contiguous")));
  Check(H5Gclose(Id(H5Gcreate2(file, "extra", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT))));
  Check(H5Fclose(file));
}

}  // namespace cross4d::test
