"""The networks of networks.txt for the Python peers: their layers, and the random data that they are trained on."""
import dataclasses
import pathlib

import numpy

FILE = pathlib.Path(__file__).resolve().parents[1] / "networks.txt"


@dataclasses.dataclass
class Network:
    name: str
    shape: tuple
    batch: int
    steps: int
    layers: list  # (class, sizes)

    @property
    def reproduces(self):
        return self.layers[-1][0] == "reproduce"

    @property
    def words(self):
        """The number of words if the inputs are words, else None."""
        return self.layers[0][1][0] if self.layers[0][0] == "embedding" else None

    def data(self, limit=None):
        """Inputs, channels last, and targets of one epoch; only the first `limit` rows if given."""
        random = numpy.random.default_rng(1)
        rows = self.batch * self.steps
        if self.words:
            inputs = random.integers(0, self.words, (rows, *self.shape), dtype=numpy.int32)
        else:
            inputs = random.standard_normal((rows, *self.shape), numpy.float32)
        targets = inputs if self.reproduces else random.integers(0, self.layers[-1][1][0], rows, dtype=numpy.int32)
        return inputs[:limit], targets[:limit]


def parsed(line):
    name, shape, batch, steps, *layers = line.split()
    layers = [(layer.split(":")[0], [int(size) for size in layer.split(":")[1:]]) for layer in layers]
    return Network(name, tuple(int(size) for size in shape.split("x")), int(batch), int(steps), layers)


LINES = [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
NETWORKS = {network.name: network for network in map(parsed, LINES)}


def floating_point_operations(network):
    """Floating-point operations of one step: two for each multiply-add, forward and for both gradients.

    The first layer needs no gradient of its inputs. An embedding has no multiply-adds.
    """
    forward, first, shape = 0, None, list(network.shape)

    def convolution(positions, taps, inputs, outputs):
        nonlocal forward, first
        count = 2 * positions * taps * inputs * outputs
        forward += count
        first = count if first is None else first

    for kind, sizes in network.layers:
        stride = sizes[2] if kind == "conv" and len(sizes) > 2 else sizes[1] if kind == "depthwise" and len(sizes) > 1 else 1
        if kind == "dense":
            convolution(1, 1, shape[-1], sizes[0])
            shape = [sizes[0]]
        elif kind in ("conv", "depthwise"):
            shape[:2] = [-(-size // stride) for size in shape[:2]]
            if kind == "conv":
                convolution(shape[0] * shape[1], sizes[1] ** 2, shape[2], sizes[0])
                shape[2] = sizes[0]
            else:
                convolution(shape[0] * shape[1] * shape[2], sizes[0] ** 2, 1, 1)
        elif kind == "conv1d":
            convolution(shape[0], sizes[1], shape[1], sizes[0])
            shape[1] = sizes[0]
        elif kind == "block":
            filters, step = sizes
            narrow = step > 1 or filters != shape[2]
            shape[:2] = [-(-size // step) for size in shape[:2]]
            positions = shape[0] * shape[1]
            convolution(positions, 9, shape[2], filters)
            convolution(positions, 9, filters, filters)
            if narrow:
                convolution(positions, 1, shape[2], filters)
            shape[2] = filters
        elif kind in ("lstm", "gru"):
            gates = 4 if kind == "lstm" else 3
            convolution(shape[0], 1, shape[1], gates * sizes[0])
            convolution(shape[0], 1, sizes[0], gates * sizes[0])
            shape = [sizes[0]]
        elif kind == "embedding":
            shape, first = [*shape, sizes[1]], 0
        elif kind == "pool":
            shape[:2] = [size // 2 for size in shape[:2]]
        elif kind == "flatten":
            shape = [int(numpy.prod(shape))]
        elif kind == "global":
            shape = [shape[-1]]
    return network.batch * (3 * forward - (first or 0))
