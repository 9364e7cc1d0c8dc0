#!/usr/bin/env python3
"""Writes Keras files with models within models, operations on tensors, and mixed precision, with inputs and predictions.

    python tests/formats/make_nested.py      (Keras 3.15.1, tf_keras 2.21)

nested.keras, nested.h5         a model that is called twice, one within another, a frozen one, a Sequential; x / 4 - 1
nested_keras_2.keras, .h5       Keras 2: the same without the one within another
nested_chain.keras              a Sequential within a Sequential
nested.json, nested.weights.h5  the layers and the weights of nested.keras, in two files
mixed.keras, mixed.h5           trained with mixed_float16, so that the optimizer scales the loss
"""
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tf_keras  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
RNG = np.random.default_rng(6)


def fill(model):
    model.set_weights([RNG.uniform(0.1, 0.9, array.shape).astype(np.float32) for array in model.get_weights()])


def predictions(name, model, inputs):
    arrays = {key: RNG.normal(0, 1, (3, *shape)).astype(np.float32) for key, shape in inputs.items()}
    outputs = model.predict(list(arrays.values()) if len(arrays) > 1 else arrays["x"], verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    np.savez(HERE / f"{name}.npz", **arrays, **{f"y{number}": y for number, y in enumerate(outputs)})


def nested(library, deep):
    layers, Model = library.layers, library.Model
    x = layers.Input((3,), name="inner_x")
    narrow = Model(x, layers.Dense(2, name="small")(x), name="narrow")
    # A model with two outputs, of which one is an output of a model within it, and the other its input.
    i = layers.Input((4,), name="i")
    wide = layers.BatchNormalization(name="normal")(layers.Dense(3, activation="tanh", name="own")(i))
    encoder = Model(i, [narrow(wide) if deep else layers.Dense(2, name="narrow")(wide), wide], name="encoder")
    frozen = library.Sequential([layers.Input((2,)), layers.Dense(2, name="own"), layers.BatchNormalization(), layers.Dense(2)], name="frozen")
    frozen.trainable = False
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    (left, wide), (right, _) = encoder(a / 4 - 1), encoder(b)
    merged = layers.Subtract(name="own")([frozen(left, training=False), frozen(right, training=False)])
    model = Model([a, b], [layers.Dense(2, name="out")(merged), wide])
    fill(model)
    return model


def mixed():
    layers = keras.layers
    keras.mixed_precision.set_global_policy("mixed_float16")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2, dtype="float32")])
    keras.mixed_precision.set_global_policy("float32")
    fill(model)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(RNG.normal(size=(8, 4)), RNG.normal(size=(8, 2)), verbose=0)
    model.save(HERE / "mixed.keras")
    model.save(HERE / "mixed.h5")
    same = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)])
    same.set_weights(model.get_weights())
    predictions("mixed", same, {"x": (4,)})


def main():
    inputs = {"a": (4,), "b": (4,)}
    model = nested(keras, True)
    model.save(HERE / "nested.keras")
    model.save(HERE / "nested.h5")
    model.save_weights(HERE / "nested.weights.h5")
    (HERE / "nested.json").write_text(model.to_json())
    predictions("nested", model, inputs)
    model = nested(tf_keras, False)
    model.save(HERE / "nested_keras_2.keras")
    model.save(HERE / "nested_keras_2.h5")
    predictions("nested_keras_2", model, inputs)
    layers = keras.layers
    inner = keras.Sequential([layers.Dense(3, activation="relu"), layers.Dense(3)])
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4), inner, layers.Dense(2)])
    fill(model)
    model.save(HERE / "nested_chain.keras")
    predictions("nested_chain", model, {"x": (4,)})
    mixed()


if __name__ == "__main__":
    main()
