// SPDX-License-Identifier: Apache-2.0
// The loops of the point 4D convolution, in a unit of their own without LibTorch. T is float or
// double; displacements are [groups, j, 4], weights and their gradient [4, channels].
#pragma once

#include <cstdint>

namespace cross4d::p4transformer {

/// out [groups, channels] = the greatest product of a channel's weights with one of the group's j
/// displacements, the first of them on a tie; which [groups, channels] = its number, if not null.
template <class T>
void GreatestProducts(const T* displacements,
                      const T* weights,
                      std::int64_t groups,
                      std::int64_t j,
                      std::int64_t channels,
                      T* out,
                      std::int16_t* which);

/// Adds to `sums` what GreatestProducts sends back to the weights.
template <class T>
void AddWeightGradient(const T* displacements,
                       const std::int16_t* which,
                       const T* gradient,
                       std::int64_t groups,
                       std::int64_t j,
                       std::int64_t channels,
                       double* sums);

/// Adds to `out` [groups, j, 4] what it sends back to the displacements.
template <class T>
void AddDisplacementGradient(const T* weights,
                             const std::int16_t* which,
                             const T* gradient,
                             std::int64_t groups,
                             std::int64_t j,
                             std::int64_t channels,
                             T* out);

}  // namespace cross4d::p4transformer
