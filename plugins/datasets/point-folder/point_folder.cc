// SPDX-License-Identifier: Apache-2.0
#include "point_folder.h"

#include "core/clips/fingerprint.h"
#include "core/clips/normalise.h"
#include "core/clips/sample.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/plugin.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace cross4d::point_folder {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTable = "clips.csv";

std::array<double, 3> Axis(const std::string& name) {
  std::array<double, 3> axis{};
  axis[static_cast<std::size_t>(name[1] - 'x')] = name[0] == '-' ? -1 : 1;
  return axis;
}

// What to say of a root without clips.csv.
std::string WrongLevel(const fs::path& root) {
  std::error_code error;
  if (!fs::is_directory(root, error)) return root.string() + ": no such folder";
  const std::string missing = root.string() + ": no " + kTable + " there";
  if (fs::exists(root.parent_path() / kTable, error)) {
    return missing + ", but in " + root.parent_path().string() + ": give that as root";
  }
  std::vector<fs::path> below;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    below.push_back(it->path());
  }
  if (below.empty())
    return root.string() + ": the folder is empty; expected " + kTable + " and the clips";
  std::sort(below.begin(), below.end());
  for (const fs::path& folder : below) {
    if (fs::exists(folder / kTable, error)) {
      return missing + ", but in " + folder.string() + ": give that as root";
    }
  }
  return missing + "; it lists the clips: a first line id,label,split, then one line per clip";
}

std::string ReadTable(const fs::path& root) {
  std::error_code error;
  if (!fs::is_regular_file(root / kTable, error)) FailInput(WrongLevel(root));
  std::ifstream in(root / kTable, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) FailInput((root / kTable).string() + ": cannot be read");
  return text;
}

void CopyFrame(std::int64_t from, std::int64_t to, Clip* clip) {
  clip->points[to].copy_(clip->points[from]);
  if (clip->part_labels.defined()) clip->part_labels[to].copy_(clip->part_labels[from]);
}

}  // namespace

OptionTable<Options> DescribeOptions() {
  OptionTable<Options> t;
  t.Add("root", &Options::root, "The folder that holds clips.csv.").Location().Required();
  clips::AddFrameOptions(&t);
  t.Add("points", &Options::points, "Points per frame (N).").Range(1, 65536);
  t.Add("sample_seed", &Options::sample_seed, "Seed of which points a frame keeps.").AtLeast(0);
  t.Add("normalise",
        &Options::normalise,
        "`none`: coordinates as they are; `divide`: by divisor; `unit-sphere`: centre of the clip "
        "to "
        "the origin, its farthest point to distance 1.")
      .Choices({"none", "divide", "unit-sphere"});
  t.Add("divisor", &Options::divisor, "What normalise = `divide` divides by.").Range(1e-9, 1e9);
  t.Add("part_names",
        &Options::part_names,
        "Names of the part labels 0, 1, …; given, every point must have a label (-1 = none).");
  const std::vector<std::string> axes = {"+x", "-x", "+y", "-y", "+z", "-z"};
  t.Add("forward", &Options::forward, "Axis along which the sensor looked.").Choices(axes);
  t.Add("up", &Options::up, "Axis that points up; not that of forward.").Choices(axes);
  clips::AddOnError(&t);
  return t;
}

PointFolder::PointFolder(const Options& options, const PluginContext& context)
    : options_(options),
      csv_(fs::path(options.root) / kTable),
      index_(options, options.on_error == "skip") {
  if (options.forward[1] == options.up[1]) {
    FailInput("dataset.up = \"" + options.up + "\" lies along dataset.forward = \"" +
              options.forward + "\"; expected another axis");
  }
  const std::string text = ReadTable(options.root);
  csv_hash_ = HashText(text);
  table_ = ParseClipsCsv(text, csv_.string());
  places_.resize(table_.clips.size());
  for (std::size_t row = 0; row < table_.clips.size(); ++row) AddVideo(row);
  index_.Report(context.log);
}

void PointFolder::AddVideo(std::size_t row) {
  const ClipLine& line = table_.clips[row];
  try {
    places_[row] = FindPlace(line);
  } catch (const Error& e) {
    if (!skip_unreadable() || e.code() != ErrorCode::kInput) throw;
    index_.AddProblem(csv_.string(), e.message());
    return;
  }
  ClipInfo info;
  info.video = line.id;
  info.label = line.label;
  info.subject = line.subject;
  info.split = line.train ? Split::kTrain : Split::kTest;
  index_.Add(info, places_[row].string(), [&] { return CountFrames(places_[row]); });
  while (clips_.size() < index_.clips().size()) {
    clips_.push_back(index_.clips()[clips_.size()]);
    clips_.back().video = line.video;
    row_.push_back(row);
  }
}

