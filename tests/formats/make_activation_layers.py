#!/usr/bin/env python3
"""Writes Keras files whose layers have layers as activations, with inputs and predictions.

    python tests/formats/make_activation_layers.py      (Keras 3.15.1, tf_keras 2.21)

activation_layers.keras, .h5    a layer that is called twice, and activations with options
activation_chain.keras          a Sequential
activation_layers_keras_2.h5    Keras 2: the first
"""
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tf_keras  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
RNG = np.random.default_rng(9)


def branches(layers, model, slope):
    a, b = layers.Input((6, 2), name="a"), layers.Input((6, 2), name="b")
    shared = layers.Conv1D(3, 2, activation=layers.LeakyReLU(**{slope: 0.125}))
    left, right = shared(a), shared(b)
    left = layers.Dense(4, activation=layers.ReLU(max_value=0.5, negative_slope=0.25))(left)
    right = layers.Dense(4, activation=layers.ELU(alpha=0.5))(right)
    merged = layers.Add()([layers.Activation(layers.LeakyReLU())(left), right])
    return model([a, b], [layers.Dense(2, activation=layers.Softmax())(layers.Flatten()(merged)), left])


def chain():
    layers = keras.layers
    leaky = layers.LeakyReLU(negative_slope=0.5)
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, activation=leaky), layers.Dense(2, activation=layers.Softmax())])


def write(model, name, endings):
    model.set_weights([RNG.uniform(-0.9, 0.9, array.shape).astype(np.float32) for array in model.get_weights()])
    arrays = {tensor.name.split(":")[0]: RNG.normal(0, 1, (3, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs}
    outputs = model.predict(list(arrays.values()), verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    arrays = {"x": next(iter(arrays.values()))} if len(arrays) == 1 else arrays
    np.savez(HERE / f"{name}.npz", **arrays, **{f"y{number}": y for number, y in enumerate(outputs)})
    for ending in endings:
        model.save(HERE / f"{name}{ending}")


write(branches(keras.layers, keras.Model, "negative_slope"), "activation_layers", [".keras", ".h5"])
write(chain(), "activation_chain", [".keras"])
write(branches(tf_keras.layers, tf_keras.Model, "alpha"), "activation_layers_keras_2", [".h5"])
