"""Seconds that PyTorch and ONNX Runtime take to predict: `inference.py --threads T` prints `MODEL PROGRAM ROWS SECONDS`."""
import argparse
import pathlib
import statistics
import tempfile
import time
import warnings

import numpy
import onnxruntime
import torch
from torch import nn

import peer
import torch_models


def median_seconds(predict):
    """The median over half a second of calls, at least seven, after one warm-up call."""
    predict()
    times, end = [], time.perf_counter() + 0.5
    while len(times) < 7 or time.perf_counter() < end:
        start = time.perf_counter()
        predict()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def session(network, sample, threads):
    """The network in ONNX Runtime, for any number of rows."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        path = str(pathlib.Path(folder) / "model.onnx")
        # The current exporter needs one more package and gives an equal graph.
        torch.onnx.export(network, sample, path, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "rows"}})
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--threads", type=int, default=2)
    threads = options.parse_args().threads
    torch.set_num_threads(threads)
    for model in peer.MODELS:
        images = peer.digits(model)[0][:10_000].reshape(-1, *torch_models.shape(model))
        network = nn.Sequential(torch_models.MODELS[model]()[0], nn.Softmax(1)).eval()
        runtime = session(network, torch.from_numpy(images[:1]), threads)
        for rows in (1, 10_000):
            x = numpy.ascontiguousarray(images[:rows])
            tensor = torch.from_numpy(x)
            with torch.inference_mode():
                print(model, "PyTorch", rows, f"{median_seconds(lambda: network(tensor)):.4e}", flush=True)
            print(model, "ONNX", rows, f"{median_seconds(lambda: runtime.run(None, {'x': x})):.4e}", flush=True)


if __name__ == "__main__":
    main()