fs::path PointFolder::FindPlace(const ClipLine& clip) const {
  const fs::path root(options_.root);
  const std::string where =
      csv_.string() + ":" + std::to_string(clip.line) + ": clip " + clip.id + ": ";
  std::error_code error;
  if (!clip.path.empty()) {
    const fs::path place = root / clip.path;
    if (!fs::exists(place, error)) FailInput(where + place.string() + " is not there");
    const bool array = place.extension() == ".npy" || place.extension() == ".npz";
    if (!array && !fs::is_directory(place, error)) {
      FailInput(where + place.string() + ": expected a .npy or .npz file, or a folder of frames");
    }
    return place;
  }
  std::vector<fs::path> found;
  for (const char* suffix : {".npy", ".npz", ""}) {
    const fs::path place = root / (clip.id + suffix);
    if (*suffix == '\0' ? fs::is_directory(place, error) : fs::exists(place, error)) {
      found.push_back(place);
    }
  }
  if (found.empty()) {
    FailInput(where + "none of " + clip.id + ".npy, " + clip.id + ".npz and " + clip.id +
              "/ is in " + root.string() + "; the column path can name another place");
  }
  if (found.size() > 1) {
    FailInput(where + "both " + found[0].filename().string() + " and " +
              found[1].filename().string() + " are there; name one in the column path");
  }
  return found[0];
}

void PointFolder::CheckLabels(const Cloud& cloud,
                              const std::string& place,
                              std::int64_t frame) const {
  const auto parts = static_cast<std::int64_t>(options_.part_names.size());
  for (std::size_t i = 0; i < cloud.labels.size(); ++i) {
    if (cloud.labels[i] >= -1 && cloud.labels[i] < parts) continue;
    FailInput(place + ": frame " + std::to_string(frame) + ": label of point " + std::to_string(i) +
              " is " + std::to_string(cloud.labels[i]) + ", expected -1 to " +
              std::to_string(parts - 1) + " as dataset.part_names has " + std::to_string(parts));
  }
}

// The drawn points of a frame, and their labels, into row `slot` of the clip.
void PointFolder::Sample(
    const Cloud& cloud, std::size_t row, std::int64_t frame, std::int64_t slot, Clip* clip) const {
  std::vector<std::uint32_t> rows;
  clips::AllRows(cloud.size(), &rows);
  clips::SamplePoints(options_.points,
                      clips::FrameRandom(options_.sample_seed, table_.clips[row].id, frame),
                      &rows);
  float* xyz = clip->points.data_ptr<float>() + 3 * slot * options_.points;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(cloud.xyz.data() + 3 * std::size_t{rows[i]}, 3, xyz + 3 * i);
  }
  if (!labelled()) return;
  std::int64_t* labels = clip->part_labels.data_ptr<std::int64_t>() + slot * options_.points;
  for (std::size_t i = 0; i < rows.size(); ++i) labels[i] = cloud.labels[rows[i]];
}

// Which of the clip's frames have no point.
std::vector<bool> PointFolder::ReadFrames(const Video& video,
                                          std::size_t row,
                                          const std::vector<std::int64_t>& frames,
                                          Clip* clip) const {
  std::vector<bool> empty;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto slot = static_cast<std::int64_t>(i);
    if (i > 0 && frames[i] == frames[i - 1]) {
      CopyFrame(slot - 1, slot, clip);
      empty.push_back(empty.back());
      continue;
    }
    const Cloud cloud = video.Read(frames[i]);
    CheckLabels(cloud, places_[row].string(), frames[i]);
    empty.push_back(cloud.size() == 0);
    if (cloud.size() > 0) Sample(cloud, row, frames[i], slot, clip);
  }
  return empty;
}

Clip PointFolder::Load(std::int64_t index) const {
  const std::size_t row = row_.at(static_cast<std::size_t>(index));
  const auto video = OpenVideo(places_[row], labelled());
  const std::vector<std::int64_t> frames = index_.Frames(index, video->frames());
  Clip clip;
  clip.points = torch::zeros({options_.frames, options_.points, 3}, torch::kFloat32);
  if (labelled())
    clip.part_labels = torch::zeros({options_.frames, options_.points}, torch::kInt64);
  const auto sources = clips::FrameSources(ReadFrames(*video, row, frames, &clip));
  if (sources.empty()) FailInput(places_[row].string() + ": none of the clip's frames has a point");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto slot = static_cast<std::int64_t>(i);
    if (sources[i] != slot) CopyFrame(sources[i], slot, &clip);
  }
  const std::int64_t count = options_.frames * options_.points;
  float* xyz = clip.points.data_ptr<float>();
  if (options_.normalise == "divide") {
    clips::Divide(static_cast<float>(options_.divisor), count, xyz);
  } else if (options_.normalise == "unit-sphere") {
    clips::FitUnitSphere(count, xyz);
  }
  return clip;
}

Viewpoint PointFolder::viewpoint() const { return {Axis(options_.forward), Axis(options_.up)}; }

std::string PointFolder::Fingerprint() const {
  clips::FolderFingerprint fingerprint;
  fingerprint.Add(kTable, csv_hash_);
  for (std::size_t row = 0; row < places_.size(); ++row) {
    if (places_[row].empty()) continue;
    try {
      for (const fs::path& file : FilesOf(places_[row], labelled())) fingerprint.Add(file);
    } catch (const Error&) {
      // A broken folder counts by its name; reading it says what is wrong.
      fingerprint.Add(places_[row].filename().string(), 0);
    }
  }
  return fingerprint.Text();
}

}  // namespace cross4d::point_folder

CROSS4D_PLUGIN(dataset,
               Dataset,
               "point-folder",
               "1.0.0",
               "Your own point-cloud videos: a folder per data set, a table of clips, no C++.",
               "part-labels",
               "",
               cross4d::point_folder::PointFolder,
               cross4d::point_folder::DescribeOptions)
