#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DINOv2-large with random weights: our images/s ÷ Hugging Face transformers (eager, sdpa), interleaved.

Needs a virtual environment with torch of the same version, transformers, numpy:
  python3 -m venv ENV && ENV/bin/pip install torch==2.11.0 transformers numpy
  ENV/bin/python tests/bench/teachers/encode_bench.py build/bin/encode_bench [--batches 1 4 8] [--rounds 5]
Run it on a quiet machine and compare the ratios: absolute rates follow the machine.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

import torch
from transformers import Dinov2Config, Dinov2Model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dtype", default="fp32", choices=["fp32", "bf16"], help="ours; theirs is fp32")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    config = Dinov2Config(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, image_size=518,
                          patch_size=14, attn_implementation="sdpa")
    model = Dinov2Model(config).eval()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(os.path.dirname(torch.__file__), "lib"))
        ours = subprocess.Popen([args.program, folder, args.dtype, str(args.threads)], text=True, env=env,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def run_ours(batch):
            ours.stdin.write(f"{batch} {args.side}\n")
            ours.stdin.flush()
            return float(ours.stdout.readline().split()[0])

        def run_theirs(batch):
            pixels = torch.randn(batch, 3, args.side, args.side)
            start = time.perf_counter()
            with torch.inference_mode():
                model(pixel_values=pixels).last_hidden_state.sum().item()
            return time.perf_counter() - start

        for batch in args.batches:
            run_ours(batch), run_theirs(batch)
            pairs = [(run_ours(batch), run_theirs(batch)) for _ in range(args.rounds)]
            a, b = (batch / statistics.median(t) for t in zip(*pairs))
            print(f"batch {batch}: ours {a:.3f} images/s, theirs {b:.3f} images/s, ratio {a / b:.3f} "
                  f"(per round {' '.join(f'{y / x:.2f}' for x, y in pairs)})", flush=True)
        ours.stdin.close()
        print(ours.stdout.read().strip())


if __name__ == "__main__":
    main()
