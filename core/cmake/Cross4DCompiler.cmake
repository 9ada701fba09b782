# Warnings and optimisation: one place.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
add_library(cross4d_warnings INTERFACE)
target_compile_options(
  cross4d_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wno-missing-field-initializers>
                             # GCC 12 sees overlaps in std::string that are none (bug 105651).
                             $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict>
                             $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${CROSS4D_WERROR}>>:-Werror>)

# Determinism: no contraction of multiply-add anywhere, so that results do not depend on inlining.
# x86-64-v3 (AVX2, FMA) is the baseline; CROSS4D_MARCH= (empty) builds for any x86-64.
set(CROSS4D_MARCH "x86-64-v3" CACHE STRING "-march of all C++ code; empty = the compiler's default")
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)
if(CROSS4D_MARCH AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-march=${CROSS4D_MARCH}>)
endif()
if(CROSS4D_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address)
endif()
# A sanitizer's runtime is defined in the program, so plugins then have undefined symbols.
set(CROSS4D_SANITIZED OFF)
if(CROSS4D_FUZZ OR CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
  set(CROSS4D_SANITIZED ON)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A compiler cache needs it with precompiled headers.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
