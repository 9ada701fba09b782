// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>

/// Sine, cosine and rotations from IEEE basic arithmetic only: mathematical libraries differ in the
/// last bit, and one bit is enough to move a point to another pixel.
namespace cross4d::synthetic4d {

inline constexpr double kPi = 3.14159265358979323846;

/// sin(x) to about 1e-15 for moderate x (|x| < 1e6).
inline double Sin(double x) {
  const double turns = std::floor(x / kPi + 0.5);
  const double r = x - turns * kPi;  // [-pi/2, pi/2]
  const double r2 = r * r;
  double term = r, sum = r;
  for (int n = 2; n <= 20; n += 2) {
    term *= -r2 / (n * (n + 1.0));
    sum += term;
  }
  const bool odd = turns - 2.0 * std::floor(turns * 0.5) != 0.0;
  return odd ? -sum : sum;
}
inline double Cos(double x) { return Sin(x + 0.5 * kPi); }

struct Vec3 {
  double x = 0, y = 0, z = 0;
  Vec3 operator+(const Vec3& o) const { return {x + o.x, y + o.y, z + o.z}; }
  Vec3 operator-(const Vec3& o) const { return {x - o.x, y - o.y, z - o.z}; }
  Vec3 operator*(double s) const { return {x * s, y * s, z * s}; }
};

/// Row-major rotation.
struct Mat3 {
  std::array<double, 9> m{1, 0, 0, 0, 1, 0, 0, 0, 1};
  Vec3 operator*(const Vec3& v) const {
    return {m[0] * v.x + m[1] * v.y + m[2] * v.z,
            m[3] * v.x + m[4] * v.y + m[5] * v.z,
            m[6] * v.x + m[7] * v.y + m[8] * v.z};
  }
  Mat3 operator*(const Mat3& o) const {
    Mat3 r;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        r.m[3 * i + j] = m[3 * i] * o.m[j] + m[3 * i + 1] * o.m[3 + j] + m[3 * i + 2] * o.m[6 + j];
      }
    }
    return r;
  }
};

inline Mat3 RotateX(double a) {
  const double s = Sin(a), c = Cos(a);
  return {{1, 0, 0, 0, c, -s, 0, s, c}};
}
inline Mat3 RotateY(double a) {
  const double s = Sin(a), c = Cos(a);
  return {{c, 0, s, 0, 1, 0, -s, 0, c}};
}
inline Mat3 RotateZ(double a) {
  const double s = Sin(a), c = Cos(a);
  return {{c, -s, 0, s, c, 0, 0, 0, 1}};
}

}  // namespace cross4d::synthetic4d
