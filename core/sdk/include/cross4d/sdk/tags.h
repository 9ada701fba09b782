// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Tags stand in a plugin's note as `provides=` and `requires=` (comma-separated). The orchestrator
/// checks that what a run's objective requires is provided by its student, teacher or data set, and
/// plans stages from them, all without loading a library.
namespace cross4d {
inline namespace v1 {
namespace tags {

// Required by an objective; they decide which stages its encoder needs.
inline constexpr const char* kTokenTargets =
    "token-targets";  ///< per-token (or per-point) teacher features
inline constexpr const char* kClipTargets = "clip-targets";  ///< one teacher embedding per clip
inline constexpr const char* kFrameTargets =
    "frame-targets";  ///< teacher embeddings per camera and frame, and what each camera sees
// Provided by an objective.
inline constexpr const char* kUntrained = "untrained";  ///< no pretraining: initial weights
// Provided by a student.
inline constexpr const char* kTokens = "tokens";      ///< dense tokens with centres and frames
inline constexpr const char* kMaskable = "maskable";  ///< Embed and Encode (student.h)
// Provided by a teacher.
inline constexpr const char* kFrameTokens = "frame-tokens";  ///< patch tokens per frame (T' = T)
inline constexpr const char* kVideoInput = "video-input";  ///< takes whole clips (T' = T / tubelet)
// Provided by a data set.
inline constexpr const char* kPartLabels = "part-labels";
inline constexpr const char* kCorrespondence = "correspondence";

}  // namespace tags
}  // namespace v1
}  // namespace cross4d
