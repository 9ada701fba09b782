// SPDX-License-Identifier: Apache-2.0
#include "dt4d_animals.h"

#include "core/clips/fingerprint.h"
#include "core/clips/normalise.h"
#include "core/clips/sample.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <algorithm>
#include <set>

#include "anime_file.h"
#include "surface.h"

namespace cross4d::dt4d_animals {
namespace {

constexpr std::size_t kPublishedSequences = 1772;

bool IsOfficial(const SequenceName& name) {
  const auto& all = OfficialIdentities();
  return std::any_of(
      all.begin(), all.end(), [&](const Identity& i) { return i.name == name.identity(); });
}

// Index of `value` in a sorted list that has it.
std::int64_t RankOf(const std::vector<std::string>& sorted, const std::string& value) {
  return std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin();
}

// A test clip of a class without training clips can only be guessed: worth a line in the log.
std::string UnseenClasses(const std::vector<ClipInfo>& clips,
                          const std::vector<std::string>& class_names) {
  std::set<std::int64_t> trained;
  for (const ClipInfo& clip : clips) {
    if (clip.split == Split::kTrain) trained.insert(clip.label);
  }
  std::set<std::string> unseen;
  for (const ClipInfo& clip : clips) {
    if (!trained.contains(clip.label))
      unseen.insert(class_names[static_cast<std::size_t>(clip.label)]);
  }
  std::string text;
  for (const std::string& name : unseen) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("root",
        &Options::root,
        "The DeformingThings4D folder: the one that holds animals/NAME/NAME.anime.")
      .Location()
      .Required();
  t.Add("label",
        &Options::label,
        "What is recognised: the animal's `category`, or its `action` (spelling merged).")
      .Choices({"category", "action"});
  t.Add("split",
        &Options::split,
        "`cross-identity`: some animals of every category test; `cross-sequence`: some motions of "
        "every category test.")
      .Choices({"cross-identity", "cross-sequence"});
  clips::AddFrameOptions(&t);
  t.Add("points", &Options::points, "Points per frame (N), on the surface.").Range(1, 65536);
  t.Add("sample_seed", &Options::sample_seed, "Seed of where on the surface they are.").AtLeast(0);
  t.Add("normalise",
        &Options::normalise,
        "`unit-sphere`: the clip's centre to the origin, its farthest point at 1; `none`: the "
        "file's units.")
      .Choices({"unit-sphere", "none"});
  clips::AddOnError(&t);
  return t;
}

Dt4dAnimals::Dt4dAnimals(const Options& options, const PluginContext& context)
    : options_(options), index_(options, options.on_error == "skip") {
  const Index index = ListSequences(options_.root);
  ListProblems(index);
  AddSequences(index.sequences);
  index_.Report(context.log);
  const std::string unseen = UnseenClasses(index_.clips(), class_names_);
  if (!unseen.empty() && context.log) {
    context.log("dt4d-animals: no training clip has the " + options_.label + " " + unseen +
                " of test clips; dataset.label or dataset.split may be meant otherwise");
  }
}

const std::string& Dt4dAnimals::LabelOf(const SequenceName& name) const {
  return options_.label == "action" ? name.action : name.category;
}

void Dt4dAnimals::AddSequences(const std::vector<Sequence>& sequences) {
  std::set<std::string> classes, identity_set;
  for (const Sequence& s : sequences) {
    classes.insert(LabelOf(s.name));
    identity_set.insert(s.name.identity());
  }
  class_names_.assign(classes.begin(), classes.end());
  const std::vector<std::string> identities(identity_set.begin(), identity_set.end());
  const std::vector<bool> sequence_tests = CrossSequenceTests(sequences);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto& [name, path] = sequences[i];
    const bool by_identity = options_.split == "cross-identity";
    ClipInfo info;
    info.video = name.name;
    info.label = RankOf(class_names_, LabelOf(name));
    info.subject = RankOf(identities, name.identity());
    const bool tests = by_identity ? IdentityTests(name) : sequence_tests[i];
    info.split = tests ? Split::kTest : Split::kTrain;
    files_[name.name] = path;
    index_.Add(info, path.string(), [&] { return AnimeFile::CountFrames(path.string()); });
  }
}

void Dt4dAnimals::ListProblems(const Index& index) {
  for (const auto& file : index.other) {
    index_.AddProblem(file.string(),
                      "is left out: its name is not SPECIES, individual, _, ACTION, such as "
                      "bear3EP_Walk");
  }
  for (const auto& file : index.doubled) {
    index_.AddProblem(file.string(), "is left out: another file has the same name");
  }
  const auto& all = index.sequences;
  const bool official =
      std::any_of(all.begin(), all.end(), [](const Sequence& s) { return IsOfficial(s.name); });
  if (official && all.size() < kPublishedSequences) {
    index_.AddProblem(
        options_.root,
        "has " + std::to_string(all.size()) + " sequences, 1772 of animals were published");
  }
}

Clip Dt4dAnimals::Load(std::int64_t index) const {
  const std::string& id = index_.clips().at(static_cast<std::size_t>(index)).video;
  AnimeFile file(files_.at(id).string());
  // Frame 0's stream: the points are those of the sequence, whichever frames a clip takes.
  const RandomStream random = clips::FrameRandom(options_.sample_seed, id, 0);
  const SurfacePoints surface(file.first_frame(), file.triangles(), options_.points, random);
  if (surface.empty()) file.Fail("frame 0: no triangle has an area, expected a surface");

  Clip clip;
  clip.points = torch::empty({options_.frames, options_.points, 3}, torch::kFloat32);
  clip.correspondence =
      torch::arange(options_.points).expand({options_.frames, options_.points}).contiguous();
  float* xyz = clip.points.data_ptr<float>();
  std::vector<float> vertices;
  for (const std::int64_t frame : index_.Frames(index, file.frames())) {
    file.ReadFrame(frame, &vertices);
    surface.Place(vertices, xyz);
    xyz += 3 * options_.points;
  }
  if (options_.normalise == "unit-sphere") {
    clips::FitUnitSphere(options_.frames * options_.points, clip.points.data_ptr<float>());
  }
  return clip;
}

Viewpoint Dt4dAnimals::viewpoint() const {
  constexpr double kSine = 0.34202014332566873, kCosine = 0.93969262078590838;  // of 20 degrees
  return {{0, kCosine, -kSine}, {0, kSine, kCosine}};
}

std::string Dt4dAnimals::Fingerprint() const {
  clips::FolderFingerprint fingerprint;
  for (const auto& [sequence, file] : files_) fingerprint.Add(file);
  return fingerprint.Text();
}

}  // namespace cross4d::dt4d_animals

CROSS4D_PLUGIN(dataset,
               Dataset,
               "dt4d-animals",
               "1.0.0",
               "DeformingThings4D: animations of 59 animals as points on their surface.",
               "correspondence",
               "",
               cross4d::dt4d_animals::Dt4dAnimals,
               cross4d::dt4d_animals::DescribeOptions)
