// SPDX-License-Identifier: Apache-2.0
// Specs of small stages with the plugins of the build folder.
#pragma once

#include "core/plugin/discover.h"
#include "core/protocol/stage_spec.h"

#include <cross4d/sdk/error.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/targets/toy.h"

namespace cross4d::run {

namespace fs = std::filesystem;
using protocol::StageSpec;

inline const plugin::Discovery& Plugins() {
  static const plugin::Discovery found = plugin::Discover(
      {(fs::path(std::getenv("CROSS4D_BINARY_DIR")) / "lib/cross4d/plugins").string()});
  return found;
}

inline protocol::SpecPlugin Plugin(const std::string& role,
                                   const std::string& name,
                                   const OptionValues& given) {
  const base::PluginDescription* p = Plugins().Find(role, name);
  if (p == nullptr)
    throw Error(ErrorCode::kInternal, "no " + role + " " + name + " in the build folder");
  return {p->name, p->version, p->file, p->build_id, "", ResolveOptions(p->options, given), "", ""};
}

inline OptionValue Int(std::int64_t v) { return v; }
inline OptionValue Ints(std::vector<std::int64_t> v) { return v; }

inline protocol::SpecPlugin SmallDataset() {
  return Plugin(
      "dataset",
      "synthetic4d",
      {{"subjects", Int(4)}, {"repetitions", Int(1)}, {"frames", Int(3)}, {"points", Int(64)}});
}

inline protocol::SpecPlugin SmallStudent() {
  return Plugin("student",
                "point4d",
                {{"centroids", Ints({16, 8})},
                 {"k", Ints({4, 4})},
                 {"widths1", Ints({8, 16})},
                 {"widths2", Ints({16, 16})},
                 {"dim", Int(16)},
                 {"depth", Int(1)},
                 {"heads", Int(2)},
                 {"ffn", Int(32)},
                 {"position_width", Int(8)}});
}

// One store below the temporary folder; a stage's key is its name.
class Chain {
 public:
  explicit Chain(const std::string& name) : root_(toy::Folder("chain_" + name)) {}

  StageSpec Spec(const std::string& kind, const std::string& key) const {
    StageSpec spec;
    spec.kind = kind;
    spec.key = key;
    spec.folder = (root_ / key).string();
    spec.writer = "w";
    return spec;
  }
  std::string Artifact(const std::string& key) const { return (root_ / key / "artifact").string(); }

  StageSpec Tokens() const {
    StageSpec spec = Spec("tokens", "tokens");
    spec.plugins = {{"dataset", SmallDataset()}, {"student", SmallStudent()}};
    return spec;
  }
  StageSpec Features() const {
    StageSpec spec = Spec("features", "features");
    spec.plugins = {{"dataset", SmallDataset()}, {"teacher", Plugin("teacher", "shape-hog", {})}};
    spec.options["targets"] = {{"image_size", Int(32)}, {"dim", Int(8)}};
    return spec;
  }
  StageSpec Targets() const {
    StageSpec spec = Spec("targets", "targets");
    spec.options["targets"] = {{"granularity", OptionValue(std::string("token"))}};
    spec.inputs = {{"tokens", Artifact("tokens")}, {"features", Artifact("features")}};
    return spec;
  }
  StageSpec Encoder(const std::string& objective, std::int64_t seed) const {
    StageSpec spec = Spec("encoder", "encoder-" + objective);
    spec.seed = seed;
    spec.plugins = {{"student", SmallStudent()}, {"objective", Plugin("objective", objective, {})}};
    spec.inputs["tokens"] = Artifact("tokens");
    if (objective != "none") spec.inputs["targets"] = Artifact("targets");
    spec.options["pretrain"] = {{"epochs", Int(3)}, {"batch", Int(8)}, {"lr", OptionValue(1e-3)}};
    return spec;
  }
  StageSpec Embeddings(const std::string& objective) const {
    StageSpec spec = Spec("embeddings", "embeddings-" + objective);
    spec.plugins = {{"student", SmallStudent()}};
    spec.inputs = {{"tokens", Artifact("tokens")}, {"encoder", Artifact("encoder-" + objective)}};
    return spec;
  }
  StageSpec Probe(const std::string& objective) const {
    StageSpec spec = Spec("evaluation", "probe-" + objective);
    spec.protocol = "linear-probe";
    spec.options["evaluate"] = {{"epochs", Int(20)}};
    spec.inputs = {{"embeddings", Artifact("embeddings-" + objective)}};
    return spec;
  }

 private:
  fs::path root_;
};

}  // namespace cross4d::run
