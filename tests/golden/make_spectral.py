#!/usr/bin/env python3
"""Writes spectral_normalization.txt: training steps of SpectralNormalization.

    target/oracle/bin/python tests/golden/make_spectral.py            # writes the file
    target/oracle/bin/python tests/golden/make_spectral.py --check    # compares with the committed file, writes nothing

Needs tensorflow: on the other backends of Keras, the gradient is propagated through the division. Uses the writer of make.py,
which documents the format and --check.

`x` and `targets`; w0, w1, …: the weights in build order, with `vector_u` last; three steps of `train_on_batch` with SGD(0.1)
and the mean squared error: `losses`; w0_1, w0_2, …: the weights after each; `predictions` at the end.
"""
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import make
import keras
import numpy as np
from keras import layers, regularizers
from make import draw

STEPS = 3


def case(file, name, text, shape, kernel_scale=0.5, indices=None):
    rng = file.case(name, text)
    layer = eval(text)
    model = keras.Sequential([keras.Input(shape[1:]), layer])
    model.compile(keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError())
    x = draw(rng, shape) if indices is None else rng.integers(0, indices, shape)
    targets = draw(rng, model.compute_output_shape(shape))
    weights = [*layer.layer.variables, layer.vector_u]
    scales = [kernel_scale] + [0.5] * (len(weights) - 1)
    for weight, scale in zip(weights, scales):
        weight.assign(draw(rng, weight.shape, scale=scale) if scale else np.zeros(weight.shape))
    file.put(x=x, targets=targets, **{f"w{number}": np.asarray(weight) for number, weight in enumerate(weights)})
    found = []
    for step in range(1, STEPS + 1):
        found.append(float(model.train_on_batch(x, targets)))
        file.put(**{f"w{number}_{step}": np.asarray(weight) for number, weight in enumerate(weights)})
        model.reset_metrics()
    file.put(losses=found, predictions=model.predict(x, verbose=0))


def spectral_normalization(file):
    case(file, "dense", "layers.SpectralNormalization(layers.Dense(4, kernel_regularizer=regularizers.L2(0.1)))", (5, 3))
    case(file, "conv2d", 'layers.SpectralNormalization(layers.Conv2D(3, 2, activation="tanh"), power_iterations=3)', (2, 4, 3, 2))
    case(file, "embedding", "layers.SpectralNormalization(layers.Embedding(4, 3))", (5, 2), indices=4)
    case(file, "zeros", "layers.SpectralNormalization(layers.Dense(4, use_bias=False))", (5, 3), kernel_scale=0)


if __name__ == "__main__":
    make.main({"spectral_normalization": spectral_normalization}, "make_spectral.py")
