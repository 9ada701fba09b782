#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/fuzz.sh [SECONDS]: builds every fuzz target with clang's libFuzzer and AddressSanitizer, and runs
# each for that long (default 30). What it finds stays in build-fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang++ >/dev/null || { echo "fuzz: needs the package clang" >&2; exit 3; }
cmake --preset fuzz
cmake --build --preset fuzz --target fuzzers
mkdir -p build-fuzz/findings
for program in build-fuzz/bin/fuzz_*; do
  name=$(basename "$program")
  corpus=build-fuzz/corpus/$name
  mkdir -p "$corpus"
  seeds=tests/fuzz/seeds/${name#fuzz_}
  [ ! -d "$seeds" ] || cp "$seeds"/* "$corpus"
  echo "== $name" >&2
  "$program" -max_total_time="${1:-30}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/findings/$name-" "$corpus" 2>&1 | tail -n 12
done
