// SPDX-License-Identifier: Apache-2.0
#include "actions.h"

#include <algorithm>

namespace cross4d::synthetic4d {
namespace {

constexpr int kRight = 1, kLeft = 0;

// Smooth step from 0 at `from` to 1 at `to`.
double Ramp(double t, double from, double to) {
  const double u = std::clamp((t - from) / (to - from), 0.0, 1.0);
  return u * u * (3 - 2 * u);
}
// Up from `a` to `b`, down again from `c` to `d`.
double Bump(double t, double a, double b, double c, double d) {
  return Ramp(t, a, b) - Ramp(t, c, d);
}

struct Clock {
  double t;
  const Style& style;
  // A repeated motion of `cycles` per clip, -1..1.
  double Swing(double cycles) const {
    return Sin(2 * kPi * cycles * style.tempo * t + style.phase);
  }
};

using Action = void (*)(const Clock&, Pose&);

void Wave(const Clock& c, Pose& p) {
  const double a = c.style.amplitude;
  p.arms[kRight].abduction += 1.9 + c.style.raise;
  p.arms[kRight].sweep += 0.75 + 0.65 * a * c.Swing(2.5);
}

void Hammer(const Clock& c, Pose& p) {
  const double a = c.style.amplitude, s = c.Swing(2.0);
  p.arms[kRight].flexion += 1.35 + c.style.raise + 0.65 * a * s;
  p.arms[kRight].bend += 1.2 + 0.5 * a * s;
  p.arms[kLeft].flexion += 0.5;
  p.arms[kLeft].bend += 1.0;
}

void Punch(const Clock& c, Pose& p) {
  const double a = c.style.amplitude;
  const double out = Bump(c.t, 0.15, 0.35, 0.40, 0.6) + Bump(c.t, 0.6, 0.75, 0.8, 0.95);
  p.arms[kRight].flexion += 0.6 + (0.9 + c.style.raise) * out;
  p.arms[kRight].bend += 2.0 - 1.8 * std::min(1.0, a * out);
  p.arms[kLeft].flexion += 0.6;
  p.arms[kLeft].bend += 2.0;
  p.twist += 0.6 * a * (out - 0.3);
}

void Throw(const Clock& c, Pose& p) {
  const double a = c.style.amplitude;
  const double back = Bump(c.t, 0.1, 0.4, 0.45, 0.6);
  const double forward = Bump(c.t, 0.45, 0.62, 0.7, 0.95);
  p.arms[kRight].flexion += (2.5 + c.style.raise) * a * back + 1.1 * a * forward;
  p.arms[kRight].bend += 1.6 * back;
  p.arms[kRight].abduction += 0.4 * back;
  p.twist += -0.6 * a * back + 0.6 * a * forward;
  p.pitch += 0.35 * a * forward;
}

void Clap(const Clock& c, Pose& p) {
  const double open = 0.30 + 0.30 * c.style.amplitude * c.Swing(3.0);
  for (Limb& arm : p.arms) {
    arm.flexion += 1.15 + c.style.raise;
    arm.abduction += open - 0.25;
    arm.bend += 0.5;
  }
}

void Bow(const Clock& c, Pose& p) {
  const double down = Bump(c.t, 0.1, 0.45, 0.55, 0.9);
  p.pitch += 1.15 * c.style.amplitude * down;
  for (Limb& arm : p.arms) arm.flexion += (0.3 + c.style.raise) * down;
}

void Kick(const Clock& c, Pose& p) {
  const double a = c.style.amplitude;
  const double back = Bump(c.t, 0.1, 0.3, 0.35, 0.5);
  const double forward = Bump(c.t, 0.35, 0.55, 0.6, 0.9);
  p.legs[kRight].flexion += -0.5 * a * back + (1.25 + c.style.raise) * a * forward;
  p.legs[kRight].bend += 1.1 * back + 0.15 * forward;
  p.arms[kLeft].flexion += 0.5 * forward;
  p.pitch -= 0.15 * forward;
}

void Walk(const Clock& c, Pose& p) {
  const double a = c.style.amplitude, s = c.Swing(1.5);
  for (const int side : {kLeft, kRight}) {
    const double sign = side == kRight ? s : -s;
    p.legs[side].flexion += 0.1 + 0.5 * a * sign;
    p.legs[side].bend += 0.15 + 0.5 * a * std::max(0.0, -sign);
    p.arms[side].flexion -= 0.45 * a * sign;
    p.arms[side].bend += 0.2;
  }
  p.advance += 0.7 * a * (c.t - 0.5);
}

void Squat(const Clock& c, Pose& p) {
  const double down = c.style.amplitude * Bump(c.t, 0.1, 0.45, 0.55, 0.9);
  for (Limb& leg : p.legs) {
    leg.flexion += 1.4 * down;
    leg.bend += 1.9 * down;
  }
  p.pitch += 0.4 * down;
  for (Limb& arm : p.arms) arm.flexion += (1.2 + c.style.raise) * down;
}

void Jump(const Clock& c, Pose& p) {
  const double a = c.style.amplitude;
  const double crouch = Bump(c.t, 0.1, 0.3, 0.32, 0.45) + 0.7 * Bump(c.t, 0.62, 0.72, 0.75, 0.9);
  const double u = std::clamp((c.t - 0.38) / 0.3, 0.0, 1.0);
  for (Limb& leg : p.legs) {
    leg.flexion += 0.9 * a * crouch;
    leg.bend += 1.3 * a * crouch;
  }
  p.lift += 1.4 * a * u * (1 - u);
  p.pitch += 0.35 * crouch;
  for (Limb& arm : p.arms) {
    arm.flexion += -0.5 * crouch + (2.2 + c.style.raise) * a * Bump(c.t, 0.35, 0.5, 0.55, 0.75);
  }
}

constexpr std::array<Action, 10> kActions{
    Wave, Hammer, Punch, Throw, Clap, Bow, Kick, Walk, Squat, Jump};
static_assert(kActions.size() == kActionNames.size());

double Limited(RandomStream& random, double spread) {
  return spread * std::clamp(random.Normal(), -2.0, 2.0);
}

// Two draws from the stream, as a fixed share of person and clip.
double Mixed(RandomStream& person, RandomStream& clip, double spread) {
  const double own = Limited(person, spread);
  return own + Limited(clip, spread / 3);
}

}  // namespace

Style MakeStyle(double spread, RandomStream person, RandomStream clip) {
  Style style;
  style.amplitude = std::max(0.3, 1 + Mixed(person, clip, spread));
  style.tempo = std::max(0.3, 1 + Mixed(person, clip, spread));
  style.phase = clip.Uniform(0, 2 * kPi);
  style.raise = Mixed(person, clip, spread);
  for (const int side : {kLeft, kRight}) {
    Limb& arm = style.rest.arms[side];
    arm.flexion = Mixed(person, clip, spread * 0.6);
    arm.abduction = 0.15 + Mixed(person, clip, spread * 0.4);
    arm.bend = std::max(0.0, 0.25 + Mixed(person, clip, spread));
    Limb& leg = style.rest.legs[side];
    leg.flexion = Mixed(person, clip, spread * 0.3);
    leg.abduction = std::max(0.0, 0.06 + Mixed(person, clip, spread * 0.3));
    leg.bend = std::max(0.0, 0.05 + Mixed(person, clip, spread * 0.4));
  }
  style.rest.pitch = Mixed(person, clip, spread * 0.4);
  style.rest.twist = Mixed(person, clip, spread * 0.4);
  return style;
}

Pose ActionPose(std::int64_t action, double time, const Style& style) {
  Pose pose = style.rest;
  kActions.at(static_cast<std::size_t>(action))({time, style}, pose);
  return pose;
}

}  // namespace cross4d::synthetic4d
