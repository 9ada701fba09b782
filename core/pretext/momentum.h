// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cross4d/sdk/objective.h>
#include <cross4d/sdk/student.h>

#include <memory>

namespace cross4d::pretext {

/// A second student for targets, without gradient, in eval mode as long as nobody calls train().
/// `copy`: it starts from the student's weights, else from its own. The objective registers it, so
/// that it is in the checkpoint.
std::shared_ptr<Student> MakeTeacher(const ObjectiveShape& shape,
                                     const Student& student,
                                     bool copy);

/// Every parameter of the teacher becomes momentum * its own + (1 - momentum) * the student's;
/// buffers (BatchNorm statistics) become the student's.
void MoveTeacher(Student& teacher, const Student& student, double momentum);

}  // namespace cross4d::pretext
