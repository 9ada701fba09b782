#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rendering a clip with correspondence against Open3D and PyTorch3D, in one run on one thread.

Usage: render_bench.py --bench BUILD/bin/bench_render [--venv FOLDER] [--rounds N]
Installs the peers into a virtual environment of its own; those that cannot be installed or do not
start here are left out and named. All get the same points, camera and image size, one after the
other in every round; printed are the medians over the rounds and peer / ours.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# PyTorch3D itself publishes no wheels for Linux; this is its code, built for torch 2.11.
PEERS = [["numpy"], ["open3d-cpu==0.20.0"], ["torch==2.11.0", "easypytorch3d==0.7.9.post1", "iopath"]]
FRAMES, POINTS, SIZE = 24, 2048, 224


def enter_venv(folder):
    """Starts this script again inside the virtual environment that holds the peers."""
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    for group in PEERS:
        subprocess.run([python, "-m", "pip", "install", "-q", *group], check=False)
    os.environ.update(CROSS4D_BENCH_VENV=folder, OMP_NUM_THREADS="1", EGL_PLATFORM="surfaceless")
    os.execv(python, [python, *sys.argv])


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


class Ours:
    def __init__(self, program, points_file):
        self.process = subprocess.Popen([program, points_file, str(FRAMES), str(SIZE)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.camera = json.loads(self.process.stdout.readline())

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def matrices(np, camera):
    rotation = np.array(camera["rotation"]).reshape(3, 3)
    world = np.eye(4)
    world[:3, :3] = rotation
    world[:3, 3] = [0, 0, camera["distance"]] - rotation @ np.array(camera["target"])
    focal, centre = camera["focal_px"], SIZE / 2
    return np.array([[focal, 0, centre], [0, focal, centre], [0, 0, 1.0]]), world


def open3d_projection(np, clip, camera):
    """One pixel per point, depth only: no disc, no index, nothing of what is seen."""
    import open3d as o3d
    k, world = (o3d.core.Tensor(m) for m in matrices(np, camera))
    clouds = [o3d.t.geometry.PointCloud(o3d.core.Tensor(f)) for f in clip]

    def work():
        return [c.project_to_depth_image(SIZE, SIZE, k, world, depth_scale=1.0, depth_max=1e3)
                for c in clouds]
    return work


def open3d_offscreen(np, clip, camera, radius):
    """Filament: square sprites of the disc's width; depth image, no index."""
    import open3d as o3d
    k, world = matrices(np, camera)
    renderer = o3d.visualization.rendering.OffscreenRenderer(SIZE, SIZE)
    renderer.setup_camera(k, world, SIZE, SIZE)
    material = o3d.visualization.rendering.MaterialRecord()
    material.shader, material.point_size = "defaultUnlit", 2 * radius
    clouds = [o3d.geometry.PointCloud(o3d.utility.Vector3dVector(f.astype(np.float64))) for f in clip]

    def work():
        for cloud in clouds:
            renderer.scene.clear_geometry()
            renderer.scene.add_geometry("points", cloud, material)
            np.asarray(renderer.render_to_depth_image())
    return work


def open3d_rays(np, clip, camera, radius):
    """Embree: an octagon per point that faces the camera, one ray per pixel; gives the index."""
    import open3d as o3d
    k, world = matrices(np, camera)
    angle = np.arange(8) * np.pi / 4
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) @ world[:2, :3]
    scale = radius / camera["focal_px"]
    triangles = np.arange(POINTS)[:, None, None] * 8 + np.array([[[0, i, i + 1] for i in range(1, 7)]])
    triangles = o3d.core.Tensor(triangles.reshape(-1, 3).astype(np.uint32))
    rays = o3d.t.geometry.RaycastingScene.create_rays_pinhole(
        o3d.core.Tensor(k), o3d.core.Tensor(world), SIZE, SIZE)

    def work():
        for frame in clip:
            depth = frame @ world[2, :3] + world[2, 3]
            vertices = frame[:, None] + ring[None] * (scale * depth)[:, None, None]
            scene = o3d.t.geometry.RaycastingScene(nthreads=1)
            scene.add_triangles(o3d.core.Tensor(vertices.reshape(-1, 3).astype(np.float32)), triangles)
            scene.cast_rays(rays, nthreads=1)["primitive_ids"].numpy() // 6
    return work


def pytorch3d_points(np, clip, camera, radius):
    """Its CPU rasteriser (`rasterize_points`, one point per pixel): discs, index and depth."""
    import torch
    from pytorch3d import _C
    torch.set_num_threads(1)
    k, world = matrices(np, camera)
    seen = clip @ world[:3, :3].T + world[:3, 3]
    pixel = seen[..., :2] * k[0, 0] / seen[..., 2:] + SIZE / 2
    ndc = np.concatenate([1 - 2 * pixel / SIZE, seen[..., 2:]], -1).astype(np.float32)
    frames = [torch.from_numpy(np.ascontiguousarray(f)) for f in ndc]
    first, count = torch.zeros(1, dtype=torch.int64), torch.full((1,), POINTS)
    radii = torch.full((POINTS,), 2 * radius / SIZE)

    def work():
        return [_C.rasterize_points(f, first, count, (SIZE, SIZE), radii, 1, 0, 0)[0] for f in frames]
    return work


def same_pixels(np, indices, ours, radius, folder):
    """Share of the pixels where the peer names the same point as ours (or background too)."""
    name = os.path.join(folder, "index.i32")
    ours.ask(f"index {radius} {name}")
    mine = np.fromfile(name, np.int32).reshape(FRAMES, SIZE, SIZE)
    theirs = np.stack([i[0, :, :, 0].numpy() for i in indices])
    covered = (mine >= 0) | (theirs >= 0)
    return float((mine == theirs)[covered].mean())


def start(name, make):
    try:
        work = make()
        result = work()
        return work, result
    except Exception as error:  # a peer that does not start must not end the comparison
        print(f"{name}: left out: {str(error).splitlines()[0] if str(error) else error!r}")
        return None, None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True, help="the program bench_render")
    parser.add_argument("--venv", default=os.path.join(tempfile.gettempdir(), "cross4d-render-venv"))
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    if os.environ.get("CROSS4D_BENCH_VENV") != args.venv:
        enter_venv(args.venv)
    import numpy as np
    clip = surface_clip(np, FRAMES, POINTS, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        points_file = os.path.join(folder, "points.f32")
        clip.tofile(points_file)
        ours = Ours(args.bench, points_file)
        camera = ours.camera
        radius = camera["automatic_radius_px"]
        peers = {
            "Open3D project_to_depth_image, 1 px": lambda: open3d_projection(np, clip, camera),
            "Open3D OffscreenRenderer": lambda: open3d_offscreen(np, clip, camera, radius),
            "Open3D RaycastingScene": lambda: open3d_rays(np, clip, camera, radius),
            "PyTorch3D rasterize_points": lambda: pytorch3d_points(np, clip, camera, radius),
        }
        mine = {f"ours, splat and correspondence, r = {radius:.2f} px": f"splat {radius}",
                "ours, the same with cameras and shaded images": f"full {radius}",
                "ours, splat and correspondence, 1 px": "splat 0.001"}
        ms = {name: [] for name in (*mine, *peers)}
        works = {}
        for name, make in peers.items():
            works[name], result = start(name, make)
            if name.startswith("PyTorch3D") and result is not None:
                share = same_pixels(np, result, ours, radius, folder)
                print(f"covered pixels where PyTorch3D names the same point: {share:.5f}")
        for _ in range(args.rounds):
            for name, request in mine.items():
                ms[name].append(ours.ask(request) / FRAMES)
            for name, work in works.items():
                if work is None:
                    continue
                begin = time.perf_counter()
                work()
                ms[name].append((time.perf_counter() - begin) * 1e3 / FRAMES)
        disc, pixel = statistics.median(ms[list(mine)[0]]), statistics.median(ms[list(mine)[2]])
        print(f"{FRAMES} x {POINTS} points at {SIZE} x {SIZE}, medians of {args.rounds} rounds:")
        for name, values in ms.items():
            if not values:
                continue
            median = statistics.median(values)
            against = pixel if name.endswith("1 px") else disc
            ratio = "" if name in mine else f"   {median / against:7.1f} x ours"
            print(f"  {name:55} {median:9.4f} ms per frame{ratio}")


if __name__ == "__main__":
    main()
