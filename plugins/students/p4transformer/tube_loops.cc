// SPDX-License-Identifier: Apache-2.0
#include "tube_loops.h"

#include <cstring>

namespace cross4d::p4transformer {
namespace {

// Vectors of the compiler's portable kind with an index per lane; one lane for the last columns.
template <class T>
struct Wide;
template <>
struct Wide<float> {
  using V = float __attribute__((vector_size(32)));
  using I = std::int32_t __attribute__((vector_size(32)));
};
template <>
struct Wide<double> {
  using V = double __attribute__((vector_size(32)));
  using I = std::int64_t __attribute__((vector_size(32)));
};
template <class T>
struct Narrow {
  using V = T;
  using I = std::int32_t;
};

template <class V, class T>
V LoadWide(const T* from) {
  V v;
  std::memcpy(&v, from, sizeof(V));
  return v;
}

/// Vectors that go together, so that one comparison need not wait for the other.
template <class L>
inline constexpr int kTogether = 2;
template <class T>
inline constexpr int kTogether<Narrow<T>> = 1;

/// One group, the columns from c on.
template <class L, bool kWhich, class T>
inline void Columns(const T* d,
                    const T* weights,
                    std::int64_t j,
                    std::int64_t channels,
                    std::int64_t c,
                    T* out,
                    std::int16_t* which) {
  using V = typename L::V;
  using I = typename L::I;
  constexpr int kN = kTogether<L>;
  constexpr int kLanes = sizeof(V) / sizeof(T);
  V w[4][kN], best[kN];
  I at[kN] = {};
  for (int n = 0; n < kN; ++n) {
    for (int i = 0; i < 4; ++i) w[i][n] = LoadWide<V>(weights + i * channels + c + n * kLanes);
    best[n] = (w[0][n] * d[0] + w[1][n] * d[1]) + (w[2][n] * d[2] + w[3][n] * d[3]);
  }
  for (std::int64_t k = 1; k < j; ++k) {
    const T* e = d + 4 * k;
    for (int n = 0; n < kN; ++n) {
      const V v = (w[0][n] * e[0] + w[1][n] * e[1]) + (w[2][n] * e[2] + w[3][n] * e[3]);
      const auto better = v > best[n];
      best[n] = better ? v : best[n];
      if constexpr (kWhich) at[n] = better ? I{} + static_cast<std::int32_t>(k) : at[n];
    }
  }
  std::memcpy(out + c, best, sizeof(best));
  if constexpr (kWhich) {
    std::int32_t lanes[kN * kLanes];
    for (int n = 0; n < kN; ++n) {
      if constexpr (kLanes == 1) {
        lanes[n] = at[n];
      } else {
        for (int i = 0; i < kLanes; ++i) lanes[n * kLanes + i] = static_cast<int>(at[n][i]);
      }
    }
    for (int i = 0; i < kN * kLanes; ++i) which[c + i] = static_cast<std::int16_t>(lanes[i]);
  }
}

template <bool kWhich, class T>
void Groups(const T* displacements,
            const T* weights,
            std::int64_t groups,
            std::int64_t j,
            std::int64_t channels,
            T* out,
            std::int16_t* which) {
  constexpr std::int64_t kStep = kTogether<Wide<T>> * 32 / static_cast<int>(sizeof(T));
  for (std::int64_t g = 0; g < groups; ++g) {
    const T* d = displacements + g * j * 4;
    T* row = out + g * channels;
    std::int16_t* chosen = kWhich ? which + g * channels : nullptr;
    std::int64_t c = 0;
    for (; c + kStep <= channels; c += kStep)
      Columns<Wide<T>, kWhich>(d, weights, j, channels, c, row, chosen);
    for (; c < channels; ++c) Columns<Narrow<T>, kWhich>(d, weights, j, channels, c, row, chosen);
  }
}

}  // namespace

template <class T>
void GreatestProducts(const T* displacements,
                      const T* weights,
                      std::int64_t groups,
                      std::int64_t j,
                      std::int64_t channels,
                      T* out,
                      std::int16_t* which) {
  if (which != nullptr) {
    Groups<true>(displacements, weights, groups, j, channels, out, which);
  } else {
    Groups<false>(displacements, weights, groups, j, channels, out, which);
  }
}

template <class T>
void AddWeightGradient(const T* displacements,
                       const std::int16_t* which,
                       const T* gradient,
                       std::int64_t groups,
                       std::int64_t j,
                       std::int64_t channels,
                       double* sums) {
  for (std::int64_t g = 0; g < groups; ++g) {
    const T* d = displacements + g * j * 4;
    for (std::int64_t c = 0; c < channels; ++c) {
      const T* chosen = d + 4 * which[g * channels + c];
      const double value = gradient[g * channels + c];
      for (int i = 0; i < 4; ++i) sums[i * channels + c] += value * static_cast<double>(chosen[i]);
    }
  }
}

template <class T>
void AddDisplacementGradient(const T* weights,
                             const std::int16_t* which,
                             const T* gradient,
                             std::int64_t groups,
                             std::int64_t j,
                             std::int64_t channels,
                             T* out) {
  for (std::int64_t g = 0; g < groups; ++g) {
    for (std::int64_t c = 0; c < channels; ++c) {
      T* chosen = out + g * j * 4 + 4 * which[g * channels + c];
      for (int i = 0; i < 4; ++i)
        chosen[i] += gradient[g * channels + c] * weights[i * channels + c];
    }
  }
}

#define CROSS4D_TUBE_LOOPS(T)                                                                      \
  template void GreatestProducts<T>(                                                               \
      const T*, const T*, std::int64_t, std::int64_t, std::int64_t, T*, std::int16_t*);            \
  template void AddWeightGradient<T>(                                                              \
      const T*, const std::int16_t*, const T*, std::int64_t, std::int64_t, std::int64_t, double*); \
  template void AddDisplacementGradient<T>(                                                        \
      const T*, const std::int16_t*, const T*, std::int64_t, std::int64_t, std::int64_t, T*)
CROSS4D_TUBE_LOOPS(float);
CROSS4D_TUBE_LOOPS(double);
#undef CROSS4D_TUBE_LOOPS

}  // namespace cross4d::p4transformer
