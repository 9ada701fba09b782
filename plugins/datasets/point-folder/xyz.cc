// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "cloud.h"
#include "scalars.h"

namespace cross4d::point_folder {
namespace {

constexpr std::string_view kBetween = " \t\r,;";

}  // namespace

Cloud ParseXyz(Bytes file, const std::string& name) {
  Lines lines(file, name);
  Cloud cloud;
  while (true) {
    const auto words = lines.NextWords(kBetween, /*comments=*/true);
    if (words.empty()) return cloud;
    std::array<float, 3> point{};
    for (std::size_t k = 0; k < 3; ++k) {
      const auto value = k < words.size() ? ParseNumber(words[k]) : std::nullopt;
      if (!value) {
        lines.Fail("found " + (k < words.size() ? Quote(words[k]) : "the line's end") +
                   ", expected the number " + "xyz"[k]);
      }
      point[k] = static_cast<float>(*value);
    }
    const std::string bad = NotFinite(cloud.size(), point.data());
    if (!bad.empty()) lines.Fail(bad);
    cloud.xyz.insert(cloud.xyz.end(), point.begin(), point.end());
  }
}

std::vector<std::int64_t> ParseLabels(Bytes file, const std::string& name) {
  Lines lines(file, name);
  std::vector<std::int64_t> labels;
  while (true) {
    const auto words = lines.NextWords(kBetween, /*comments=*/true);
    if (words.empty()) return labels;
    const auto value = ParseWhole(words[0]);
    if (!value) lines.Fail("found " + Quote(words[0]) + ", expected a whole number");
    labels.push_back(*value);
  }
}

}  // namespace cross4d::point_folder
