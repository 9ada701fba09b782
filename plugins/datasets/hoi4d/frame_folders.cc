// SPDX-License-Identifier: Apache-2.0
#include "core/clips/frame_files.h"
#include "core/tensorio/npy.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "names.h"
#include "sequences.h"
#include "text_frame.h"

namespace cross4d::hoi4d {
namespace {

namespace fs = std::filesystem;

constexpr int kDepth = 8;  // ZY…/H*/C*/N*/S*/s*/T* and one more

const char* FolderName(FrameForm form) {
  return form == FrameForm::kNpz ? "npz" : "semantic_segmentation_label";
}

// All sequences below `folder`, or the first one.
void Find(const fs::path& folder,
          const char* name,
          bool first_only,
          int depth,
          std::vector<fs::path>* found) {
  std::error_code error;
  if (fs::is_directory(folder / name, error)) {
    found->push_back(folder);
    return;
  }
  for (fs::directory_iterator it(folder, error), end; depth > 0 && !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) Find(it->path(), name, first_only, depth - 1, found);
    if (first_only && !found->empty()) return;
  }
}

struct StoredFrame {
  std::vector<float> xyz;
  std::vector<std::int64_t> labels;
};

StoredFrame ReadText(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) FailInput(file.string() + ": cannot be opened for reading");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  StoredFrame frame;
  ParseTextFrame(text, file.string(), &frame.xyz, &frame.labels);
  return frame;
}

StoredFrame ReadArrays(const fs::path& file) {
  const tensorio::NpyArray points = tensorio::ReadNpz(file, "pc");
  const tensorio::NpyArray labels = tensorio::ReadNpz(file, "semantic");
  const bool fits = !points.is_object && !labels.is_object && points.shape.size() == 2 &&
                    points.shape[1] == 3 && labels.shape.size() == 1 &&
                    labels.shape[0] == points.shape[0];
  if (!fits) {
    FailInput(file.string() +
              ": its arrays do not fit each other; expected pc (N, 3) and semantic (N,)");
  }
  StoredFrame frame;
  for (const double value : points.items[0].ToDoubles()) {
    frame.xyz.push_back(static_cast<float>(value));
  }
  for (const double value : labels.items[0].ToDoubles()) {
    if (value != std::floor(value)) FailInput(file.string() + ": semantic has a broken number");
    frame.labels.push_back(static_cast<std::int64_t>(value));
  }
  return frame;
}

class FrameFolders final : public Sequences {
 public:
  FrameFolders(const SequenceSettings& settings, FrameForm form)
      : form_(form), frames_{"", 0, form == FrameForm::kNpz ? ".npz" : ".txt", 0} {
    std::vector<fs::path> folders;
    Find(settings.root, FolderName(form), false, kDepth, &folders);
    std::sort(folders.begin(), folders.end());
    for (const fs::path& folder : folders) {
      const fs::path inside = folder.lexically_relative(settings.root);
      const fs::path whole = fs::absolute(settings.root).lexically_normal();
      const fs::path root = whole.has_filename() ? whole : whole.parent_path();
      Sequence sequence{(inside == "." ? root.filename() : inside).generic_string(),
                        folder.string()};
      const PathFacts facts = ParsePath(sequence.id);
      sequence.label = facts.category;
      sequence.subject = facts.subject;
      sequence.test = IsHeldOutObject(facts.object);
      all_.push_back(std::move(sequence));
    }
  }

  std::int64_t CountFrames(std::size_t sequence) const override {
    return frames_.Count(Folder(sequence));
  }

  void Read(std::size_t sequence,
            const std::vector<std::int64_t>& frames,
            const Use& use) const override {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const fs::path file = Folder(sequence) / frames_.Name(frames[i]);
      const StoredFrame frame = form_ == FrameForm::kNpz ? ReadArrays(file) : ReadText(file);
      use(i, {file.string(), frame.xyz, frame.labels});
    }
  }

  void AddTo(clips::FolderFingerprint* fingerprint) const override {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      std::uint64_t files = 0;
      std::error_code error;
      for (fs::directory_iterator it(Folder(i), error), end; !error && it != end;
           it.increment(error)) {
        ++files;
      }
      fingerprint->Add(all_[i].id, files);
    }
  }

 private:
  fs::path Folder(std::size_t sequence) const {
    return fs::path(all_[sequence].file) / FolderName(form_);
  }

  FrameForm form_;
  clips::FrameFiles frames_;
};

}  // namespace

std::unique_ptr<Sequences> OpenFrameFolders(const SequenceSettings& settings, FrameForm form) {
  return std::make_unique<FrameFolders>(settings, form);
}

bool HasFrameFolders(const fs::path& folder, FrameForm form) {
  std::vector<fs::path> found;
  Find(folder, FolderName(form), true, kDepth, &found);
  return !found.empty();
}

bool IsHeldOutObject(const std::string& object) { return MixSeed({HashText(object)}) % 5 == 0; }

}  // namespace cross4d::hoi4d
