// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cross4d::dt4d_animals {

/// What a sequence's name says: "bear3EP_Agression" is of the category "bear", the identity
/// "bear3EP", with the action "aggression".
struct SequenceName {
  std::string name;
  std::string category;
  std::string individual;  ///< "3EP"; `duck` has none
  std::string action;      ///< lower case, spelling merged, without number and root-motion suffix
  std::string motion;      ///< as in the name, but without root-motion suffix: "WalkRM" is "Walk"

  std::string identity() const { return category + individual; }
};

/// <species><individual>_<action>; nothing else.
std::optional<SequenceName> ParseName(std::string_view name);

/// One of the 59 published animal identities with its side of the split `cross-identity`.
struct Identity {
  std::string_view name, category;
  bool tests;
};

std::span<const Identity> OfficialIdentities();

/// Side of any identity in the split `cross-identity`: the list's, or by a hash of its family.
bool IdentityTests(const SequenceName& name);

/// Identities that are near copies of each other and stay on one side: horses and donkeys of one
/// pack ("donkeyQ1"), say.
std::string FamilyOf(const SequenceName& name);

}  // namespace cross4d::dt4d_animals
