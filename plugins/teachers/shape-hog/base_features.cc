// SPDX-License-Identifier: Apache-2.0
#include "base_features.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace cross4d::shape_hog {
namespace {

constexpr std::int64_t kBins = 8;
constexpr std::int64_t kWindow = 16, kFrequencies = 5;
constexpr double kPi = 3.14159265358979323846;

/// One number per pixel or per cell, row by row.
struct Plane {
  Plane(std::int64_t h, std::int64_t w)
      : height(h), width(w), v(static_cast<std::size_t>(h * w), 0.0f) {}
  float* row(std::int64_t y) { return v.data() + y * width; }
  const float* row(std::int64_t y) const { return v.data() + y * width; }

  std::int64_t height, width;
  std::vector<float> v;
};

// Binomial blur of 5 taps in both directions, edge values repeated.
Plane Blur5(const Plane& in) {
  const std::int64_t h = in.height, w = in.width;
  Plane across(h, w), out(h, w);
  std::vector<float> padded(static_cast<std::size_t>(w + 4));
  for (std::int64_t y = 0; y < h; ++y) {
    const float* from = in.row(y);
    std::copy(from, from + w, padded.begin() + 2);
    padded[0] = padded[1] = from[0];
    padded[static_cast<std::size_t>(w + 2)] = padded[static_cast<std::size_t>(w + 3)] = from[w - 1];
    const float* p = padded.data();
    float* to = across.row(y);
    for (std::int64_t x = 0; x < w; ++x) {
      to[x] = (p[x] + p[x + 4] + 4 * (p[x + 1] + p[x + 3]) + 6 * p[x + 2]) * 0.0625f;
    }
  }
  for (std::int64_t y = 0; y < h; ++y) {
    const auto at = [&](std::int64_t i) {
      return across.row(std::clamp<std::int64_t>(i, 0, h - 1));
    };
    const float *a = at(y - 2), *b = at(y - 1), *c = at(y), *d = at(y + 1), *e = at(y + 2);
    float* to = out.row(y);
    for (std::int64_t x = 0; x < w; ++x) {
      to[x] = (a[x] + e[x] + 4 * (b[x] + d[x]) + 6 * c[x]) * 0.0625f;
    }
  }
  return out;
}

// The two pooling scales over cells: a blur of about 1 and of about 2 cells.
Plane PoolNear(const Plane& cells) { return Blur5(cells); }
Plane PoolFar(const Plane& near) { return Blur5(Blur5(Blur5(near))); }

Plane CellMeans(const Plane& image) {
  Plane cells(image.height / kCell, image.width / kCell);
  for (std::int64_t y = 0; y < image.height; ++y) {
    const float* from = image.row(y);
    float* to = cells.row(y / kCell);
    for (std::int64_t x = 0; x < cells.width; ++x, from += kCell) {
      to[x] += (from[0] + from[1] + from[2] + from[3]) * (1.0f / (kCell * kCell));
    }
  }
  return cells;
}

// Writes one channel of all cells of a frame.
class CellWriter {
 public:
  CellWriter(float* frame, std::int64_t channels) : out_(frame), channels_(channels) {}
  void Put(const Plane& cells) {
    for (std::size_t i = 0; i < cells.v.size(); ++i) {
      out_[static_cast<std::int64_t>(i) * channels_ + next_] = cells.v[i];
    }
    ++next_;
  }
  /// The next `count` channels of cell `i`.
  float* At(std::int64_t i) { return out_ + i * channels_ + next_; }
  void Skip(std::int64_t count) { next_ += count; }

