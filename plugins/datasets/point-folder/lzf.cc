// SPDX-License-Identifier: Apache-2.0
#include "lzf.h"

#include <cross4d/sdk/error.h>

namespace cross4d::point_folder {

// A control byte below 32 is followed by that many + 1 bytes; any other is a copy from what has
// been unpacked: 3 bits length - 2 (7: one more byte), 13 bits distance - 1.
std::vector<unsigned char> UnpackLzf(Bytes packed, std::size_t size, const std::string& name) {
  std::size_t at = 0;
  const auto fail = [&](const char* what) {
    FailInput(name + ": byte " + std::to_string(at) + " of the compressed data: " + what);
  };
  // One byte of input makes at most 88 of output.
  if (size / 128 > packed.size()) fail("the data cannot become as long as its header says");
  std::vector<unsigned char> out;
  out.reserve(size);
  const auto next = [&] {
    if (at == packed.size()) fail("ends too early");
    return packed[at++];
  };
  while (at < packed.size()) {
    const unsigned control = next();
    if (control < 32) {
      for (unsigned i = 0; i <= control; ++i) out.push_back(next());
    } else {
      std::size_t length = control >> 5;
      if (length == 7) length += next();
      length += 2;
      const std::size_t back = ((control & 31u) << 8) + next() + 1u;
      if (back > out.size()) fail("refers to bytes before the start");
      for (std::size_t i = 0; i < length; ++i) out.push_back(out[out.size() - back]);
    }
    if (out.size() > size) fail("becomes longer than its header says");
  }
  if (out.size() != size) fail("becomes shorter than its header says");
  return out;
}

}  // namespace cross4d::point_folder
