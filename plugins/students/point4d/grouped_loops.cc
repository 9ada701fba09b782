// SPDX-License-Identifier: Apache-2.0
#include "grouped_loops.h"

#include "lanes.h"

namespace cross4d::point4d {
namespace {

/// Calls body<V, n>(first channel): strips of n vectors V that stay in registers, n = 4 while that
/// many are left, then 1, then single channels.
template <class Body>
inline void ForStrips(std::int64_t channels, const Body& body) {
  std::int64_t c = 0;
  for (; c + 32 <= channels; c += 32) body.template operator()<Floats, 4>(c);
  for (; c + 8 <= channels; c += 8) body.template operator()<Floats, 1>(c);
  for (; c < channels; ++c) body.template operator()<float, 1>(c);
}

inline const float* PointRow(const GroupedPoints& z, std::int64_t row) {
  return z.points + z.rows[row] * z.channels;
}

template <class V, int n>
inline void AddTo(float* sum, const V (&part)[n]) {
  constexpr std::int64_t w = Lanes<V>::kWidth;
  for (int i = 0; i < n; ++i) Store(sum + i * w, Load<V>(sum + i * w) + part[i]);
}

}  // namespace

void AddGroupSums(const GroupedPoints& z, std::int64_t first, std::int64_t last, float* sum) {
  ForStrips(z.channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    V acc[n] = {};
    for (std::int64_t g = first; g < last; ++g) {
      const float* centre = z.centres + g * z.channels + c;
      for (std::int64_t j = g * z.k; j < (g + 1) * z.k; ++j) {
        const float* point = PointRow(z, j) + c;
        for (int i = 0; i < n; ++i) acc[i] += Load<V>(point + i * w) - Load<V>(centre + i * w);
      }
    }
    AddTo(sum + c, acc);
  });
}

void AddGroupSquares(
    const GroupedPoints& z, std::int64_t first, std::int64_t last, const float* mean, float* sum) {
  ForStrips(z.channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    V acc[n] = {};
    for (std::int64_t g = first; g < last; ++g) {
      const float* centre = z.centres + g * z.channels + c;
      V middle[n];
      for (int i = 0; i < n; ++i) middle[i] = Load<V>(centre + i * w) + Load<V>(mean + c + i * w);
      for (std::int64_t j = g * z.k; j < (g + 1) * z.k; ++j) {
        const float* point = PointRow(z, j) + c;
        for (int i = 0; i < n; ++i) {
          const V d = Load<V>(point + i * w) - middle[i];
          acc[i] += d * d;
        }
      }
    }
    AddTo(sum + c, acc);
  });
}

void ActivateGroups(const GroupedPoints& z,
                    std::int64_t first,
                    std::int64_t last,
                    const float* scale,
                    const float* shift,
                    float* out) {
  ForStrips(z.channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    V scales[n], here[n];
    for (int i = 0; i < n; ++i) scales[i] = Load<V>(scale + c + i * w);
    float* to = out + c;
    for (std::int64_t g = first; g < last; ++g) {
      const float* centre = z.centres + g * z.channels + c;
      for (int i = 0; i < n; ++i) {
        here[i] = Load<V>(shift + c + i * w) - Load<V>(centre + i * w) * scales[i];
      }
      for (std::int64_t j = g * z.k; j < (g + 1) * z.k; ++j, to += z.channels) {
        const float* point = PointRow(z, j) + c;
        for (int i = 0; i < n; ++i) {
          const V y = Load<V>(point + i * w) * scales[i] + here[i];
          Store(to + i * w, y > V{} ? y : V{});
        }
      }
    }
  });
}

void AddSums(const float* z, std::int64_t rows, std::int64_t channels, float* sum) {
  ForStrips(channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    V acc[n] = {};
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* row = z + r * channels + c;
      for (int i = 0; i < n; ++i) acc[i] += Load<V>(row + i * w);
    }
    AddTo(sum + c, acc);
  });
}

void AddSquares(
    const float* z, std::int64_t rows, std::int64_t channels, const float* mean, float* sum) {
  ForStrips(channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    V acc[n] = {}, middle[n];
    for (int i = 0; i < n; ++i) middle[i] = Load<V>(mean + c + i * w);
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* row = z + r * channels + c;
      for (int i = 0; i < n; ++i) {
        const V d = Load<V>(row + i * w) - middle[i];
        acc[i] += d * d;
      }
    }
    AddTo(sum + c, acc);
  });
}

void Activate(const float* z,
              std::int64_t rows,
              std::int64_t channels,
              const float* scale,
              const float* shift,
              float* out) {
  ForStrips(channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    V scales[n], shifts[n];
    for (int i = 0; i < n; ++i) scales[i] = Load<V>(scale + c + i * w);
    for (int i = 0; i < n; ++i) shifts[i] = Load<V>(shift + c + i * w);
    for (std::int64_t at = c; at < rows * channels; at += channels) {
      for (int i = 0; i < n; ++i) {
        const V y = Load<V>(z + at + i * w) * scales[i] + shifts[i];
        Store(out + at + i * w, y > V{} ? y : V{});
      }
    }
  });
}