 private:
  float* out_;
  std::int64_t channels_, next_ = 0;
};

// Which eighth of the circle the gradient points to: signs and the larger component, no arctangent.
int Octant(float gx, float gy) {
  return (gx < 0 ? 4 : 0) + (gy < 0 ? 2 : 0) + (std::fabs(gx) < std::fabs(gy) ? 1 : 0);
}

void PutHistograms(const Plane& image, CellWriter& writer) {
  const std::int64_t h = image.height, w = image.width;
  std::vector<Plane> bins(kBins, Plane(h / kCell, w / kCell));
  for (std::int64_t y = 0; y < h; ++y) {
    const float* here = image.row(y);
    const float* above = image.row(std::max<std::int64_t>(y - 1, 0));
    const float* below = image.row(std::min(y + 1, h - 1));
    for (std::int64_t x = 0; x < w; ++x) {
      const float gx = here[std::min(x + 1, w - 1)] - here[std::max<std::int64_t>(x - 1, 0)];
      const float gy = below[x] - above[x];
      if (gx == 0 && gy == 0) continue;
      bins[static_cast<std::size_t>(Octant(gx, gy))].row(y / kCell)[x / kCell] +=
          std::sqrt(gx * gx + gy * gy);
    }
  }
  // The root evens out the few cells with strong edges.
  const auto put = [&writer](Plane plane) {
    for (float& value : plane.v) value = std::sqrt(value);
    writer.Put(plane);
  };
  for (Plane& plane : bins) {
    plane = PoolNear(plane);
    put(plane);
  }
  for (const Plane& plane : bins) put(PoolFar(plane));
}

const std::array<std::array<float, kWindow>, kFrequencies>& DctBasis() {
  static const auto basis = [] {
    std::array<std::array<float, kWindow>, kFrequencies> b{};
    for (std::int64_t k = 0; k < kFrequencies; ++k) {
      for (std::int64_t n = 0; n < kWindow; ++n) {
        const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / kWindow);
        b[static_cast<std::size_t>(k)][static_cast<std::size_t>(n)] =
            static_cast<float>(scale * std::cos(kPi * (static_cast<double>(n) + 0.5) *
                                                static_cast<double>(k) / kWindow));
      }
    }
    return b;
  }();
  return basis;
}

void PutDct(const Plane& image, CellWriter& writer) {
  constexpr std::int64_t kBefore = (kWindow - kCell) / 2;
  const auto& basis = DctBasis();
  const std::int64_t h = image.height, w = image.width, columns = w / kCell, rows = h / kCell;
  // Rows first: across[y][column][k]; pixels outside the image are background.
  std::vector<float> across(static_cast<std::size_t>((h + kWindow) * columns * kFrequencies), 0.0f);
  std::vector<float> padded(static_cast<std::size_t>(w + kWindow), 0.0f);
  const std::int64_t stride = columns * kFrequencies;
  for (std::int64_t y = 0; y < h; ++y) {
    std::copy(image.row(y), image.row(y) + w, padded.begin() + kBefore);
    float* to = across.data() + (y + kBefore) * stride;
    for (std::int64_t column = 0; column < columns; ++column) {
      const float* window = padded.data() + column * kCell;
      for (const auto& wave : basis) {
        float sum = 0;
        for (std::size_t n = 0; n < kWindow; ++n) sum += wave[n] * window[n];
        *to++ = sum;
      }
    }
  }
  std::vector<float> down(static_cast<std::size_t>(stride));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t k = 0; k < kFrequencies; ++k) {
      const auto& wave = basis[static_cast<std::size_t>(k)];
      std::fill(down.begin(), down.end(), 0.0f);
      for (std::int64_t n = 0; n < kWindow; ++n) {
        const float weight = wave[static_cast<std::size_t>(n)];
        const float* from = across.data() + (row * kCell + n) * stride;
        for (std::int64_t i = 0; i < stride; ++i)
          down[static_cast<std::size_t>(i)] += weight * from[i];
      }
      for (std::int64_t column = 0; column < columns; ++column) {
        float* to = writer.At(row * columns + column) + k * kFrequencies;
        for (std::int64_t i = 0; i < kFrequencies; ++i) {
          to[i] = down[static_cast<std::size_t>(column * kFrequencies + i)];
        }
      }
    }
  }
  writer.Skip(kFrequencies * kFrequencies);
}

// Means over cells of the rise (`sign` 1) or fall (-1) from one image to another.
Plane Change(const Plane& from, const Plane& to, float sign) {
  Plane change(from.height, from.width);
  for (std::size_t i = 0; i < change.v.size(); ++i) {
    change.v[i] = std::max(0.0f, sign * (to.v[i] - from.v[i]));
  }
  return CellMeans(change);
}

