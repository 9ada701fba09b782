// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/error.h>

#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string_view>

namespace cross4d::data {

/// Calls `work`; whatever a plugin throws comes out as an Error that says where ("clip s01_r2").
template <class F>
auto InContext(std::string_view where, F&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error& e) {
    throw e.Within(where);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const c10::Error& e) {
    throw Error(ErrorCode::kPlugin, e.what_without_backtrace()).Within(where);
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kPlugin, e.what()).Within(where);
  }
}

}  // namespace cross4d::data
