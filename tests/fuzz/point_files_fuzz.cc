// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <cstdint>
#include <string>

#include "clips_csv.h"
#include "cloud.h"
#include "lzf.h"

// The first byte chooses the reader.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace points = cross4d::point_folder;
  if (size == 0) return 0;
  const points::Bytes file(data + 1, size - 1);
  try {
    switch (data[0] % 6) {
      case 0:
        points::ParsePly(file, "input");
        break;
      case 1:
        points::ParsePcd(file, "input");
        break;
      case 2:
        points::ParseXyz(file, "input");
        break;
      case 3:
        points::ParseLabels(file, "input");
        break;
      case 4:
        points::ParseClipsCsv(std::string(file.begin(), file.end()), "input");
        break;
      default:
        points::UnpackLzf(file, 4096, "input");
        break;
    }
  } catch (const cross4d::Error&) {
  }
  return 0;
}