void PutPosition(std::int64_t rows, std::int64_t columns, CellWriter& writer) {
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    const double x =
        (static_cast<double>(i % columns) + 0.5) * 2 / static_cast<double>(columns) - 1;
    const double y = (static_cast<double>(i / columns) + 0.5) * 2 / static_cast<double>(rows) - 1;
    float* to = writer.At(i);
    *to++ = static_cast<float>(x);
    *to++ = static_cast<float>(y);
    for (const double at : {x, y}) {
      for (const double octave : {1.0, 2.0}) {
        *to++ = static_cast<float>(std::sin(kPi * octave * at));
        *to++ = static_cast<float>(std::cos(kPi * octave * at));
      }
    }
  }
  writer.Skip(10);
}

Plane Difference(const Plane& a, const Plane& b) {
  Plane d(a.height, a.width);
  for (std::size_t i = 0; i < d.v.size(); ++i) d.v[i] = a.v[i] - b.v[i];
  return d;
}

// What several channels share of one frame.
struct Frame {
  explicit Frame(const FrameStack& clip, std::int64_t t)
      : image(clip.height, clip.width), smooth(0, 0), depth(0, 0), occupancy(0, 0) {
    std::copy_n(clip.pixels + t * clip.frame_stride, image.v.size(), image.v.begin());
    smooth = Blur5(image);
    Plane occupied = image;
    for (float& value : occupied.v) value = value > 0 ? 1.0f : 0.0f;
    depth = CellMeans(image);
    occupancy = CellMeans(occupied);
  }
  Plane image, smooth, depth, occupancy;
};

void PutMotion(const std::vector<Frame>& frames, std::int64_t t, CellWriter& writer) {
  for (const std::int64_t lag : {1, 2}) {
    const Frame& now = frames[static_cast<std::size_t>(t)];
    const Frame& then = frames[static_cast<std::size_t>(std::max<std::int64_t>(0, t - lag))];
    for (const auto plane : {&Frame::depth, &Frame::occupancy}) {
      const Plane near = PoolNear(Difference(now.*plane, then.*plane));
      writer.Put(near);
      writer.Put(PoolFar(near));
    }
  }
}

}  // namespace

std::int64_t Channels(bool motion) { return kBaseChannels + (motion ? kMotionChannels : 0); }

std::vector<float> BaseFeatures(const FrameStack& clip, bool motion) {
  const std::int64_t rows = clip.height / kCell, columns = clip.width / kCell;
  const std::int64_t channels = Channels(motion), frame_size = rows * columns * channels;
  std::vector<float> features(static_cast<std::size_t>(clip.frames * frame_size));
  std::vector<Frame> frames;
  for (std::int64_t t = 0; t < clip.frames; ++t) frames.emplace_back(clip, t);
  for (std::int64_t t = 0; t < clip.frames; ++t) {
    CellWriter writer(features.data() + t * frame_size, channels);
    const Frame& now = frames[static_cast<std::size_t>(t)];
    const Frame& last = frames[static_cast<std::size_t>(std::max<std::int64_t>(t - 1, 0))];
    const Frame& next = frames[static_cast<std::size_t>(std::min(t + 1, clip.frames - 1))];
    PutHistograms(now.image, writer);
    PutHistograms(now.smooth, writer);
    PutDct(now.image, writer);
    for (const Plane* cells : {&now.depth, &now.occupancy}) {
      const Plane near = PoolNear(*cells);
      writer.Put(*cells);
      writer.Put(near);
      writer.Put(PoolFar(near));
    }
    for (const float sign : {1.0f, -1.0f}) {
      for (const Plane& change :
           {Change(last.smooth, now.smooth, sign), Change(now.smooth, next.smooth, sign)}) {
        const Plane near = PoolNear(change);
        writer.Put(near);
        writer.Put(PoolFar(near));
      }
    }
    PutPosition(rows, columns, writer);
    if (motion) PutMotion(frames, t, writer);
  }
  return features;
}

}  // namespace cross4d::shape_hog
