// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clips/fingerprint.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cross4d::hoi4d {

/// A video, as the index knows it.
struct Sequence {
  std::string id;           ///< "train1/0007", or the path ZY…/H4/C8/N14/S71/s03/T2
  std::string file;         ///< file or folder, for messages
  std::int64_t label = -1;  ///< category, where the path says it
  std::int64_t subject = -1;
  bool test = false;
};

/// One frame as stored.
struct FramePoints {
  std::string place;                     ///< file and frame, for messages
  std::span<const float> xyz;            ///< 3 per point
  std::span<const std::int64_t> labels;  ///< one per point, or one for all, or none
};

struct SequenceSettings {
  std::filesystem::path root;
  bool actions = false;          ///< action segmentation
  bool official = false;         ///< test files test; else part of the training files is held out
  bool skip_unreadable = false;  ///< unreadable files become problems
};

/// The sequences of a data folder. Safe for threads.
class Sequences {
 public:
  using Use = std::function<void(std::size_t i, const FramePoints& frame)>;

  virtual ~Sequences() = default;

  const std::vector<Sequence>& all() const { return all_; }
  /// File, and what is wrong with it.
  const std::vector<std::pair<std::string, std::string>>& problems() const { return problems_; }
  virtual std::int64_t CountFrames(std::size_t sequence) const = 0;
  /// Calls `use` with frame `frames[i]` for every i in order; `frames` ascend, none twice.
  virtual void Read(std::size_t sequence,
                    const std::vector<std::int64_t>& frames,
                    const Use& use) const = 0;
  virtual void AddTo(clips::FolderFingerprint* fingerprint) const = 0;

 protected:
  std::vector<Sequence> all_;
  std::vector<std::pair<std::string, std::string>> problems_;
};

/// train1.h5 … and test1_right.h5 …, or one HDF5 file.
std::unique_ptr<Sequences> OpenHdf5(const SequenceSettings& settings);
/// True if `folder` is, or holds, what OpenHdf5 reads.
bool HasHdf5(const std::filesystem::path& folder);

enum class FrameForm { kNpz, kText };
/// One folder `npz` or `semantic_segmentation_label` per sequence, one file per frame.
std::unique_ptr<Sequences> OpenFrameFolders(const SequenceSettings& settings, FrameForm form);
/// True if such a sequence is there; stops at the first.
bool HasFrameFolders(const std::filesystem::path& folder, FrameForm form);

/// What HDF5 files hold out: of every 50 rows of a training file (the last 50 may be fewer) the
/// last fifth, rounded up, but never all.
bool IsHeldOutRow(std::int64_t row, std::int64_t rows);
/// What frame folders hold out: a fifth of the objects (category and instance) by a hash.
bool IsHeldOutObject(const std::string& object);

}  // namespace cross4d::hoi4d
