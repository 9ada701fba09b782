// SPDX-License-Identifier: Apache-2.0
#include "core/grid/check_run.h"

#include <cross4d/sdk/tags.h>

#include <algorithm>
#include <vector>

namespace cross4d::grid {
namespace {

bool Listed(const std::vector<std::string>& tags, const std::string& tag) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

std::string Name(const Part& part) {
  return part.plugin->plugin->role + " " + part.plugin->plugin->name;
}

}  // namespace

bool RunChecker::IsNew(const base::SourceLocation& where, const std::string& message) {
  const std::string place =
      where.file + ":" + std::to_string(where.line) + ":" + std::to_string(where.column) + ":";
  return seen_.insert(place + message).second;
}

void RunChecker::Error(const base::SourceLocation& where, const std::string& message) {
  if (IsNew(where, message)) diagnostics_.AddError(where, message, experiment_.Line(where));
}

void RunChecker::Warn(const base::SourceLocation& where, const std::string& message) {
  if (IsNew(where, message)) diagnostics_.AddWarning(where, message, experiment_.Line(where));
}

bool RunChecker::Usable(const RunParts& parts) {
  bool good = Check(*parts.dataset, "dataset");
  good &= Check(*parts.student, "student");
  good &= Check(*parts.objective, "objective");
  good &= Check(*parts.pretrain, "pretrain");
  for (const RunParts::Evaluation& e : parts.evaluations) {
    good &= Check(*e.options, "evaluation");
    good &= Check(*e.dataset, "dataset");
  }
  // Without a use for targets, the teacher may be missing or incomplete.
  if (parts.objective->usable() && NeedsTargets(*parts.objective)) {
    good &= CheckTeacher(parts);
    good &= Check(*parts.targets, "targets");
  }
  return good && CheckFit(parts);
}

bool RunChecker::Check(const Part& part, const std::string& role) {
  if (!part.selected) {
    Error(part.where, "no " + role + " is selected: add [" + role + "] with plugin = \"...\"");
  }
  for (const Part::Problem& problem : part.problems) Error(problem.where, problem.message);
  return part.usable();
}

bool RunChecker::CheckTeacher(const RunParts& parts) {
  if (parts.teacher->selected) return Check(*parts.teacher, "teacher");
  Error(parts.objective->where,
        Name(*parts.objective) +
            " learns from a teacher's features, and no teacher is selected: add [teacher] with "
            "plugin = \"...\"");
  return false;
}

// What one plugin requires, another one of the run must provide.
bool RunChecker::CheckFit(const RunParts& parts) {
  std::vector<const Part*> all = {parts.dataset, parts.student, parts.objective};
  if (NeedsTargets(*parts.objective)) all.push_back(parts.teacher);
  bool good = true;
  for (const Part* part : all) {
    for (const std::string& tag : part->plugin->plugin->requires_tags) {
      // The core makes these from any teacher.
      if (tag == tags::kTokenTargets || tag == tags::kClipTargets || tag == tags::kFrameTargets) {
        continue;
      }
      const bool provided = std::any_of(all.begin(), all.end(), [&](const Part* other) {
        return other != part && Listed(other->plugin->plugin->provides, tag);
      });
      if (provided) continue;
      good = false;
      std::string others;
      for (const Part* other : all) {
        if (other != part) others += (others.empty() ? "" : ", ") + Name(*other);
      }
      Error(part->where,
            Name(*part) + " requires `" + tag + "`, which is provided by none of " + others);
    }
  }
  return good;
}

}  // namespace cross4d::grid
