// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cross4d::protocol {

/// The kinds of stages, in the order in which data flows.
///   tokens      dataset + student's tokenizer -> sampled points, token geometry, labels of all
///   clips features    dataset + render + teacher -> projected patch tokens, clip embeddings, patch
///   indices targets     tokens + features -> FP16 targets per token or per point, visibility, clip
///   targets encoder     tokens (+ targets) + student + objective + schedule + seed -> trained
///   student embeddings  encoder + tokens (of the evaluation's data set) -> one vector per clip
///   evaluation  embeddings or encoder + protocol -> metrics
inline constexpr const char* kTokens = "tokens";
inline constexpr const char* kFeatures = "features";
inline constexpr const char* kTargets = "targets";
inline constexpr const char* kEncoder = "encoder";
inline constexpr const char* kEmbeddings = "embeddings";
inline constexpr const char* kEvaluation = "evaluation";

/// A plugin as the plan froze it.
struct SpecPlugin {
  std::string name, version, file, build_id, sha256;
  OptionValues options;  ///< resolved
  /// Data sets: fingerprint that an earlier stage recorded for the same key options, and where; a
  /// difference is an error that names both. Empty = none known.
  std::string fingerprint, fingerprint_location;
};

/// One stage, fully resolved: all that a worker needs. Unused parts are empty.
struct StageSpec {
  int format = 1;
  std::string key;  ///< content key
  std::string kind;
  std::string folder;  ///< absolute: <store>/stages/<k0k1>/<key>
  std::int64_t attempt = 1;
  std::string writer;     ///< unique per attempt's writer; names the spool and the work folder
  std::int64_t seed = 0;  ///< run seed; encoder and evaluation only
  int threads = 1;
  std::string device = "cpu";
  std::map<std::string, SpecPlugin> plugins;    ///< by role
  std::map<std::string, OptionValues> options;  ///< "targets", "pretrain", "evaluate"
  std::string protocol;                         ///< evaluation: "linear-probe"
  std::map<std::string, std::string> inputs;    ///< kind -> absolute artifact folder
  std::string label;                            ///< for people: "dense seed 1"; not in any key

  std::string Spool() const;     ///< <folder>/events.<attempt>.<writer>.jsonl
  std::string Work() const;      ///< <folder>/work.<attempt>.<writer>
  std::string Artifact() const;  ///< <folder>/artifact
  std::string Checkpoint()
      const;  ///< <folder>/checkpoint: kept between attempts, removed at the finish
};

nlohmann::json ToJson(const StageSpec& spec);
/// Option values come back with JSON's own types; plugin and core tables coerce them when read.
StageSpec SpecFromJson(const nlohmann::json& json);

/// One constant per core stage kind, bumped when its bytes may change (golden-bytes tests hold it).
int StageVersion(const std::string& kind);

}  // namespace cross4d::protocol
