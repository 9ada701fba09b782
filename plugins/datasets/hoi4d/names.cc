// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace cross4d::hoi4d {
namespace {

// definitions/3D segmentation/labels.xlsx; 47 is in the authors' code only.
constexpr std::pair<std::int64_t, const char*> kSemantic[] = {{0, "no label"},
                                                              {1, "noise"},
                                                              {2, "chair"},
                                                              {3, "table"},
                                                              {4, "water dispenser"},
                                                              {5, "ground"},
                                                              {9, "bucket"},
                                                              {10, "garbage can"},
                                                              {11, "wall"},
                                                              {12, "sofa"},
                                                              {13, "bag"},
                                                              {15, "bowl"},
                                                              {16, "bottled drinks"},
                                                              {17, "mug"},
                                                              {19, "locker"},
                                                              {20, "express box"},
                                                              {21, "kettle"},
                                                              {22, "hammer"},
                                                              {23, "pliers"},
                                                              {24, "toy car"},
                                                              {25, "laptop"},
                                                              {26, "refrigerator"},
                                                              {27, "safe"},
                                                              {28, "stapler"},
                                                              {29, "desk lamp"},
                                                              {30, "trolley case"},
                                                              {31, "knife"},
                                                              {32, "cupboard"},
                                                              {33, "bed"},
                                                              {34, "bedside table"},
                                                              {35, "door"},
                                                              {36, "window"},
                                                              {37, "mural"},
                                                              {38, "counter"},
                                                              {39, "curtain"},
                                                              {40, "pool"},
                                                              {41, "pillow"},
                                                              {42, "carpet"},
                                                              {43, "television"},
                                                              {44, "ceiling"},
                                                              {45, "other furniture"},
                                                              {46, "other objects"},
                                                              {47, "hand"},
                                                              {48, "scissors"}};
constexpr std::int64_t kSemanticIds = 49, kActionIds = 19;

constexpr std::pair<std::int64_t, const char*> kCategories[] = {{1, "toy car"},
                                                                {2, "mug"},
                                                                {3, "laptop"},
                                                                {4, "storage furniture"},
                                                                {5, "bottle"},
                                                                {6, "safe"},
                                                                {7, "bowl"},
                                                                {8, "bucket"},
                                                                {9, "scissors"},
                                                                {11, "pliers"},
                                                                {12, "kettle"},
                                                                {13, "knife"},
                                                                {14, "trash can"},
                                                                {17, "lamp"},
                                                                {18, "stapler"},
                                                                {20, "chair"}};

// The number after one capital letter, -1 = it is no such part.
std::int64_t NumberAfter(char letter, std::string_view part) {
  if (part.size() < 2 || part[0] != letter) return -1;
  std::int64_t number = 0;
  const char* end = part.data() + part.size();
  const auto parsed = std::from_chars(part.data() + 1, end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? number : -1;
}

}  // namespace

std::vector<std::string> SemanticNames() {
  std::vector<std::string> names;
  for (std::int64_t id = 0; id < kSemanticIds; ++id)
    names.push_back("unused " + std::to_string(id));
  for (const auto& [id, name] : kSemantic) names[static_cast<std::size_t>(id)] = name;
  return names;
}

std::vector<std::string> ActionNames() {
  std::vector<std::string> names;
  for (std::int64_t id = 0; id < kActionIds; ++id) names.push_back("action " + std::to_string(id));
  return names;
}

std::vector<std::string> CategoryNames() {
  std::vector<std::string> names;
  for (const auto& [number, name] : kCategories) names.emplace_back(name);
  return names;
}

PathFacts ParsePath(std::string_view path) {
  PathFacts facts;
  std::int64_t category = -1, instance = -1;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    facts.subject = std::max(facts.subject, NumberAfter('H', part));
    category = std::max(category, NumberAfter('C', part));
    instance = std::max(instance, NumberAfter('N', part));
    begin = end + 1;
  }
  for (std::size_t i = 0; i < std::size(kCategories); ++i) {
    if (kCategories[i].first == category) facts.category = static_cast<std::int64_t>(i);
  }
  const bool known = category >= 0 && instance >= 0;
  facts.object =
      known ? "C" + std::to_string(category) + "/N" + std::to_string(instance) : std::string(path);
  return facts;
}

}  // namespace cross4d::hoi4d
