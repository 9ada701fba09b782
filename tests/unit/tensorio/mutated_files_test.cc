// SPDX-License-Identifier: Apache-2.0
// A short, repeatable run over damaged files in every test run; tests/fuzz holds the long one.
#include "core/tensorio/checkpoint_internal.h"
#include "core/tensorio/npy.h"
#include "core/tensorio/pickle.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>

namespace cross4d::tensorio {
namespace {

using Reader = std::function<void(std::span<const std::byte>)>;

std::string FuzzSeed(const std::string& name) {
  const char* source = std::getenv("CROSS4D_SOURCE_DIR");
  std::ifstream in(std::string(source) + "/tests/unit/tensorio/fixtures/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Changes, cuts and repeats bytes; reading must end in a result or in an Error, nothing else.
void TryMutations(const std::string& seed, int rounds, const Reader& read) {
  ASSERT_FALSE(seed.empty());
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    RandomStream random(MixSeed({static_cast<std::uint64_t>(round)}));
    std::string file = seed;
    for (std::uint64_t i = random.Below(4) + 1; i > 0; --i) {
      const std::size_t at = random.Below(file.size());
      const std::size_t run = std::min<std::size_t>(random.Below(9), file.size() - at);
      switch (random.Below(4)) {
        case 0:
          file[at] = static_cast<char>(random.Below(256));
          break;
        case 1:
          file.replace(at, run, std::string(run, '\xff'));
          break;
        case 2:
          file.insert(at, file.substr(at, run));
          break;
        default:
          file.resize(std::max<std::size_t>(at, 1));
          break;
      }
    }
    try {
      read(std::as_bytes(std::span(file)));
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(MutatedFiles, TorchZip) {
  TryMutations(FuzzSeed("state.pth"), 2000, [](std::span<const std::byte> file) {
    const auto c = OpenTorchZip(ZipArchive::FromBytes(file, "f"), "f", ".");
    for (const std::string& name : c->names()) c->Read(name);
  });
}

TEST(MutatedFiles, Pickle) {
  const std::string zip = FuzzSeed("state.pth");
  const auto archive = ZipArchive::FromBytes(std::as_bytes(std::span(zip)), "f");
  const auto member = archive->Find("state/data.pkl");
  ASSERT_TRUE(member.has_value());
  const std::vector<std::byte> stream = archive->Read(*member, 1 << 20);
  const std::string seed(reinterpret_cast<const char*>(stream.data()), stream.size());
  TryMutations(seed, 20000, [](std::span<const std::byte> file) {
    Pickle::Parse(file, "f", [](std::string_view) { return true; });
  });
}

TEST(MutatedFiles, Npy) {
  const std::string seed = std::string("\x93NUMPY\x01\x00\x3a\x00", 10) +
                           "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }" +
                           std::string(48, '\x01');
  ParseNpy(std::as_bytes(std::span(seed)), "f");
  TryMutations(seed, 20000, [](std::span<const std::byte> file) {
    for (const auto& item : ParseNpy(file, "f").items) item.ToDoubles();
  });
}

TEST(MutatedFiles, Safetensors) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  std::string seed(8, '\0');
  seed[0] = static_cast<char>(header.size());
  seed += header + std::string(8, '\x01');
  ParseSafetensors(std::as_bytes(std::span(seed)), "f");
  TryMutations(seed, 20000, [](std::span<const std::byte> file) { ParseSafetensors(file, "f"); });
}

}  // namespace
}  // namespace cross4d::tensorio
