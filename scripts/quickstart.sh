#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs experiments/quickstart.toml; the table goes to standard output, the time it took to standard error.
set -euo pipefail
cd "$(dirname "$0")/.."
TIMEFORMAT=$'quickstart: %R s wall, %U s user + %S s system CPU'
status=0
time build/bin/cross4d run experiments/quickstart.toml "$@" || status=$?
echo "quickstart: load $(cut -d' ' -f1-3 /proc/loadavg) on $(nproc) cores" >&2
exit $status
