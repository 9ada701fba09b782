// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/config/toy_catalog.h"

#include <cross4d/sdk/tags.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace cross4d::config {
namespace {

struct ToyOptions {
  std::string root;
  std::int64_t frames = 24;
  std::int64_t sample_seed = 0;
  std::int64_t prefetch = 2;
};

struct SynthOptions {
  std::int64_t clips = 60;
  std::int64_t frames = 8;
  std::int64_t seed = 0;
};

struct HogOptions {
  std::int64_t bins = 8;
  std::string dtype = "fp32";
  std::string weights;
};

struct P4dOptions {
  std::int64_t centroids = 64;
  std::int64_t k = 32;
  std::int64_t dim = 256;
  std::int64_t heads = 4;
  double scale = 1.0;
  std::vector<std::int64_t> widths = {64, 128};
  std::string attention = "joint";
  bool legacy = false;
};

struct FlatOptions {
  std::int64_t dim = 32;
};

struct DenseOptions {
  double temperature = 1.0;
};

struct NoneOptions {
  std::int64_t bn_calibrate = 0;
};

struct TargetsOptions {
  std::int64_t dim = 384;
  std::int64_t image_size = 224;
  std::string granularity = "token";
};

struct PretrainOptions {
  std::int64_t epochs = 100;
  double lr = 1e-3;
};

struct ProbeOptions {
  bool standardize = false;
  std::int64_t epochs = 100;
  double lr = 1e-2;
  std::int64_t chunk = 256;
};

OptionSchema Toy() {
  using O = ToyOptions;
  OptionTable<O> t;
  t.Add("root", &O::root, "Folder of the data set.").Location().Required();
  t.Add("frames", &O::frames, "Frames of a clip.").Range(1, 64);
  t.Add("sample_seed", &O::sample_seed, "Seed of the sampling.").AtLeast(0);
  t.Add("prefetch", &O::prefetch, "Clips read ahead.").Runtime();
  return t.schema();
}

OptionSchema Synth() {
  using O = SynthOptions;
  OptionTable<O> t;
  t.Add("clips", &O::clips, "Number of clips.").Range(1, 100000);
  t.Add("frames", &O::frames, "Frames of a clip.").Range(1, 64);
  t.Add("seed", &O::seed, "Seed of the data.").AtLeast(0);
  return t.schema();
}

OptionSchema Hog() {
  using O = HogOptions;
  OptionTable<O> t;
  t.Add("bins", &O::bins, "Orientation bins.").Range(2, 64);
  t.Add("dtype", &O::dtype, "Arithmetic.").Choices({"fp32", "bf16"});
  t.Add("weights", &O::weights, "Folder of the weights.").Location();
  return t.schema();
}

OptionSchema P4d() {
  using O = P4dOptions;
  OptionTable<O> t;
  t.Add("centroids", &O::centroids, "Tokens per frame.").Range(1, 4096).Tokenizer();
  t.Add("k", &O::k, "Neighbours.").Range(1, 256).Tokenizer();
  t.Add("dim", &O::dim, "Channels of a token.").Range(1, 4096).RenamedFrom("width");
  t.Add("heads", &O::heads, "Attention heads.").Range(1, 64);
  t.Add("scale", &O::scale, "Factor on relative coordinates.").Range(0.1, 20);
  t.Add("widths", &O::widths, "Channels of the layers.").Range(1, 4096);
  t.Add("attention", &O::attention, "Kind of attention.").Choices({"joint", "divided"});
  t.Add("legacy", &O::legacy, "Old behaviour.").Deprecated("use attention = \"divided\"");
  t.Divides("heads", "dim");
  t.Preset("A", "As in the paper.", [](O& o) { o.centroids = 256; });
  t.Preset("C", "Divided attention.", [](O& o) {
    o.centroids = 256;
    o.attention = "divided";
  });
  return t.schema();
}

template <class O, class M>
OptionSchema One(const char* name, M O::*member, const char* doc) {
  OptionTable<O> t;
  t.Add(name, member, doc).Range(0, 1000);
  return t.schema();
}

OptionSchema Targets() {
  using O = TargetsOptions;
  OptionTable<O> t;
  t.Add("dim", &O::dim, "Length of a target.").Range(1, 8192);
  t.Add("image_size", &O::image_size, "Side of the image.").Range(16, 2048).Unit("px");
  t.Add("granularity", &O::granularity, "Targets per token or point.").Choices({"token", "point"});
  return t.schema();
}

OptionSchema Pretrain() {
  using O = PretrainOptions;
  OptionTable<O> t;
  t.Add("epochs", &O::epochs, "Passes.").Range(1, 100000);
  t.Add("lr", &O::lr, "Learning rate.").Range(0, 10);
  return t.schema();
}

OptionSchema Probe() {
  using O = ProbeOptions;
  OptionTable<O> t;
  t.Add("standardize", &O::standardize, "Z-score first.");
  t.Add("epochs", &O::epochs, "Passes.").Range(1, 100000);
  t.Add("lr", &O::lr, "Learning rate.").Range(0, 10);
  t.Add("chunk", &O::chunk, "Clips at a time.").Runtime();
  return t.schema();
}

base::PluginDescription Plugin(std::string role,
                               std::string name,
                               std::vector<std::string> provides,
                               std::vector<std::string> requires_tags,
                               OptionSchema options) {
  base::PluginDescription plugin;
  plugin.role = std::move(role);
  plugin.name = std::move(name);
  plugin.version = "1.0.0";
  plugin.doc = "Toy.";
  plugin.provides = std::move(provides);
  plugin.requires_tags = std::move(requires_tags);
  plugin.options = std::move(options);
  return plugin;
}

}  // namespace

std::shared_ptr<const OptionCatalog> ToyCatalog() {
  auto catalog = std::make_shared<OptionCatalog>();
  catalog->sections = {{"targets", Targets()}, {"pretrain", Pretrain()}};
  catalog->protocols = {{"linear-probe", Probe()}, {"efficiency", OptionSchema()}};
  const OptionSchema none = One("bn_calibrate", &NoneOptions::bn_calibrate, "Clips.");
  const OptionSchema dense = One("temperature", &DenseOptions::temperature, "Sharpness.");
  catalog->plugins = {
      Plugin("dataset", "toy-depth", {}, {}, Toy()),
      Plugin("dataset", "synth", {tags::kPartLabels}, {}, Synth()),
      Plugin("teacher", "hog", {tags::kFrameTokens}, {}, Hog()),
      Plugin("student", "p4d", {tags::kTokens}, {}, P4d()),
      Plugin("student", "flat", {}, {}, One("dim", &FlatOptions::dim, "Channels.")),
      Plugin("objective", "none", {tags::kUntrained}, {}, none),
      Plugin("objective", "dense", {}, {tags::kTokenTargets, tags::kTokens}, dense),
      Plugin("objective", "global", {}, {tags::kClipTargets}, {}),
      Plugin("objective", "masked", {}, {tags::kTokens}, {}),
  };
  return catalog;
}

}  // namespace cross4d::config
