// SPDX-License-Identifier: Apache-2.0
#include "hdf5_file.h"

#include <cross4d/sdk/error.h>

#include <hdf5.h>

#include <mutex>
#include <utility>

namespace cross4d::hoi4d {

// Not in the unnamed namespace, since Hdf5File::Handles has members of it.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept { *this = std::move(other); }
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  bool valid() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

namespace {

constexpr std::int64_t kMostNumbers = std::int64_t{1} << 28;  // of one clip: 1 GiB
constexpr hsize_t kMostNames = 30;

// HDF5 keeps its own state and, unless built for threads, shares it. While held, the library is
// also silent: it prints errors by itself otherwise.
class Hdf5Lock {
 public:
  Hdf5Lock() : lock_(mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  std::lock_guard<std::mutex> lock_;
};

herr_t KeepInnermost(unsigned number, const H5E_error2_t* error, void* text) {
  if (number == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

[[noreturn]] void FailHdf5(const std::string& path, const std::string& what) {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, KeepInnermost, &reason);
  FailInput(path + ": " + what + " (HDF5: " + (reason.empty() ? "no reason given" : reason) + ")");
}

std::vector<std::int64_t> Sides(hid_t dataset) {
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> sides(rank > 0 ? static_cast<std::size_t>(rank) : 0);
  if (rank > 0) H5Sget_simple_extent_dims(space, sides.data(), nullptr);
  return {sides.begin(), sides.end()};
}

std::string SidesText(const std::vector<std::int64_t>& sides) {
  std::string text;
  for (const std::int64_t side : sides) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return "(" + text + ")";
}

// "pcd (2 x 24 x 256 x 3), label (2 x 24)": what stands at the top of the file.
std::string Contents(hid_t file) {
  H5G_info_t info = {};
  H5Gget_info(file, &info);
  std::string text;
  for (hsize_t i = 0; i < info.nlinks && i < kMostNames; ++i) {
    char name[128] = "";
    H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
    const Handle dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose);
    if (!text.empty()) text += ", ";
    text += name + (dataset.valid() ? " " + SidesText(Sides(dataset)) : std::string("/"));
  }
  return text.empty() ? "nothing" : text;
}

bool IsOfClass(hid_t dataset, H5T_class_t wanted) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  return H5Tget_class(type) == wanted;
}

[[noreturn]] void FailLayout(const std::string& path,
                             hid_t file,
                             const std::string& labels,
                             const std::string& problem) {
  std::string expected = "pcd (n x T x N x 3)", advice;
  if (labels == "semantic") {
    expected += ", semantic (n x T x N)";
    if (H5Lexists(file, "label", H5P_DEFAULT) > 0) advice = "; set dataset.task = \"action\"";
  } else if (labels == "label") {
    expected += ", label (n x T)";
    if (H5Lexists(file, "semantic", H5P_DEFAULT) > 0) advice = "; set dataset.task = \"semantic\"";
  }
  FailInput(path + ": " + problem + "; it holds " + Contents(file) + ", expected " + expected +
            advice);
}

Handle OpenFile(const std::string& path) {
  // Locks fail on some network file systems, and nobody writes these files.
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, false, true);
#endif
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (!file.valid()) FailHdf5(path, "cannot be opened as HDF5: damaged, truncated or no such file");
  return file;
}

// Chooses `frames` of one sequence in a data space of this rank; runs of frames become one block.
Handle Choose(hid_t dataset,
              std::int64_t sequence,
              const std::vector<std::int64_t>& frames,
              hsize_t* numbers) {
  Handle space(H5Dget_space(dataset), H5Sclose);
  const std::vector<std::int64_t> sides = Sides(dataset);
  std::vector<hsize_t> start(sides.size(), 0), count(sides.begin(), sides.end());
  start[0] = static_cast<hsize_t>(sequence);
  count[0] = 1;
  H5Sselect_none(space);
  for (std::size_t i = 0; i < frames.size();) {
    std::size_t run = 1;
    while (i + run < frames.size() && frames[i + run] == frames[i] + static_cast<int>(run)) ++run;
    start[1] = static_cast<hsize_t>(frames[i]);
    count[1] = run;
    H5Sselect_hyperslab(space, H5S_SELECT_OR, start.data(), nullptr, count.data(), nullptr);
    i += run;
  }
  *numbers = static_cast<hsize_t>(H5Sget_select_npoints(space));
  return space;
}

template <class T>
void ReadChosen(const std::string& path,
                hid_t dataset,
                hid_t type,
                std::int64_t sequence,
                const std::vector<std::int64_t>& frames,
                std::vector<T>* values) {
  hsize_t numbers = 0;
  const Handle space = Choose(dataset, sequence, frames, &numbers);
  values->resize(numbers);
  const Handle memory(H5Screate_simple(1, &numbers, nullptr), H5Sclose);
  if (H5Dread(dataset, type, memory, space, H5P_DEFAULT, values->data()) < 0) {
    FailHdf5(path,
             "sequence " + std::to_string(sequence) + ", frames " + std::to_string(frames.front()) +
                 " to " + std::to_string(frames.back()) + ": cannot be read");
  }
}

}  // namespace

