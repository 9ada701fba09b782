#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Farthest point sampling and neighbours against fpsample and SciPy, in one run on one thread.

Usage: fps_bench.py --bench BUILD/bin/bench_fps [--venv FOLDER]
Installs the peers (fpsample, numpy, scipy) into a virtual environment of its own, checks that the
indices are the same, and prints milliseconds and ratios.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

PEERS = ["fpsample==1.0.2", "numpy", "scipy"]


def enter_venv(folder):
    """Starts this script again inside the virtual environment that holds the peers."""
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    have = subprocess.run([python, "-c", "import fpsample, numpy, scipy"], capture_output=True)
    if have.returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    os.environ["CROSS4D_BENCH_VENV"] = folder
    os.execv(python, [python, *sys.argv])


def best_ms(work, rounds=9):
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def surface_clip(np, frames, points, seed):
    """Points on moving ellipsoids: body-like surfaces, no two alike."""
    rng = np.random.default_rng(seed)
    part = rng.integers(0, 8, points)
    direction = rng.normal(size=(points, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    size = rng.uniform(0.05, 0.3, (8, 3))
    place = rng.uniform(-0.6, 0.6, (8, 3))
    drift = rng.normal(scale=0.02, size=(8, 3))
    clip = [direction * size[part] + (place + drift * t)[part] for t in range(frames)]
    return np.ascontiguousarray(np.stack(clip), dtype=np.float32)


def compare(np, fpsample, tree, bench, frames, points, m, k):
    clip = surface_clip(np, frames, points, seed=points + m)
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, n) for n in ("points.f32", "picked.i32", "neighbours.i32")]
        clip.tofile(names[0])
        ours = json.loads(
            subprocess.run(
                [bench, names[0], str(frames), str(m), str(k), names[1], names[2]],
                check=True, capture_output=True, text=True).stdout)
        picked = np.fromfile(names[1], np.int32).reshape(frames, m)
        neighbours = np.fromfile(names[2], np.int32).reshape(frames, m, k)
    plain = [fpsample.fps_sampling(f, m, start_idx=0) for f in clip]
    same_picks = all((a == b).all() for a, b in zip(plain, picked))
    queries = [f[p] for f, p in zip(clip, picked)]
    near = [tree(f).query(q, k)[1] for f, q in zip(clip, queries)]
    same_near = float(np.mean([(a == b).mean() for a, b in zip(near, neighbours)]))
    height = 5 if points <= 4096 else 7
    plain_ms = best_ms(lambda: [fpsample.fps_sampling(f, m, start_idx=0) for f in clip])
    bucket_ms = best_ms(
        lambda: [fpsample.bucket_fps_kdline_sampling(f, m, height, start_idx=0) for f in clip])
    tree_ms = best_ms(lambda: [tree(f).query(q, k) for f, q in zip(clip, queries)])
    print(f"{frames} x {points} -> {m}, k = {k}: FPS {ours['fps_ms']:.2f} ms | fpsample plain "
          f"{plain_ms:.2f} ({plain_ms / ours['fps_ms']:.1f} x) | bucket {bucket_ms:.2f} "
          f"({bucket_ms / ours['fps_ms']:.1f} x) | same indices as plain: {same_picks}")
    print(f"    neighbours {ours['knn_ms']:.2f} ms | SciPy k-d tree {tree_ms:.2f} "
          f"({tree_ms / ours['knn_ms']:.1f} x) | equal entries {same_near:.4f} | splat "
          f"{ours['splat_ms_per_frame']:.3f} ms per frame, shading {ours['shade_ms_per_frame']:.3f}")
    return same_picks


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True, help="the program bench_fps")
    parser.add_argument("--venv", default=os.path.join(tempfile.gettempdir(), "cross4d-bench-venv"))
    args = parser.parse_args()
    if os.environ.get("CROSS4D_BENCH_VENV") != args.venv:
        enter_venv(args.venv)
    import fpsample
    import numpy as np
    from scipy.spatial import cKDTree
    sizes = [(24, 2048, 256, 32), (24, 2048, 64, 32), (8, 256, 64, 10), (2, 16384, 1024, 32)]
    same = [compare(np, fpsample, cKDTree, args.bench, *s) for s in sizes]
    sys.exit(0 if all(same) else 1)


if __name__ == "__main__":
    main()
