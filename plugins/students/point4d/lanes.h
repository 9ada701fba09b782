// SPDX-License-Identifier: Apache-2.0
// Inside point4d only: eight floats at once in the compiler's portable vector type, for loops that
// the compiler does not vectorise by itself. Every loop body is written once for V = Floats and V =
// float.
#pragma once

#include <cstdint>
#include <cstring>

namespace cross4d::point4d {

using Floats = float __attribute__((vector_size(32)));
using Ints = std::int32_t __attribute__((vector_size(32)));

template <class V>
struct Lanes {
  static constexpr std::int64_t kWidth = 1;
  using Index = std::int32_t;
};
template <>
struct Lanes<Floats> {
  static constexpr std::int64_t kWidth = 8;
  using Index = Ints;
};

template <class V, class T>
inline V Load(const T* from) {
  V v;
  std::memcpy(&v, from, sizeof(V));
  return v;
}
template <class V, class T>
inline void Store(T* to, const V& v) {
  std::memcpy(to, &v, sizeof(V));
}

}  // namespace cross4d::point4d
