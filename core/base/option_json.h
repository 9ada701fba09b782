// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/option.h>

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace cross4d::base {

nlohmann::json ToJson(const OptionValue& value);
nlohmann::json ToJson(const OptionValues& values);
nlohmann::json ToJson(const OptionSchema& schema);
/// With the schema's types (3 becomes 3.0 for a double); throws Error on a mismatch.
OptionValues ValuesFromJson(const nlohmann::json& json, const OptionSchema& schema);
OptionSchema SchemaFromJson(const nlohmann::json& json);
/// Only values of role `key`, names sorted, shortest round-trip numbers, no spaces: what keys hash.
std::string CanonicalKeyText(const OptionSchema& schema, const OptionValues& resolved);

}  // namespace cross4d::base