struct Hdf5File::Handles {
  Handle file, points, labels;
};

Hdf5File::Hdf5File(const std::filesystem::path& path, const std::string& labels)
    : path_(path.string()) {
  const Hdf5Lock lock;
  auto handles = std::make_unique<Handles>();
  handles->file = OpenFile(path_);
  handles->points = Handle(H5Dopen2(handles->file, "pcd", H5P_DEFAULT), H5Dclose);
  if (!labels.empty()) {
    handles->labels = Handle(H5Dopen2(handles->file, labels.c_str(), H5P_DEFAULT), H5Dclose);
  }
  const auto fail = [&](const std::string& problem) {
    FailLayout(path_, handles->file, labels, problem);
  };
  if (!handles->points.valid()) fail("has no array 'pcd'");
  const std::vector<std::int64_t> sides = Sides(handles->points);
  if (sides.size() != 4 || sides[3] != 3 || !IsOfClass(handles->points, H5T_FLOAT)) {
    fail("'pcd' is not of this shape, or not of floating-point numbers");
  }
  for (const std::int64_t side : sides) {
    if (side == 0) fail("'pcd' is empty");
  }
  sequences_ = sides[0], frames_ = sides[1], points_ = sides[2];
  if (!labels.empty()) {
    if (!handles->labels.valid()) fail("has no array '" + labels + "'");
    const std::vector<std::int64_t> wanted(sides.begin(),
                                           sides.begin() + (labels == "label" ? 2 : 3));
    if (Sides(handles->labels) != wanted || !IsOfClass(handles->labels, H5T_INTEGER)) {
      fail("'" + labels + "' is not of this shape, or not of whole numbers");
    }
  }
  handles_ = std::move(handles);
}

Hdf5File::~Hdf5File() {
  const Hdf5Lock lock;
  handles_.reset();
}

void Hdf5File::Read(std::int64_t sequence,
                    const std::vector<std::int64_t>& frames,
                    std::vector<float>* xyz,
                    std::vector<std::int64_t>* labels) const {
  if (points_ > kMostNumbers / 3 / static_cast<std::int64_t>(frames.size())) {
    FailInput(path_ + ": a clip of " + std::to_string(frames.size()) + " frames with " +
              std::to_string(points_) + " points each needs more than 1 GiB; take fewer frames");
  }
  const Hdf5Lock lock;
  ReadChosen(path_, handles_->points, H5T_NATIVE_FLOAT, sequence, frames, xyz);
  labels->clear();
  if (handles_->labels.valid()) {
    ReadChosen(path_, handles_->labels, H5T_NATIVE_INT64, sequence, frames, labels);
  }
}

}  // namespace cross4d::hoi4d
