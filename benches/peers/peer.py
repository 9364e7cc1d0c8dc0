"""Common code of the Python peers: the command line, the data, and the loop over epochs, which prints a line for each."""
import argparse
import gzip
import pathlib
import sys
import time

import numpy

DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "mnist"
MODELS = ["dense_linear", "lenet5", "dropout_mlp", "basic_nn", "deep_sigmoid"]
BATCH = dict(zip(MODELS, [100, 128, 32, 1000, 32]))


def options(models=MODELS, layouts=()):
    """`MODEL [--epochs N] [--threads N] [--limit N] [--wait]`, and `--layout L` if there are layouts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=models)
    if layouts:
        parser.add_argument("--layout", choices=layouts, default=layouts[0])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, help="only the first N rows")
    parser.add_argument("--wait", action="store_true", help="a line of standard input starts an epoch, its end ends all")
    return parser.parse_args()


def idx(name, header):
    """The bytes after an IDX file's header."""
    return numpy.frombuffer(gzip.decompress((DATA / f"{name}.gz").read_bytes()), numpy.uint8, offset=header)


def digits(model, limit=None):
    """Training images of shape n × 28 × 28, scaled for the model, and their labels; only the first `limit` if given."""
    images = idx("train-images-idx3-ubyte", 16).reshape(-1, 28, 28)[:limit].astype(numpy.float32)
    # deep_sigmoid normalizes raw pixels itself.
    return images if model == "deep_sigmoid" else images / 255, idx("train-labels-idx1-ubyte", 8)[:limit]


class Epochs:
    """Starts and times epochs, and prints `epoch N seconds S loss L` for each."""

    def __init__(self, asked):
        self.asked, self.number, self.start = asked, 0, 0.0

    def begin(self):
        """Waits if requested, and starts the clock. Returns False when no epochs remain."""
        if self.number == self.asked.epochs or (self.asked.wait and not sys.stdin.readline()):
            return False
        self.number += 1
        self.start = time.perf_counter()
        return True

    def end(self, losses):
        """Stops the clock, then computes the mean of (loss, rows) pairs, which may take time."""
        seconds = time.perf_counter() - self.start
        mean = sum(float(loss) * rows for loss, rows in losses) / sum(rows for _, rows in losses)
        print(f"epoch {self.number} seconds {seconds:.5f} loss {mean:.4f}", flush=True)


def run(asked, epoch):
    """Calls `epoch`, which trains one and returns (loss, rows) of each step."""
    epochs = Epochs(asked)
    while epochs.begin():
        epochs.end(epoch())
