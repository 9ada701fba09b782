// SPDX-License-Identifier: Apache-2.0
#include "core/pretext/momentum.h"

#include <cross4d/sdk/error.h>

#include <ATen/ATen.h>

namespace cross4d::pretext {

std::shared_ptr<Student> MakeTeacher(const ObjectiveShape& shape,
                                     const Student& student,
                                     bool copy) {
  if (!shape.make_student) {
    throw Error(ErrorCode::kInternal, "ObjectiveShape::make_student is empty");
  }
  std::shared_ptr<Student> teacher = shape.make_student();
  for (torch::Tensor& p : teacher->parameters()) p.set_requires_grad(false);
  if (copy) MoveTeacher(*teacher, student, 0);
  teacher->eval();
  return teacher;
}

void MoveTeacher(Student& teacher, const Student& student, double momentum) {
  const torch::NoGradGuard no_grad;
  const auto parameters = student.named_parameters();
  for (auto& item : teacher.named_parameters()) {
    // a + (b - a) * weight, as lerp computes it, ends exactly at b for weight 1.
    item.value().lerp_(parameters[item.key()], 1 - momentum);
  }
  const auto buffers = student.named_buffers();
  for (auto& item : teacher.named_buffers()) item.value().copy_(buffers[item.key()]);
}

}  // namespace cross4d::pretext
