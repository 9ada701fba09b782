#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DINOv2-large with random weights: our images/s and those of Hugging Face transformers (eager, sdpa).

Usage: teacher_bench.py --bench BUILD/bin/bench_teachers [--venv FOLDER] [--dtype bf16]
Installs the peers (torch of our version, transformers) into a virtual environment of its own and
runs both in turns on all cores. A round counts when both programs had all the cores (CPU time over
wall time); the figure is the median over rounds of their time by ours.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

PEERS = ["torch==2.11.0", "transformers", "numpy"]
BUSY = 0.9  # of the cores, in a round that counts


def enter_venv(folder):
    """Starts this script again inside the virtual environment that holds the peers."""
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    have = subprocess.run([python, "-c", "import torch, transformers"], capture_output=True)
    if have.returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    os.environ["CROSS4D_BENCH_VENV"] = folder
    os.execv(python, [python, *sys.argv])


class Ours:
    """The program, started once; a pass is (wall seconds, CPU seconds, sum of |token|)."""

    def __init__(self, args, folder):
        self.side = args.side
        self.process = subprocess.Popen(
            [args.bench, folder, args.dtype, str(args.threads)],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, batch):
        self.process.stdin.write(f"{batch} {self.side}\n")
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()]


class Theirs:
    def __init__(self, args, torch, model):
        self.side, self.torch, self.model = args.side, torch, model

    def run(self, batch):
        generator = self.torch.Generator().manual_seed(1)
        pixels = self.torch.randn(batch, 3, self.side, self.side, generator=generator)
        wall, cpu = time.perf_counter(), time.process_time()
        with self.torch.inference_mode():
            total = self.model(pixel_values=pixels).last_hidden_state.abs().sum().item()
        return [time.perf_counter() - wall, time.process_time() - cpu, total]


def compare(args, ours, theirs, batch):
    first, second = ours.run(batch), theirs.run(batch)
    print(f"batch {batch}: sums of |token| {first[2]:.6g} (ours), {second[2]:.6g}")
    rounds = [(ours.run(batch), theirs.run(batch)) for _ in range(args.rounds)]
    quiet = [r for r in rounds if all(x[1] / x[0] >= BUSY * args.threads for x in r)]
    if not quiet:
        print("  no round had all the cores: try again on a quiet machine")
        return
    a, b = ([r[i][0] for r in quiet] for i in (0, 1))
    ratios = sorted(y / x for x, y in zip(a, b))
    print(f"  {len(quiet)} of {args.rounds} rounds count. images/s (median, best): ours "
          f"{batch / statistics.median(a):.3f} {batch / min(a):.3f}, theirs "
          f"{batch / statistics.median(b):.3f} {batch / min(b):.3f} | ours / theirs: "
          f"{statistics.median(ratios):.3f} (quartiles {ratios[len(ratios) // 4]:.3f} to "
          f"{ratios[3 * len(ratios) // 4]:.3f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True, help="the program bench_teachers")
    parser.add_argument("--venv", default=os.path.join(tempfile.gettempdir(), "cross4d-teacher-venv"))
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dtype", default="fp32", choices=["fp32", "bf16"], help="ours; theirs is fp32")
    args = parser.parse_args()
    if os.environ.get("CROSS4D_BENCH_VENV") != args.venv:
        enter_venv(args.venv)
    import torch
    from transformers import Dinov2Config, Dinov2Model
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = Dinov2Model(Dinov2Config(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, image_size=518,
        patch_size=14, attn_implementation="sdpa")).eval()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        ours, theirs = Ours(args, folder), Theirs(args, torch, model)
        for batch in args.batches:
            compare(args, ours, theirs, batch)


if __name__ == "__main__":
    main()
