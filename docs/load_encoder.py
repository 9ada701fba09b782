#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads an encoder that Cross4D has trained, with numpy and safetensors only, and runs it.

    python3 load_encoder.py ENCODER [TOKENS EMBEDDINGS]

ENCODER, TOKENS, EMBEDDINGS are artifact folders (docs/load-encoder.md says where they lie). With
one folder it prints what is in it. With all three it computes the embeddings of the first clips
and compares them with those that Cross4D has stored.
"""
import json
import math
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file

erf = np.vectorize(math.erf, otypes=[np.float64])


def load_encoder(folder):
    """config (dict), weights (name -> float array)."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    return config, load_file(folder / "model.safetensors")


def load_clips(folder, count):
    """points [n, T, N, 3] and the cached indices of the first clips of a tokens artifact."""
    tensors = load_file(pathlib.Path(folder) / "tokens.safetensors")
    return {name: value[:count] for name, value in tensors.items()}


class Point4D:
    """Student point4d in eval mode, attention = "joint", written for reading, not for speed."""

    def __init__(self, config, weights):
        assert config["student"]["name"] == "point4d", config["student"]["name"]
        self.options = config["student"]["options"]
        assert self.options["attention"] == "joint"
        self.weights = {k: v.astype(np.float64) for k, v in weights.items() if v.dtype.kind == "f"}

    def linear(self, name, x):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def batch_norm(self, name, x):
        w = self.weights
        scale = w[name + ".weight"] / np.sqrt(w[name + ".running_var"] + 1e-5)
        return (x - w[name + ".running_mean"]) * scale + w[name + ".bias"]

    def layer_norm(self, name, x):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    @staticmethod
    def gelu(x):
        return x * 0.5 * (1 + erf(x / math.sqrt(2)))

    def set_abstraction(self, name, level, xyz, features, picks, neighbours):
        """xyz [T, n, 3], features [T, n, F] or None -> features [T, m, C] and centres [T, m, 3]."""
        frame = np.arange(len(xyz))[:, None]
        centres = xyz[frame, picks]
        near = xyz[frame[:, :, None], neighbours]
        x = [(near - centres[:, :, None]) * self.options["relative_scale"][level]]
        if level == 0 and self.options["absolute_xyz"]:
            x.append(near)
        if features is not None:
            x.append(features[frame[:, :, None], neighbours])
        x = np.concatenate(x, -1)
        for layer in range(len(self.options["widths%d" % (level + 1)])):
            x = self.linear("%s.linear%d" % (name, layer), x)
            x = np.maximum(self.batch_norm("%s.norm%d" % (name, layer), x), 0)
        return x.max(2), centres

    def position(self, centres):
        frames, slots, _ = centres.shape
        if self.options["position"] == "xyzt":
            time = np.linspace(-1, 1, frames) if frames > 1 else np.zeros(1)
            time = np.broadcast_to(time[:, None, None], (frames, slots, 1))
            centres = np.concatenate([centres, time], -1)
        out = self.linear("position_out", self.gelu(self.linear("position_in", centres)))
        if self.options["position"] == "xyz":
            out = out + self.weights["time_embedding"][:frames, None]
        return out

    def attention(self, name, x):
        tokens, channels = x.shape
        heads = self.options["heads"]
        q, k, v = self.linear(name + ".qkv", x).reshape(tokens, 3, heads, -1).transpose(1, 2, 0, 3)
        score = q @ k.transpose(0, 2, 1) / math.sqrt(channels // heads)
        p = np.exp(score - score.max(-1, keepdims=True))
        mixed = (p / p.sum(-1, keepdims=True)) @ v
        return self.linear(name + ".out", mixed.transpose(1, 0, 2).reshape(tokens, channels))

    def __call__(self, points, index):
        """points [T, N, 3], index: picks1, neighbours1, picks2, neighbours2 -> tokens [L, C]."""
        xyz = points.astype(np.float64)
        if self.options["normalize"]:
            xyz = xyz - xyz.mean((0, 1))
            xyz = xyz / max(np.sqrt((xyz * xyz).sum(-1)).max(), 1e-12)
        x, xyz = self.set_abstraction("sa1", 0, xyz, None, index["picks1"], index["neighbours1"])
        x, xyz = self.set_abstraction("sa2", 1, xyz, x, index["picks2"], index["neighbours2"])
        if "project.weight" in self.weights:
            x = self.linear("project", x)
        x = x + self.position(xyz)
        x = x.reshape(-1, x.shape[-1])
        for layer in range(self.options["depth"]):
            block = "block%d" % layer
            x = x + self.attention(block + ".attention", self.layer_norm(block + ".norm1", x))
            hidden = self.gelu(self.linear(block + ".up", self.layer_norm(block + ".norm2", x)))
            x = x + self.linear(block + ".down", hidden)
        return self.layer_norm("final_norm", x) if self.options["final_norm"] else x


def compare(encoder, tokens, embeddings, count=4):
    """Largest difference to the stored embeddings, relative to their largest value."""
    student = Point4D(*load_encoder(encoder))
    clips = load_clips(tokens, count)
    names = ["picks1", "neighbours1", "picks2", "neighbours2"]
    stored = load_file(pathlib.Path(embeddings) / "embeddings.safetensors")["embeddings"]
    worst = 0.0
    for i, points in enumerate(clips["points"]):
        index = {name: clips["extra." + name][i].astype(np.int64) for name in names}
        worst = max(worst, np.abs(student(points, index).mean(0) - stored[i]).max())
    return worst / np.abs(stored).max()


def main(arguments):
    if len(arguments) not in (1, 3):
        sys.exit(__doc__)
    config, weights = load_encoder(arguments[0])
    for name, value in sorted(weights.items()):
        print("%-32s %s" % (name, list(value.shape)))
    student, objective = config["student"], config["objective"]
    print("student %s %s" % (student["name"], student["version"]))
    print("%d channels, seed %d, objective %s" % (config["dim"], config["seed"], objective["name"]))
    if len(arguments) == 3:
        difference = compare(*arguments)
        print("largest relative difference to the stored embeddings: %.1e" % difference)
        return 0 if difference < 1e-4 else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
