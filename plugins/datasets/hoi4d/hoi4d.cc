// SPDX-License-Identifier: Apache-2.0
#include "hoi4d.h"

#include "core/clips/normalise.h"
#include "core/clips/sample.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "names.h"

namespace cross4d::hoi4d {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected =
    "expected the folder of train1.h5, …, or one with sequences ZY…/H*/C*/N*/S*/s*/T* that hold "
    "npz/0.npz, … or semantic_segmentation_label/0.txt, …";

// A folder near `root` that would be right, for the message.
std::string Advice(const fs::path& root) {
  const fs::path whole = fs::absolute(root).lexically_normal();
  const fs::path here = whole.has_filename() ? whole : whole.parent_path();
  const fs::path parent = here.parent_path();
  const std::string name = here.filename().string();
  if (name == "npz" || name == "semantic_segmentation_label") {
    return "; it holds the frames of one sequence: give its parent, " + parent.string();
  }
  if (HasHdf5(parent)) return "; its parent looks right: give " + parent.string();
  std::error_code error;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    if (HasHdf5(it->path())) {
      return "; " + it->path().string() + " in it looks right: give that";
    }
  }
  return "";
}

std::unique_ptr<Sequences> Open(const Options& options) {
  const fs::path root = options.root;
  const std::string place = "dataset.root = " + options.root;
  if (!fs::exists(root)) FailInput(place + " does not exist; " + kExpected);
  const auto wanted = [&](const char* form) {
    return options.form == form || options.form == "auto";
  };
  SequenceSettings settings;
  settings.root = root;
  settings.actions = options.task == "action";
  settings.official = options.split == "official";
  settings.skip_unreadable = options.on_error == "skip";
  if (wanted("hdf5") && HasHdf5(root)) return OpenHdf5(settings);
  for (const FrameForm form : {FrameForm::kNpz, FrameForm::kText}) {
    if (!wanted(form == FrameForm::kNpz ? "npz" : "text") || !HasFrameFolders(root, form)) continue;
    if (settings.actions || settings.official) {
      FailInput(place + " holds one file per frame, and these have no " +
                (settings.actions ? "action labels: set dataset.task = \"semantic\""
                                  : "official split: set dataset.split = \"holdout\"") +
                ", or give the folder of the HDF5 files");
    }
    return OpenFrameFolders(settings, form);
  }
  FailInput(place + " holds no sequence" +
            (options.form == "auto" ? "" : " of the form \"" + options.form + "\"") + "; " +
            kExpected + Advice(root));
}

// The frames of a clip; a padded one names its last frame several times, and it is read once.
struct Frames {
  explicit Frames(const std::vector<std::int64_t>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i == 0 || all[i] != all[i - 1]) {
        distinct.push_back(all[i]);
        place.push_back(static_cast<std::int64_t>(i));
      }
      distinct_of.push_back(distinct.size() - 1);
    }
  }
  std::vector<std::int64_t> distinct;    ///< ascending
  std::vector<std::int64_t> place;       ///< where in the clip each is first
  std::vector<std::size_t> distinct_of;  ///< of each frame of the clip
};

// A point at the origin is where the sensor stood: no measurement, but padding.
void FindPoints(const FramePoints& frame, std::vector<std::uint32_t>* rows) {
  rows->clear();
  for (std::size_t i = 0; 3 * i < frame.xyz.size(); ++i) {
    const float x = frame.xyz[3 * i], y = frame.xyz[3 * i + 1], z = frame.xyz[3 * i + 2];
    if (!std::isfinite(x + y + z)) {
      FailInput(frame.place + ": point " + std::to_string(i) +
                " has a coordinate that is no finite number");
    }
    if (x != 0 || y != 0 || z != 0) rows->push_back(static_cast<std::uint32_t>(i));
  }
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("root",
        &Options::root,
        "The folder of the HDF5 files train1.h5, …; one such file; or a folder of sequences with "
        "one file per frame.")
      .Location()
      .Required();
  t.Add("task",
        &Options::task,
        "`semantic`: a class per point (49 ids); `action`: a class per frame (19 ids), given to "
        "all its points.")
      .Choices({"semantic", "action"});
  t.Add("form",
        &Options::form,
        "`hdf5`: the challenge's files; `npz`, `text`: one file per frame; `auto`: the first of "
        "these that is there.")
      .Choices({"auto", "hdf5", "npz", "text"});
  t.Add("split",
        &Options::split,
        "`holdout`: a fixed fifth of the training data tests; `official`: all of it trains, the "
        "test files test.")
      .Choices({"holdout", "official"});
  t.Add("ignore_classes",
        &Options::ignore_classes,
        "Semantic ids whose points count as unlabelled (-1).")
      .Range(0, 48);
  clips::AddFrameOptions(&t);
  t.Add("points", &Options::points, "Points per frame (N).").Range(1, 65536);
  t.Add("sample_seed", &Options::sample_seed, "Seed of which points a frame keeps.").AtLeast(0);
  t.Add("normalise",
        &Options::normalise,
        "`metres`: as stored; `unit-sphere`: the clip's centre to the origin, its farthest point "
        "at 1.")
      .Choices({"metres", "unit-sphere"});
  clips::AddOnError(&t);
  t.Preset("reference",
           "The challenge's own: 3 frames of 8192 points, from every third frame.",
           [](Options& o) {
             o.frames = o.clip_step = 3;
             o.points = 8192;
             o.clips = "all";
           });
  return t;
}

