// SPDX-License-Identifier: Apache-2.0
#include "core/cli/version.h"

#include <cross4d/sdk/note.h>

namespace cross4d::cli {

std::string VersionText() {
  return "cross4d " CROSS4D_VERSION " (sdk " CROSS4D_SDK_VERSION ", " CROSS4D_COMPILER
         ", for libtorch " CROSS4D_LIBTORCH_VERSION ", cuda " CROSS4D_CUDA_VERSION ")";
}

}  // namespace cross4d::cli
