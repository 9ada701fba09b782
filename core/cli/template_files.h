// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cross4d::cli {

/// The text of core/cli/templates/<name>, embedded at build. Throws Error(kInternal) if there is
/// none.
std::string TemplateFile(const std::string& name);

}  // namespace cross4d::cli
