// SPDX-License-Identifier: Apache-2.0
#include "attention_loops.h"

#include <algorithm>

#include "lanes.h"

namespace cross4d::point4d {
namespace {

/// e^x for x <= 0, relative error about 1e-7 (Cephes' polynomial); below -87 it is about 1e-38.
template <class V>
inline V Exp(V x) {
  using Index = typename Lanes<V>::Index;
  const V lowest = V{} - 87.0f;
  x = x > lowest ? x : lowest;
  // Adding 1.5 * 2^23 leaves the nearest whole number in the low bits.
  constexpr float kRounder = 12582912.0f;
  const V shifted = x * 1.44269504088896341f + kRounder;
  const V n = shifted - kRounder;
  const V r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  V y = r * 1.9875691500e-4f + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * (r * r) + r + 1.0f;
  const Index power = (Load<Index>(&shifted) - 0x4b400000 + 127) << 23;
  return y * Load<V>(&power);
}

inline float Sum(float v) { return v; }
inline float Sum(const Floats& v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

/// Calls body<V>(first column) for whole vectors, then for single columns.
template <class Body>
inline void ForColumns(std::int64_t columns, const Body& body) {
  std::int64_t c = 0;
  for (; c + 8 <= columns; c += 8) body.template operator()<Floats>(c);
  for (; c < columns; ++c) body.template operator()<float>(c);
}

float Greatest(const float* row, std::int64_t columns) {
  Floats best = Floats{} + row[0];
  float rest = row[0];
  std::int64_t c = 0;
  for (; c + 8 <= columns; c += 8) {
    const Floats v = Load<Floats>(row + c);
    best = v > best ? v : best;
  }
  for (; c < columns; ++c) rest = std::max(rest, row[c]);
  for (int i = 0; i < 8; ++i) rest = std::max(rest, best[i]);
  return rest;
}

}  // namespace

void SoftmaxRows(float* scores, std::int64_t rows, std::int64_t columns, float scale) {
  for (std::int64_t r = 0; r < rows; ++r) {
    float* row = scores + r * columns;
    const float top = Greatest(row, columns);
    Floats sums = {};
    float rest = 0;
    ForColumns(columns, [&]<class V>(std::int64_t c) {
      const V e = Exp<V>((Load<V>(row + c) - top) * scale);
      Store(row + c, e);
      if constexpr (Lanes<V>::kWidth > 1) {
        sums += e;
      } else {
        rest += e;
      }
    });
    const float factor = 1 / (Sum(sums) + rest);
    ForColumns(columns,
               [&]<class V>(std::int64_t c) { Store(row + c, Load<V>(row + c) * factor); });
  }
}

void SoftmaxRowsBack(
    const float* p, float* d, std::int64_t rows, std::int64_t columns, float scale) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* pr = p + r * columns;
    float* dr = d + r * columns;
    Floats sums = {};
    float rest = 0;
    ForColumns(columns, [&]<class V>(std::int64_t c) {
      const V product = Load<V>(pr + c) * Load<V>(dr + c);
      if constexpr (Lanes<V>::kWidth > 1) {
        sums += product;
      } else {
        rest += product;
      }
    });
    const float dot = Sum(sums) + rest;
    ForColumns(columns, [&]<class V>(std::int64_t c) {
      Store(dr + c, (Load<V>(dr + c) - dot) * (Load<V>(pr + c) * scale));
    });
  }
}

}  // namespace cross4d::point4d
