// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace cross4d {
inline namespace v1 {

enum class Split { kTrain, kTest };

/// What the index knows of a clip without reading it.
struct ClipInfo {
  std::string id;           ///< unique and stable: does not depend on file system order
  std::string video;        ///< clips of one video share it (video-level accuracy); often = id
  std::int64_t label = -1;  ///< class index, -1 = none
  std::int64_t subject = -1;
  Split split = Split::kTrain;
};

/// One decoded, sampled clip; CPU tensors.
struct Clip {
  torch::Tensor points;       ///< [T, N, 3] float32, data set's units and axes
  torch::Tensor part_labels;  ///< [T, N] int64, -1 = unlabelled; undefined = the data set has none
  torch::Tensor correspondence;  ///< [T, N] int64: id of the surface point, same id = same point;
                                 ///< or undefined
};

/// A file that cannot be used as it is.
struct FileProblem {
  std::string file;
  std::string what;  ///< what was found and what was expected, with offset or frame
};

/// From where the sensor looked, in the data set's axes; the render camera starts from it.
struct Viewpoint {
  std::array<double, 3> forward{0, 0, 1};  ///< viewing direction, unit length
  std::array<double, 3> up{0, -1, 0};      ///< unit length, not parallel to forward
};

/// A data set: an index of clips and a way to read one.
///
/// Result depends on options alone: never on the run seed, file system order, threads or batch
/// size. Threads: all const members may be called from several threads at once. Errors:
/// Error(kInput) that names file, offset or frame, and what was expected.
class Dataset {
 public:
  virtual ~Dataset() = default;

  /// All clips of both splits in one fixed order.
  virtual const std::vector<ClipInfo>& clips() const = 0;
  /// Reads, samples and normalises clip `clips()[index]`.
  virtual Clip Load(std::int64_t index) const = 0;
  virtual Viewpoint viewpoint() const = 0;
  virtual std::vector<std::string> class_names() const = 0;
  /// Names of the part labels; empty = none.
  virtual std::vector<std::string> part_names() const { return {}; }
  /// Files that the index already knows to be missing, short, broken or doubled: `data inspect`
  /// prints them. With skip_unreadable() their clips are left out of clips().
  virtual std::vector<FileProblem> problems() const { return {}; }
  /// True (by the option `on_error = "skip"`): the host leaves out clips whose Load throws
  /// Error(kInput) and reports them; false: the stage fails.
  virtual bool skip_unreadable() const { return false; }
  /// A short text that changes when the content at the location changes (names and sizes hashed,
  /// say); empty for data made in code.
  virtual std::string Fingerprint() const { return {}; }
};

}  // namespace v1
}  // namespace cross4d