void FindExtremes(const float* z,
                  std::int64_t groups,
                  std::int64_t k,
                  std::int64_t channels,
                  const float* sign,
                  float* extreme,
                  std::int32_t* row) {
  ForStrips(channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    using Index = typename Lanes<V>::Index;
    V signs[n];
    for (int i = 0; i < n; ++i) signs[i] = Load<V>(sign + c + i * w);
    for (std::int64_t g = 0; g < groups; ++g) {
      const float* in = z + g * k * channels + c;
      V best[n];
      Index at[n] = {}, here = {};
      for (int i = 0; i < n; ++i) best[i] = Load<V>(in + i * w) * signs[i];
      for (std::int64_t j = 1; j < k; ++j) {
        in += channels;
        here += 1;
        for (int i = 0; i < n; ++i) {
          const V v = Load<V>(in + i * w) * signs[i];
          at[i] = v > best[i] ? here : at[i];
          best[i] = v > best[i] ? v : best[i];
        }
      }
      for (int i = 0; i < n; ++i) {
        Store(extreme + g * channels + c + i * w, best[i] * signs[i]);
        Store(row + g * channels + c + i * w, at[i]);
      }
    }
  });
}

void ScatterExtremes(const float* value,
                     const std::int32_t* row,
                     std::int64_t groups,
                     std::int64_t k,
                     std::int64_t channels,
                     const float* weight,
                     const float* input,
                     std::int64_t inputs,
                     float* d_input,
                     float* d_weight) {
  for (std::int64_t g = 0; g < groups; ++g) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float v = value[g * channels + c];
      if (v == 0) continue;
      const std::int64_t r = g * k + row[g * channels + c];
      const float *w = weight + c * inputs, *h = input + r * inputs;
      float *dh = d_input + r * inputs, *dw = d_weight + c * inputs;
      ForStrips(inputs, [&]<class V, int n>(std::int64_t at) {
        for (std::int64_t i = at; i < at + n * Lanes<V>::kWidth; i += Lanes<V>::kWidth) {
          Store(dh + i, Load<V>(dh + i) + v * Load<V>(w + i));
          Store(dw + i, Load<V>(dw + i) + v * Load<V>(h + i));
        }
      });
    }
  }
}

void BackThroughRelu(const float* z,
                     const float* h,
                     std::int64_t rows,
                     std::int64_t channels,
                     const float* offset,
                     const float* mean,
                     float* dh,
                     NormSums sums) {
  ForStrips(channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    V d_shift[n] = {}, d_z[n] = {};
    for (std::int64_t r = 0; r < rows; ++r) {
      for (int i = 0; i < n; ++i) {
        const std::int64_t at = r * channels + c + i * w;
        const V dy = Load<V>(h + at) > V{} ? Load<V>(dh + at) - Load<V>(offset + c + i * w) : V{};
        Store(dh + at, dy);
        d_shift[i] += dy;
        d_z[i] += dy * (Load<V>(z + at) - Load<V>(mean + c + i * w));
      }
    }
    AddTo(sums.d_shift + c, d_shift);
    AddTo(sums.d_z + c, d_z);
  });
}

void BackThroughReluGroups(const GroupedPoints& z,
                           std::int64_t first,
                           std::int64_t last,
                           const float* h,
                           const float* offset,
                           const float* mean,
                           float* dh,
                           NormSums sums) {
  ForStrips(z.channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    V d_shift[n] = {}, d_z[n] = {};
    std::int64_t row = c;
    for (std::int64_t g = first; g < last; ++g) {
      const float* centre = z.centres + g * z.channels + c;
      for (std::int64_t j = g * z.k; j < (g + 1) * z.k; ++j, row += z.channels) {
        const float* point = PointRow(z, j) + c;
        for (int i = 0; i < n; ++i) {
          const std::int64_t at = row + i * w;
          const V dy = Load<V>(h + at) > V{} ? Load<V>(dh + at) - Load<V>(offset + c + i * w) : V{};
          Store(dh + at, dy);
          d_shift[i] += dy;
          d_z[i] +=
              dy * ((Load<V>(point + i * w) - Load<V>(centre + i * w)) - Load<V>(mean + c + i * w));
        }
      }
    }
    AddTo(sums.d_shift + c, d_shift);
    AddTo(sums.d_z + c, d_z);
  });
}

void BackThroughNorm(
    const float* z, std::int64_t rows, std::int64_t channels, const NormBack& norm, float* dy) {
  ForStrips(channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    for (std::int64_t at = c; at < rows * channels; at += channels) {
      for (int i = 0; i < n; ++i) {
        const std::int64_t here = at + i * w, column = c + i * w;
        const V dz =
            (Load<V>(norm.scale + column) * Load<V>(dy + here) - Load<V>(norm.b + column)) -
            Load<V>(norm.a + column) * Load<V>(z + here);
        Store(dy + here, dz);
      }
    }
  });
}

void BackThroughNormGroups(const GroupedPoints& z,
                           std::int64_t first,
                           std::int64_t last,
                           const NormBack& norm,
                           const float* dy,
                           float* d_points,
                           float* d_centres) {
  ForStrips(z.channels, [&]<class V, int n>(std::int64_t c) {
    constexpr std::int64_t w = Lanes<V>::kWidth;
    const float* in = dy + c;
    for (std::int64_t g = first; g < last; ++g) {
      const float* centre = z.centres + g * z.channels + c;
      V sum[n] = {};
      for (std::int64_t j = g * z.k; j < (g + 1) * z.k; ++j, in += z.channels) {
        const float* point = PointRow(z, j) + c;
        float* d_point = d_points + z.rows[j] * z.channels + c;
        for (int i = 0; i < n; ++i) {
          const std::int64_t at = c + i * w;
          const V value = Load<V>(point + i * w) - Load<V>(centre + i * w);
          const V dz = (Load<V>(norm.scale + at) * Load<V>(in + i * w) - Load<V>(norm.b + at)) -
                       Load<V>(norm.a + at) * value;
          Store(d_point + i * w, Load<V>(d_point + i * w) + dz);
          sum[i] -= dz;
        }
      }
      for (int i = 0; i < n; ++i) Store(d_centres + g * z.channels + c + i * w, sum[i]);
    }
  });
}

}  // namespace cross4d::point4d
