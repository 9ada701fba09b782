// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace cross4d::base {

/// One line on what is wrong with a command line that `app` refused: the command, the word, the
/// nearest known one, and where to look: "run: unknown option --wrokers; did you mean --workers?
/// (cross4d run --help)". The program's name is not in front.
std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace cross4d::base
