// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/reporter.h"

#include <cross4d/sdk/error.h>

namespace cross4d::protocol {

void ThrowIfStopped(const Reporter& reporter) {
  if (reporter.StopRequested()) throw Error(ErrorCode::kCancelled, "stopped on request");
}

}  // namespace cross4d::protocol
