// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/protocol/event.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cross4d::launch {

/// What one attempt of a stage has reported, as its spool file says. The spool is the truth; the
/// worker's pipe only feeds the display.
struct Spool {
  std::vector<protocol::Event> events;  ///< sequence 1, 2, … without gaps
  bool cut = false;                     ///< the last line was cut off (and is not in `events`)

  /// The last event if it is `finished` or `failed`, else nullptr: the writer died, or still
  /// writes.
  const protocol::Event* End() const;
  /// The artifact's hash, or "".
  std::string ArtifactHash() const;
  /// The last `count` log lines, one per line.
  std::string LogTail(std::size_t count) const;
};

/// Reads <folder>/events.<attempt>.<writer>.jsonl; nullopt if there is no such file. A cut last
/// line is left out. Throws Error(kInternal) that names file and line when the sequence has a gap,
/// or an event belongs to another stage, attempt or writer.
std::optional<Spool> ReadSpool(const std::string& folder,
                               const std::string& stage,
                               std::int64_t attempt,
                               const std::string& writer);

}  // namespace cross4d::launch
