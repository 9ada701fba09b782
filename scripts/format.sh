#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/format.sh [--check]: clang-format over all sources, those that git does not know yet as well.
set -euo pipefail
cd "$(dirname "$0")/.."
list() { git ls-files -z --cached --others --exclude-standard -- '*.h' '*.cc' '*.cu' '*.cuh'; }
if [ "${1:-}" = --check ]; then
  list | xargs -0 clang-format --dry-run -Werror && echo "format: $(list | tr -cd '\0' | wc -c) files are formatted"
else
  list | xargs -0 clang-format -i
fi
