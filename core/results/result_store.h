// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/results/records.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d::results {

/// kRead: the file must exist and nothing is written (an older schema is migrated first).
/// kWrite: a missing or empty file becomes a new database.
enum class OpenMode { kRead, kWrite };

/// The results database: the only SQL of Cross4D. See schema/README.md.
///
/// Several processes may use one file at once (WAL, busy handler, 60 s); one object belongs to one
/// thread, and is not carried over a fork.
///
/// Errors: kInput for a missing file (kRead), a file of another program, a newer schema, a bad
/// statement of the user; kEnvironment for a folder that cannot be written, a full disk, a damaged
/// file, a lock that is never given back. All name the path. After an error the database is as
/// before the call.
class ResultStore {
 public:
  static ResultStore Open(const std::filesystem::path& path, OpenMode mode);
  ResultStore(ResultStore&&) noexcept;
  ResultStore& operator=(ResultStore&&) noexcept;
  ~ResultStore();

  const std::filesystem::path& path() const;
  int SchemaVersion() const;

  // ---- writing: plans and finishes are on disk (synchronous=FULL) when the call returns, claims
  // are when the next of them is

  /// Records what one `run` call wants, in one transaction, and makes it the experiment's latest
  /// plan. The same content again changes nothing. New runs and stages are added as planned;
  /// existing stages keep their state. A run that is there already gets this plan's stages and
  /// options (so a further evaluation extends it). kInput if a run's key belongs to another
  /// experiment. Returns the plan's id.
  std::int64_t RecordPlan(const PlanRecord& plan);

  /// One per key, in the order of `keys`.
  std::vector<StageStatus> StateOf(const std::vector<std::string>& keys);

  /// Single flight: exactly one claimer gets a stage. Claims from planned, failed, lost and
  /// cancelled, and from running when the owner is dead on this host (the old attempt becomes
  /// lost).
  ClaimResult Claim(const ClaimRequest& request);

  /// The attempt ended well: metrics, artifact and the state `done` in one transaction. kInternal
  /// if the artifact's hash is empty; kInput if the fingerprint contradicts a recorded one (names
  /// both).
  WriteResult Finish(const FinishRecord& record);
  /// The attempt ended otherwise: failed, lost or cancelled. A done stage never changes.
  WriteResult Fail(const FailRecord& record);
  /// Metrics of a running attempt, before its end. A (name, step) that is there already stays as it
  /// is, so ingesting a spool twice is harmless. Not synced by itself: the spool has them.
  WriteResult AddMetrics(const std::string& stage,
                         std::int64_t attempt,
                         const std::string& writer,
                         const std::vector<MetricRecord>& metrics);
  /// Runs several of the calls above in one transaction, and so with one sync to disk: the finish
  /// of one stage and the claim of the next, say. If `work` throws, none of its calls has happened.
  /// Keep it short: it holds the write lock.
  void Together(const std::function<void()>& work);
  /// For --redo and for artifacts that are gone: back to planned, so that the next claim makes a
  /// new attempt. The old attempts stay. Running stages are left alone. Returns how many changed.
  int Reset(const std::vector<std::string>& keys);

  // ---- reading

  /// Every running stage with its lease: `run` looks for spools of dead owners here.
  std::vector<std::pair<std::string, StageStatus>> Running();
  /// The set that StageStatus::plugins names; cached.
  const std::vector<PluginRecord>& Plugins(std::int64_t set);
  std::optional<FingerprintRecord> FindFingerprint(const std::string& key);
  /// The artifact of the latest attempt of a done stage.
  std::optional<ArtifactRecord> Artifact(const std::string& stage);

  /// The latest plan of every experiment, by name; of one if given.
  std::vector<PlanRow> LatestPlans(std::string_view experiment = {});
  std::vector<PlanRun> PlanRuns(std::int64_t plan);
  /// Value of one option (or axis; also "seed", "block") per run of the plan, in the plan's order.
  std::vector<std::optional<std::string>> PlanOptions(std::int64_t plan, const std::string& key);
  /// Final value of a metric per run of the plan. `source`: an evaluation's name, or a stage's
  /// kind.
  std::vector<std::optional<double>> PlanValues(std::int64_t plan,
                                                const std::string& source,
                                                const std::string& metric);
  /// Per run of the plan; empty when the whole database knows one thread count only.
  std::vector<ThreadRange> PlanThreads(std::int64_t plan);
  /// Rows of run_summary of the latest plans, in plan order; all recorded runs if `all`.
  std::vector<RunRow> Runs(std::string_view experiment = {}, bool all = false);
  /// The run whose key begins with `prefix`; kInput if none or several.
  RunDetail Show(std::string_view prefix);
  /// Every stage, by key, with the runs that need it: `gc` must keep those with a run.
  std::vector<StageUse> StageUses();
  /// One read-only statement of the user; kInput for any other.
  SqlResult Query(const std::string& sql);

  // ---- health

  /// The invariants of the architecture, section 6. `files`: compares artifact hashes with the
  /// files too.
  CheckReport Check(bool files);
  /// A whole copy (VACUUM INTO); kInput if `to` exists.
  void Backup(const std::filesystem::path& to);

 private:
  struct State;
  explicit ResultStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cross4d::results