Hoi4d::Hoi4d(const Options& options, const PluginContext& context)
    : options_(options),
      part_names_(options.task == "action" ? ActionNames() : SemanticNames()),
      sequences_(Open(options)),
      index_(options, options.on_error == "skip") {
  for (const auto& [file, what] : sequences_->problems()) index_.AddProblem(file, what);
  AddSequences();
  index_.Report(context.log);
}

void Hoi4d::AddSequences() {
  const std::vector<Sequence>& all = sequences_->all();
  for (std::size_t i = 0; i < all.size(); ++i) {
    ClipInfo info;
    info.video = all[i].id;
    info.label = all[i].label;
    info.subject = all[i].subject;
    info.split = all[i].test ? Split::kTest : Split::kTrain;
    index_.Add(info, all[i].file, [&] { return sequences_->CountFrames(i); });
    sequence_of_.resize(index_.clips().size(), i);
  }
}

Clip Hoi4d::Load(std::int64_t index) const {
  const std::size_t number = sequence_of_.at(static_cast<std::size_t>(index));
  const Sequence& sequence = sequences_->all()[number];
  const Frames frames(index_.Frames(index, sequences_->CountFrames(number)));
  const std::int64_t points = options_.points;
  Clip clip;
  clip.points = torch::empty({options_.frames, points, 3}, torch::kFloat32);
  clip.part_labels = torch::empty({options_.frames, points}, torch::kInt64);
  auto* xyz = clip.points.data_ptr<float>();
  auto* labels = clip.part_labels.data_ptr<std::int64_t>();
  std::vector<bool> empty(frames.distinct.size());
  sequences_->Read(number, frames.distinct, [&](std::size_t i, const FramePoints& frame) {
    const std::int64_t place = frames.place[i];
    const auto random = clips::FrameRandom(options_.sample_seed, sequence.id, frames.distinct[i]);
    empty[i] = !SampleFrame(frame, random, xyz + 3 * points * place, labels + points * place);
  });
  const std::vector<std::int64_t> sources = clips::FrameSources(empty);
  if (sources.empty()) {
    FailInput(sequence.file + ": none of the " + std::to_string(options_.frames) +
              " frames of clip " + clips()[static_cast<std::size_t>(index)].id + " has a point");
  }
  for (std::int64_t i = 0; i < options_.frames; ++i) {
    const std::int64_t from = frames.place[sources[frames.distinct_of[i]]];
    if (from == i) continue;
    std::copy_n(xyz + 3 * points * from, 3 * points, xyz + 3 * points * i);
    std::copy_n(labels + points * from, points, labels + points * i);
  }
  if (options_.normalise == "unit-sphere") clips::FitUnitSphere(options_.frames * points, xyz);
  return clip;
}

bool Hoi4d::SampleFrame(const FramePoints& frame,
                        RandomStream random,
                        float* xyz,
                        std::int64_t* labels) const {
  std::vector<std::uint32_t> picked;
  FindPoints(frame, &picked);
  if (!clips::SamplePoints(options_.points, random, &picked)) return false;
  for (const std::uint32_t point : picked) {
    xyz = std::copy_n(&frame.xyz[3 * point], 3, xyz);
    *labels++ = PartLabel(frame, point);
  }
  return true;
}

std::int64_t Hoi4d::PartLabel(const FramePoints& frame, std::size_t point) const {
  if (frame.labels.empty()) return -1;
  const std::int64_t label = frame.labels[frame.labels.size() == 1 ? 0 : point];
  if (label >= static_cast<std::int64_t>(part_names_.size())) {
    FailInput(frame.place + ": label " + std::to_string(label) + ", expected 0 to " +
              std::to_string(part_names_.size() - 1));
  }
  if (label < 0 || options_.task == "action") return std::max<std::int64_t>(label, -1);
  const auto& ignored = options_.ignore_classes;
  return std::find(ignored.begin(), ignored.end(), label) == ignored.end() ? label : -1;
}

std::vector<std::string> Hoi4d::class_names() const {
  const bool known = std::any_of(
      index_.clips().begin(), index_.clips().end(), [](const auto& c) { return c.label >= 0; });
  return known ? CategoryNames() : std::vector<std::string>();
}

std::string Hoi4d::Fingerprint() const {
  clips::FolderFingerprint fingerprint;
  sequences_->AddTo(&fingerprint);
  return fingerprint.Text();
}

}  // namespace cross4d::hoi4d

CROSS4D_PLUGIN(dataset,
               Dataset,
               "hoi4d",
               "1.0.0",
               "HOI4D: 2,971 egocentric sequences of hands with objects, points labelled.",
               "part-labels",
               "",
               cross4d::hoi4d::Hoi4d,
               cross4d::hoi4d::DescribeOptions)
