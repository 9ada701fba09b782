// SPDX-License-Identifier: Apache-2.0
#include <cross4d/sdk/error.h>

#include <utility>

namespace cross4d {
inline namespace v1 {
namespace {

std::string Join(const std::vector<std::string>& context, const std::string& message) {
  std::string text;
  for (const std::string& part : context) text += part + " › ";
  return text + message;
}

}  // namespace

Error::Error(ErrorCode code, std::string_view message)
    : std::runtime_error(std::string(message)), code_(code), message_(message), text_(message) {}

Error::~Error() = default;

Error Error::Within(std::string_view outer) const {
  Error result(*this);
  result.context_.insert(result.context_.begin(), std::string(outer));
  result.text_ = Join(result.context_, result.message_);
  return result;
}

void FailInput(std::string_view message) { throw Error(ErrorCode::kInput, message); }

}  // namespace v1
}  // namespace cross4d
