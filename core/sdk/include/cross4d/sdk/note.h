// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// The ELF note that every plugin carries (section .note.cross4d, owner "Cross4D", type 1): text,
/// one `key=value` per line. The host reads it without loading the library and refuses a mismatch
/// with both values printed. Keys: role, id, version, sdk, compiler, cxx11abi, cxx, libtorch, cuda,
/// sanitizer, provides, requires, doc.
#define CROSS4D_SDK_VERSION "1.0"
#define CROSS4D_SDK_MAJOR 1
#define CROSS4D_NOTE_OWNER "Cross4D"
#define CROSS4D_NOTE_TYPE 1

#define CROSS4D_STR_(x) #x
#define CROSS4D_STR(x) CROSS4D_STR_(x)

#if defined(__clang__)
#define CROSS4D_COMPILER "clang-" CROSS4D_STR(__clang_major__)
#elif defined(__GNUC__)
#define CROSS4D_COMPILER "gcc-" CROSS4D_STR(__GNUC__)
#endif

#if defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define CROSS4D_CXX11ABI "1"
#else
#define CROSS4D_CXX11ABI "0"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define CROSS4D_SANITIZER "address"
#else
#define CROSS4D_SANITIZER "none"
#endif

/// "2.11.0" and "none" or "13.0"; set by the build (Cross4D::sdk carries them).
#ifndef CROSS4D_LIBTORCH_VERSION
#define CROSS4D_LIBTORCH_VERSION "none"
#endif
#ifndef CROSS4D_CUDA_VERSION
#define CROSS4D_CUDA_VERSION "none"
#endif

/// What the host compares, in the form both sides compile.
#define CROSS4D_BUILD_TEXT                                                                 \
  "sdk=" CROSS4D_SDK_VERSION "\ncompiler=" CROSS4D_COMPILER "\ncxx11abi=" CROSS4D_CXX11ABI \
  "\ncxx=" CROSS4D_STR(__cplusplus) "\nlibtorch=" CROSS4D_LIBTORCH_VERSION                 \
                                    "\ncuda=" CROSS4D_CUDA_VERSION                         \
                                    "\nsanitizer=" CROSS4D_SANITIZER "\n"

/// Puts the note into the library. `text` is a string literal.
#define CROSS4D_EMIT_NOTE(text)                                                                    \
  namespace {                                                                                      \
  struct Cross4DNote {                                                                             \
    std::uint32_t name_size, text_size, type;                                                      \
    char name[8];                                                                                  \
    char body[(sizeof(text) + 3) / 4 * 4];                                                         \
  };                                                                                               \
  __attribute__((section(".note.cross4d"), used, aligned(4)))                                      \
  const Cross4DNote cross4d_note = {8, sizeof(text), CROSS4D_NOTE_TYPE, CROSS4D_NOTE_OWNER, text}; \
  }
