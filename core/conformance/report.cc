// SPDX-License-Identifier: Apache-2.0
#include "core/conformance/conformance.h"

#include <algorithm>
#include <string>

namespace cross4d::conformance {
namespace {

std::int64_t Count(const Report& report, Finding::Result result) {
  return std::count_if(report.findings.begin(), report.findings.end(), [result](const Finding& f) {
    return f.result == result;
  });
}

const char* Word(Finding::Result result) {
  switch (result) {
    case Finding::Result::kPassed:
      return "ok    ";
    case Finding::Result::kFailed:
      return "FAILED";
    case Finding::Result::kSkipped:
      return "skip  ";
  }
  return "";
}

}  // namespace

bool Report::passed() const { return Count(*this, Finding::Result::kFailed) == 0; }

std::string Report::Render() const {
  std::string text;
  for (const Finding& finding : findings) {
    text += std::string(Word(finding.result)) + "  " + finding.check;
    text += finding.text.empty() ? "\n" : ": " + finding.text + "\n";
  }
  for (const std::string& figure : figures) text += figure + "\n";
  text += plugin + ": " + std::to_string(findings.size()) +
          " checks: " + std::to_string(Count(*this, Finding::Result::kPassed)) + " passed, " +
          std::to_string(Count(*this, Finding::Result::kFailed)) + " failed, " +
          std::to_string(Count(*this, Finding::Result::kSkipped)) + " skipped\n";
  return text;
}

}  // namespace cross4d::conformance
