#!/usr/bin/env python3
"""Writes what stateful layers of Keras compute on successive batches: stateful.txt.

    target/oracle/bin/python tests/golden/make_stateful.py            # writes the file
    target/oracle/bin/python tests/golden/make_stateful.py --check    # compares with the file, writes nothing

Uses the writer of make.py, which documents target/oracle, the format, and --check. Each case has the batches x0, x1, x2 and
the targets t0, t1, t2, the layer's weights in build order as w0, w1, …, the outputs p0, p1, p2 of successive predictions
from states of 0, p3 of x0 after the states were reset, and the losses l0, l1, l2 of successive steps of SGD(0.5) with the
mean squared error after another reset.
"""
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # on JAX, Keras 3.15.1 does not keep the states
import make
import keras
import numpy as np
from keras import layers
from make import draw

ROWS, STEPS, FEATURES = 2, 3, 2


def case(file, name, text):
    rng = file.case(name, text)
    model = keras.Sequential([keras.Input(batch_shape=(ROWS, STEPS, FEATURES)), eval(f"layers.{text}")])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    weights = [draw(rng, w.shape, 0.3, 0.5) for w in model.weights]
    shape = model.output_shape
    xs, ts = [draw(rng, (ROWS, STEPS, FEATURES)) for _ in range(3)], [draw(rng, shape) for _ in range(3)]

    def reset():
        layer = model.layers[0]
        layer.reset_states() if hasattr(layer, "reset_states") else layer.reset_state()

    model.set_weights(weights)
    predicted = [np.asarray(model.predict_on_batch(x)) for x in xs]
    reset()
    predicted.append(np.asarray(model.predict_on_batch(xs[0])))
    reset()
    losses = [np.float32(model.train_on_batch(x, t)) for x, t in zip(xs, ts)]
    for letter, arrays in zip("xtwpl", (xs, ts, weights, predicted, losses)):
        file.put(**{f"{letter}{i}": array for i, array in enumerate(arrays)})


def all_layers(file):
    case(file, "simple_rnn", "SimpleRNN(3, stateful=True)")
    case(file, "lstm", "LSTM(3, stateful=True, return_sequences=True)")
    case(file, "gru", "GRU(3, stateful=True)")
    case(file, "backwards", "GRU(3, stateful=True, go_backwards=True)")
    case(file, "bidirectional", "Bidirectional(layers.LSTM(2, stateful=True))")


if __name__ == "__main__":
    make.main({"stateful": all_layers}, "make_stateful.py")
