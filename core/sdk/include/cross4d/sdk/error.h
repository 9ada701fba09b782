// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/export.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cross4d {
inline namespace v1 {

/// What kind of thing went wrong; decides the program's exit code.
enum class ErrorCode {
  kInput,        ///< the user's file, option or data is wrong (exit code 2)
  kEnvironment,  ///< disk, permission, missing library or device (exit code 3)
  kPlugin,       ///< a plugin does not match, or broke its contract
  kCancelled,    ///< the user stopped it (exit code 130)
  kInternal,     ///< a broken invariant of Cross4D itself
};

/// The one exception type of Cross4D. Thrown by plugins and host alike; crosses the plugin boundary
/// (default visibility, out-of-line destructor in libcross4d_sdk).
///
/// `what()` is "context › context › message". A message says what was found, what was expected and
/// what to do; files are named with line, offset or frame where there is one.
class CROSS4D_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string_view message);
  Error(const Error&) = default;
  ~Error() override;

  ErrorCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  /// Outermost first: {"run 3f2a", "stage features", "teacher dinov2"}.
  const std::vector<std::string>& context() const noexcept { return context_; }

  /// A copy with `outer` put before the chain.
  Error Within(std::string_view outer) const;
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<std::string> context_;
  std::string text_;
};

/// Short for `throw Error(ErrorCode::kInput, message)`.
[[noreturn]] CROSS4D_API void FailInput(std::string_view message);

}  // namespace v1
}  // namespace cross4d
