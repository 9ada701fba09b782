// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config/catalog.h"

#include <memory>

namespace cross4d::config {

/// A small catalog with one of everything: presets, rules, lists, locations, renamed and deprecated
/// options, a required one, an untrained objective, a student without tokens.
std::shared_ptr<const OptionCatalog> ToyCatalog();

}  // namespace cross4d::config
