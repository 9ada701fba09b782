// SPDX-License-Identifier: Apache-2.0
// Any bytes either hold a note or are refused with Error; nothing else may happen.
#include "core/plugin/note.h"

#include <cross4d/sdk/error.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const cross4d::plugin::PluginNote note =
        cross4d::plugin::ParseNote({reinterpret_cast<const char*>(data), size}, "fuzz");
    note.GetList("provides");
    cross4d::plugin::BuildMismatch(note);
  } catch (const cross4d::Error&) {
  }
  return 0;
}
