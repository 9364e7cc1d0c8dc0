"""Times predictions of ONNX files of convolutional networks in gradus and ONNX Runtime, alternately, as a Markdown table.

Run it by `onnx_predictions` after `build`. ROWS and ROUNDS are numbers of images, and of rounds of which the medians count.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy
import onnxruntime
import torch
from torch import nn

from programs import TARGET, bound, environment


def convolution(channels, filters, side, stride=1, groups=1, activate=True):
    """A convolution, batch normalization, and a relu."""
    layers = [nn.Conv2d(channels, filters, side, stride, side // 2, groups=groups, bias=False), nn.BatchNorm2d(filters)]
    return nn.Sequential(*layers, *([nn.ReLU()] if activate else []))


class Bottleneck(nn.Module):
    """Convolutions of 1×1, 3×3 and 1×1 with a shortcut (He et al. 2016)."""

    def __init__(self, channels, inner, stride):
        super().__init__()
        outer = 4 * inner
        self.path = nn.Sequential(
            convolution(channels, inner, 1), convolution(inner, inner, 3, stride),
            convolution(inner, outer, 1, activate=False))
        same = channels == outer and stride == 1
        self.shortcut = nn.Identity() if same else convolution(channels, outer, 1, stride, activate=False)

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


def resnet50():
    layers, channels = [convolution(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for inner, blocks, stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        for block in range(blocks):
            layers.append(Bottleneck(channels, inner, stride if block == 0 else 1))
            channels = 4 * inner
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def mobilenet():
    layers, channels = [convolution(3, 32, 3, 2)], 32
    steps = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + [(1024, 2), (1024, 1)]
    for filters, stride in steps:
        layers += [convolution(channels, channels, 3, stride, channels), convolution(channels, filters, 1)]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


def small():
    return nn.Sequential(
        convolution(1, 32, 3), convolution(32, 32, 3), nn.MaxPool2d(2), convolution(32, 64, 3), convolution(64, 64, 3),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10))


NETWORKS = {"small": (small, (1, 28, 28)), "mobilenet": (mobilenet, (3, 224, 224)), "resnet50": (resnet50, (3, 224, 224))}


def write(name, path):
    """Writes a network with random weights for any number of rows."""
    torch.manual_seed(0)
    network, sample = NETWORKS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The current exporter needs one more package and gives an equal graph.
        torch.onnx.export(
            network().eval(), torch.zeros(1, *sample), path, dynamo=False, input_names=["x"],
            dynamic_axes={"x": {0: "rows"}})


def runtime_seconds(path, rows, sample, threads):
    """The median time of a prediction over one second, after one to warm up."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    x = numpy.random.default_rng(0).normal(size=(rows, *sample)).astype(numpy.float32)
    session.run(None, {"x": x})
    times, end = [], time.perf_counter() + 1
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, {"x": x})
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def run(command, threads):
    """The first number that a program prints."""
    said = subprocess.run(bound(command, threads), env=environment(threads), check=True, stdout=subprocess.PIPE, text=True)
    return float(said.stdout.split()[0])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--one", nargs=3, metavar=("NAME", "PATH", "ROWS"))
    options.add_argument("--threads", type=int)
    options = options.parse_args()
    if options.one:
        name, path, rows = options.one
        return print(runtime_seconds(path, int(rows), NETWORKS[name][1], options.threads))
    rounds, all_rows = int(os.environ.get("ROUNDS", 3)), [int(n) for n in os.environ.get("ROWS", "1 16").split()]
    print("| network | threads | images | gradus | ONNX Runtime | ratio |\n|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            path = pathlib.Path(folder) / f"{name}.onnx"
            write(name, str(path))
            for threads in (1, 2):
                for rows in all_rows:
                    ours = [TARGET / "release" / "predictions", path, "--rows", rows]
                    theirs = [sys.executable, __file__, "--one", name, path, rows]
                    times = [(run(ours, threads), run(theirs, threads)) for _ in range(rounds)]
                    a, b = (statistics.median(column) for column in zip(*times))
                    print(f"| {name} | {threads} | {rows} | {a * 1e3:.2f} ms | {b * 1e3:.2f} ms | **{a / b:.2f}** |", flush=True)


if __name__ == "__main__":
    main()
