// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The plain values that go into and come out of the results database. No SQL, no SQLite types.
namespace cross4d::results {

/// kPlanned: nobody has it. kLost: its owner died or vanished; the next claim makes a new attempt.
enum class StageState { kPlanned, kRunning, kDone, kFailed, kLost, kCancelled };
/// "planned", "running", "done", "failed", "lost", "cancelled".
std::string StateName(StageState state);

// ---- what a plan records

struct StageRecord {
  std::string key;    ///< content key
  std::string kind;   ///< "tokens", "features", …
  std::string label;  ///< for people: "dense seed 1"
};

struct RunStageRecord {
  int stage = 0;           ///< index into PlanRecord::stages
  std::string evaluation;  ///< name of the evaluation; empty for the other kinds
};

/// The maps are not owned and must outlive the call (10,000 runs: no copies).
struct RunRecord {
  std::string key;
  std::string block;  ///< empty = the file's own grid
  std::int64_t seed = 0;
  const std::map<std::string, std::string>* axes = nullptr;  ///< swept key -> value, without seed
  const std::map<std::string, std::string>* options = nullptr;  ///< config path -> value as text
  std::vector<RunStageRecord> stages;                           ///< in the order of data flow
};

struct PlanRecord {
  std::string experiment;
  std::string source;  ///< the experiment file, for people
  std::vector<RunRecord> runs;
  std::vector<StageRecord> stages;
  std::string tables = "[]";  ///< JSON array of table definitions (core/report/table_definition.h)
};

// ---- one stage's life

struct PluginRecord {
  std::string role, name, version, build_id, sha256, file;
  bool operator==(const PluginRecord&) const = default;
};

/// Where an attempt ran. Empty text, and threads 0, mean unknown and become NULL.
struct Environment {
  std::string git_revision, git_dirty;  ///< git_dirty: hash of the uncommitted difference
  std::string host, cpu, gpu, libtorch, cuda, device;
  std::int64_t threads = 0;
  std::string extra;  ///< a JSON object as text, or empty
};

struct StageStatus {
  bool known = false;  ///< false: the database has no such stage; the rest is empty
  StageState state = StageState::kPlanned;
  std::string cause;         ///< failed, lost, cancelled: why
  std::int64_t attempt = 0;  ///< number of the latest attempt; 0 = none yet
  std::int64_t plugins =
      0;  ///< set of plugins of the latest attempt (ResultStore::Plugins); 0 = none
  std::string owner,
      writer;  ///< running only: the lease (ProcessIdentity text) and the spool's writer
};

struct ClaimRequest {
  std::string stage;   ///< key
  std::string owner;   ///< base::ProcessIdentity::Self().Format()
  std::string writer;  ///< unique; names the spool and the work folder
  std::string spec;    ///< the resolved spec as JSON, frozen with the attempt
  std::vector<PluginRecord> plugins;
  Environment environment;  ///< what is known at the start; Finish may replace it
  /// Claim only if the latest attempt still is this one: what StateOf said when this process
  /// decided to run the stage. So a process that waited for another's attempt takes its failure as
  /// the answer instead of trying again. Negative = whatever it is. Matters for failed stages only:
  /// lost, cancelled and planned ones are claimed all the same.
  std::int64_t after_attempt = -1;
  /// A dead owner's attempt: true = mark it lost and claim; false = answer kDead, so that the
  /// caller can look into its spool first (it may have finished), then Finish or Fail it and claim
  /// again.
  bool take_over = true;
};

struct ClaimResult {
  enum class Kind {
    kClaimed,  ///< yours: run it as `attempt`
    kDone,     ///< done already; nothing to do
    kDead,     ///< take_over = false: its owner is dead; status has attempt, owner and writer
    kBusy,     ///< another live process (or one on another host) has it: status.owner
    kChanged,  ///< failed, and after_attempt did not match: status says what happened meanwhile
    kUnknown,  ///< no plan has recorded this stage
  };
  Kind kind = Kind::kUnknown;
  std::int64_t attempt = 0;  ///< kClaimed
  bool took_over = false;    ///< kClaimed: a dead owner's attempt was marked lost first
  StageStatus status;        ///< otherwise: as it is now
};

struct MetricRecord {
  std::string name;
  std::int64_t step = -1;  ///< -1 = the final value
  double value = 0;        ///< NaN is stored as NULL
};

struct ArtifactRecord {
  std::string hash;  ///< SHA-256 of manifest.json; a done stage always has one
  std::int64_t bytes = 0;
  std::string folder;  ///< <store>/stages/…/artifact
};

/// What a data set or a teacher's weights were found to contain: compared by whoever reads the same
/// key options again.
struct FingerprintRecord {
  std::string key;  ///< canonical text of plugin and key options
  std::string fingerprint, location;
};

struct FinishRecord {
  std::string stage;
  std::int64_t attempt = 0;
  std::string writer;
  std::vector<MetricRecord> metrics;
  ArtifactRecord artifact;
  std::optional<Environment> environment;  ///< replaces the claim's
  std::vector<FingerprintRecord> fingerprints;
  std::string log_tail;
};

struct FailRecord {
  std::string stage;
  std::int64_t attempt = 0;
  std::string writer;
  StageState state = StageState::kFailed;  ///< or kLost, kCancelled
  /// "exit code 3", "signal 11 (SIGSEGV)", "out of memory", "timeout", "disk full", "cancelled", or
  /// "error": then `text` is shown as the cause.
  std::string cause;
  std::string text;                   ///< the error's message
  std::string log_tail;               ///< last lines of the worker's log
  std::vector<MetricRecord> metrics;  ///< what was measured before
};

/// Answer to Finish, Fail and AddMetrics.
enum class WriteResult {
  kWritten,
  kAlready,  ///< the same attempt and writer had said so before: nothing changed
  kRefused,  ///< not the current attempt or not its writer: a late writer, nothing changed
};

// ---- reading

struct RunRow {
  std::string key, experiment, block, state, cause;
  std::int64_t seed = 0, attempts = 0, stages = 0, stages_done = 0;
  std::string axes;          ///< JSON object
  std::string failed_stage;  ///< kind (or evaluation name) of the stage that decides `cause`
  std::optional<double> started, ended;  ///< Unix seconds
};

struct AttemptRow {
  std::int64_t number = 0;
  std::string state, cause, text, owner, writer, log_tail;
  std::optional<double> started, ended;
  Environment environment;
  std::vector<PluginRecord> plugins;
};

struct StageRow {
  std::string key, kind, evaluation, label, state, cause;
  std::vector<AttemptRow> attempts;
  std::vector<MetricRecord> metrics;  ///< of the latest attempt, by name and step
  std::optional<ArtifactRecord> artifact;
};

/// What a database knows of a stage: for the store's listing, check and gc.
struct StageUse {
  std::string key, kind;
  std::string artifact_hash;  ///< of a done stage, else empty
  struct Run {
    std::string experiment, key;
  };
  std::vector<Run> runs;  ///< that need it
};

struct RunDetail {
  RunRow run;
  std::map<std::string, std::string> options;
  std::vector<StageRow> stages;
};

/// One run of a plan, in the plan's order.
struct PlanRun {
  std::int64_t id = 0;  ///< of this database only
  std::string key;
  std::int64_t seed = 0;
  std::string axes;  ///< JSON object
};

struct PlanRow {
  std::int64_t id = 0;
  std::string experiment, source, tables;
  double created = 0;
  std::int64_t runs = 0;
};

/// Fewest and most threads that a run's stages were computed with; 0 = unknown.
struct ThreadRange {
  std::int64_t least = 0, most = 0;
};

/// A result of `sql`: text, number or NULL per cell, as text with its type kept.
struct SqlResult {
  enum class Type { kNull, kInteger, kReal, kText, kBlob };
  struct Cell {
    Type type = Type::kNull;
    std::string text;  ///< kBlob: hex digits
  };
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};

struct CheckReport {
  std::vector<std::string> problems;  ///< broken invariants
  std::vector<std::string> notes;     ///< worth knowing: artifacts gone, dead owners
};

}  // namespace cross4d::results
