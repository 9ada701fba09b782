#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/bench.sh [NAME…]: builds the measurements of tests/bench and runs them one after the other, all or
# those named; the rest of the tree is built before (make bench). Peers are installed into virtual environments of their own, in the folder for temporary files.
set -euo pipefail
cd "$(dirname "$0")/.."
all=(geometry render teachers point4d p4transformer orchestration ntu utd_mhad)
bin=build/bin
python=.venv/bin/python
export CROSS4D_BINARY_DIR=$PWD/build
data=${CROSS4D_TEST_DATA:-../shared}/data

measure() {
  case $1 in
    geometry) build fps && $python tests/bench/geometry/fps_bench.py --bench $bin/bench_fps ;;
    render) build render && $python tests/bench/render/render_bench.py --bench $bin/bench_render ;;
    teachers) build teachers && $python tests/bench/teachers/teacher_bench.py --bench $bin/bench_teachers ;;
    point4d) build point4d && $bin/bench_point4d A 8 24 2048 3 "$(nproc)" ;;
    p4transformer)
      build p4transformer
      $bin/bench_p4transformer msr 1 24 2048 9 "$(nproc)"
      $bin/bench_p4transformer msr 4 24 2048 5 "$(nproc)"
      ;;
    orchestration) build orchestration && $bin/bench_orchestration ;;
    ntu) build ntu && $bin/bench_ntu ;;
    utd_mhad)
      if [ ! -d "$data/utd-mhad" ]; then
        echo "bench: no $data/utd-mhad; CROSS4D_TEST_DATA names the folder above data/" >&2
      else
        build utd_mhad && $bin/bench_utd_mhad "$data/utd-mhad"
      fi
      ;;
    *)
      echo "bench: '$1' is none of: ${all[*]}" >&2
      exit 2
      ;;
  esac
}

build() { cmake --build --preset release --target "bench_$1" >/dev/null; }

for name in "${@:-${all[@]}}"; do
  echo "== $name"
  measure "$name"
done
