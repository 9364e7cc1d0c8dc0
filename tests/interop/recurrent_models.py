"""Writes random models with recurrent layers, with predictions and one training step.

    recurrent_models.py FOLDER N    N models: .keras and .h5 of Keras 3, and each fourth .h5 of tf_keras
"""

import os
import sys

import keras_models as base  # sets up TensorFlow, so it comes before Keras
import keras
import numpy as np
import tf_keras
from keras_models import flip, pick


def weights(model):
    """Trainable variables by the names that gradus has for them."""
    found = {}
    own = lambda variable: variable.name.split("/")[-1].split(":")[0]
    for layer in model.layers:
        variables, names = layer.trainable_variables, []
        if type(layer).__name__ == "Bidirectional":
            half = len(variables) // 2
            prefixes = ["forward_layer/"] * half + ["backward_layer/"] * half
            names = [f"{layer.name}/{prefix}{own(v)}" for prefix, v in zip(prefixes, variables)]
        elif type(getattr(layer, "cell", None)).__name__ == "StackedRNNCells":
            cells = layer.cell.cells
            for number, cell in enumerate(cells, 1):
                owner = layer.name if number == len(cells) else f"{layer.name}_cell_{number}"
                names += [f"{owner}/{own(v)}" for v in cell.trainable_variables]
        else:
            names = [f"{layer.name}/{own(v)}" for v in variables]
        assert len(names) == len(variables)
        found |= dict(zip(names, variables))
    return found


base.weights = weights

ACTIVATIONS = ["tanh", "tanh", "sigmoid", "softsign", "relu", "linear", "elu", "hard_sigmoid"]
GATES = ["sigmoid", "sigmoid", "hard_sigmoid", "softsign", "tanh"]
# The value of masked steps.
PADDING = 0.5


def options(rng, kind, library):
    names = ACTIVATIONS[:4] if library is tf_keras else ACTIVATIONS
    gates = GATES if library is keras else [*GATES[:2], *GATES[3:]]
    found = {"activation": pick(rng, *names), "use_bias": flip(rng)}
    if kind != "SimpleRNN":
        found["recurrent_activation"] = pick(rng, *gates)
    if kind == "LSTM":
        found["unit_forget_bias"] = flip(rng)
    if kind == "GRU":
        found["reset_after"] = flip(rng)
    if rng.uniform() < 0.2:
        found["kernel_regularizer"] = "l2"
    return found


def recurrent(rng, library, sequences, masked):
    """A recurrent layer, which returns its last output or those of all steps."""
    layers, kind = library.layers, pick(rng, "LSTM", "GRU", "SimpleRNN")
    units, own = int(rng.integers(1, 7)), options(rng, kind, library)
    form = pick(rng, "layer", "layer", "layer", "both", "both", "cell", "cells")
    if form == "cells":
        cell = lambda: getattr(layers, f"{kind}Cell")(int(rng.integers(1, 5)), **options(rng, kind, library))
        # Keras fails in the first masked step of a stack of one cell.
        return layers.RNN([cell() for _ in range(rng.integers(2 if masked else 1, 4))], return_sequences=sequences)
    if form == "cell":
        cell = getattr(layers, f"{kind}Cell")(units, **own)
        return layers.RNN(cell, return_sequences=sequences, go_backwards=flip(rng))
    # Keras masks the wrong steps of an unrolled layer that goes backwards, if it sets them to 0.
    unroll = flip(rng) and not (form == "both" and masked and sequences)
    more = {"go_backwards": form == "layer" and flip(rng), "unroll": unroll}
    layer = getattr(layers, kind)(units, return_sequences=sequences, **own, **more)
    return layers.Bidirectional(layer, merge_mode=pick(rng, "concat", "sum", "mul", "ave")) if form == "both" else layer


def body(rng, library):
    """An input, the value of one vector for each row, and whether the input has padding or words."""
    layers, steps = library.layers, int(rng.integers(1, 8))
    kind = rng.choice(["words", "masked", "numbers", "images"], p=[0.3, 0.25, 0.3, 0.15])
    if kind == "images":
        x = inputs = library.Input((steps, 5, 4, int(rng.integers(1, 3))))
        layer = layers.ConvLSTM2D(
            int(rng.integers(1, 4)), pick(rng, 2, (2, 3)), strides=pick(rng, 1, (2, 1)), padding=pick(rng, "same", "valid"),
            use_bias=flip(rng), go_backwards=flip(rng), return_sequences=flip(rng), recurrent_activation="sigmoid")
        return inputs, layers.Flatten()(layer(x)), kind
    if kind == "words":
        x = inputs = library.Input((steps,))
        masked = flip(rng)
        x = layers.Embedding(base.WORDS, int(rng.integers(1, 6)), mask_zero=masked)(x)
    else:
        x = inputs = library.Input((steps, int(rng.integers(1, 5))))
        masked = kind == "masked"
        x = layers.Masking(PADDING)(x) if masked else x
    for _ in range(rng.integers(0, 3)):
        x = recurrent(rng, library, True, masked)(x)
        if rng.uniform() < 0.3:
            x = layers.TimeDistributed(layers.Dense(int(rng.integers(1, 5)), activation="tanh"))(x)
    return inputs, recurrent(rng, library, False, masked)(x), kind


def rows_of(rng, kind, inputs):
    rows = int(rng.integers(3, 12))
    shape = (rows, *inputs.shape[1:])
    if kind == "words":
        return rng.integers(base.WORDS, size=shape).astype("float32")
    x = rng.normal(size=shape).astype("float32")
    if kind == "masked":
        for row in x:
            row[rng.integers(0, len(row) + 1):] = PADDING
    return x


def random_model(seed, path):
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    inputs, x, kind = body(rng, keras)
    x, loss, metrics, target = base.head(rng, x)
    model = keras.Model(inputs, x)
    if flip(rng):
        model = keras.Sequential([keras.Input(inputs.shape[1:]), *[
            layer for layer in model.layers[1:] if "NotEqual" not in type(layer).__name__]])
    model.compile(base.optimizer(rng), loss=loss, metrics=metrics, run_eagerly=True)
    x = rows_of(rng, kind, inputs)
    y = base.targets(rng, target, len(x), model.output_shape[-1])
    for _ in range(2):
        model.train_on_batch(x, y)
    base.describe(model, x, y, path)


def random_model_of_keras_2(seed, path):
    rng = np.random.default_rng(seed)
    tf_keras.utils.set_random_seed(seed)
    inputs, x, kind = body(rng, tf_keras)
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(3)(x))
    o = tf_keras.optimizers
    optimizer = pick(rng, o.SGD(0.1), o.SGD(0.01, momentum=0.9), o.Adam(0.01), o.RMSprop(0.001))
    model.compile(optimizer, loss=pick(rng, "mse", "mae"), run_eagerly=True)
    x = rows_of(rng, kind, inputs)
    y = rng.normal(size=(len(x), 3)).astype("float32")
    for _ in range(2):
        model.train_on_batch(x, y)
    base.describe(model, x, y, path)


def main(folder, count):
    os.makedirs(folder, exist_ok=True)
    for seed in range(count):
        keras.backend.clear_session(free_memory=False)
        if seed % 4 == 3:
            random_model_of_keras_2(seed, f"{folder}/{seed:03}.h5")
        else:
            random_model(seed, f"{folder}/{seed:03}.{'h5' if seed % 2 else 'keras'}")
    print(f"{count} models with recurrent layers")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
