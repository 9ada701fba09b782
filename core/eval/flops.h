// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace cross4d::eval {

/// Floating point operations, 2 per multiply-add. `attention` is the part of the two products of
/// scaled dot-product attention (queries with keys, probabilities with values).
struct FlopCount {
  double all = 0, attention = 0;
};

/// Counts what `work` asks LibTorch for in this thread: matrix products, convolutions and
/// attention; nothing else (norms, activations, softmax, sums), as is usual. Products of an
/// attention that a student writes out (bmm, einsum) count under `all` only. A plug-in with a
/// kernel of its own says what it computes by a user scope around it,
///   at::RecordFunction guard(at::RecordScope::USER_SCOPE);
///   if (guard.isActive()) guard.before("cross4d::flops", &inputs);
/// with inputs = {int operations of the plain composition, bool attention = false}, which must
/// outlive the guard. What the kernel itself asks LibTorch for is then not counted.
FlopCount CountFlops(const std::function<void()>& work);

}  // namespace cross4d::eval
