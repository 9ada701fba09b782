// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <cross4d/sdk/random.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cross4d::dt4d_animals {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Spellings of one action.
constexpr std::array<Pair, 4> kSameAction{{{"agression", "aggression"},
                                           {"attackheadbutt", "attack"},
                                           {"crouchbacl", "crouchback"},
                                           {"dead", "death"}}};

// Near siblings: one mesh or one set of animations, slightly changed.
constexpr std::array<Pair, 7> kSiblings{{{"cow", "bull"},
                                         {"horse", "donkey"},
                                         {"husky", "huskydog"},
                                         {"shiba", "huskydog"},
                                         {"shibadog", "huskydog"},
                                         {"stag", "deer"},
                                         {"wolf", "fox"}}};

// One in three families that nobody has listed tests.
constexpr std::uint64_t kSides = 3;

template <std::size_t N>
std::string_view Lookup(const std::array<Pair, N>& table, std::string_view key) {
  for (const auto& [from, to] : table) {
    if (from == key) return to;
  }
  return key;
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view WithoutDigits(std::string_view text) {
  while (!text.empty() && (IsDigit(text.back()) || text.back() == '_')) text.remove_suffix(1);
  return text;
}

// "CrouchRRM", "WalkRM": animations that move the animal's root, turning left or right.
std::string_view WithoutRootMotion(std::string_view text) {
  for (const std::string_view suffix : {"LRM", "RRM", "RM"}) {
    if (text.size() > suffix.size() && text.ends_with(suffix)) {
      return text.substr(0, text.size() - suffix.size());
    }
  }
  return text;
}

std::string ActionOf(std::string_view motion) {
  const std::string_view bare = WithoutDigits(WithoutRootMotion(WithoutDigits(motion)));
  std::string action(bare.empty() ? motion : bare);
  for (char& c : action) c = IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return std::string(Lookup(kSameAction, action));
}

}  // namespace

std::optional<SequenceName> ParseName(std::string_view name) {
  std::size_t species = 0;
  while (species < name.size() && IsLower(name[species])) ++species;
  const std::size_t end = name.find('_');
  if (species == 0 || end == std::string_view::npos || end + 1 == name.size()) return std::nullopt;
  const std::string_view individual = name.substr(species, end - species);
  const bool coded = std::all_of(individual.begin(), individual.end(), [](char c) {
    return IsLower(c) || IsUpper(c) || IsDigit(c);
  });
  if (!coded) return std::nullopt;
  const std::string_view motion = name.substr(end + 1);
  return SequenceName{std::string(name),
                      std::string(name.substr(0, species)),
                      std::string(individual),
                      ActionOf(motion),
                      std::string(WithoutRootMotion(motion))};
}

std::string FamilyOf(const SequenceName& name) {
  return std::string(Lookup(kSiblings, name.category)) + name.individual;
}

bool IdentityTests(const SequenceName& name) {
  for (const Identity& identity : OfficialIdentities()) {
    if (identity.name == name.identity()) return identity.tests;
  }
  return MixSeed({HashText(FamilyOf(name))}) % kSides == 0;
}

}  // namespace cross4d::dt4d_animals
