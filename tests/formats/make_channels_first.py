#!/usr/bin/env python3
"""Writes files of Keras with layers of data_format="channels_first", and their predictions.

    target/oracle/bin/python tests/formats/make_channels_first.py

Needs keras==3.15.1 and torch: TensorFlow does not compute all of these layers on a CPU.

channels_first.keras  a functional model with several inputs, branches and layers of all numbers of axes
channels_first.h5     a sequential model
channels_first.npz    inputs `image`, `sequence`, `volume`, `frames` and the outputs by name; `x` and `y` of the sequential model
"""
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch
from keras import layers

torch.set_default_device("cpu")
keras.utils.set_random_seed(3)
HERE = pathlib.Path(__file__).resolve().parent
FIRST = {"data_format": "channels_first"}
RNG = np.random.default_rng(3)


def randomize(model):
    for weight in model.weights:
        low, high = (0.5, 1.5) if "variance" in weight.path else (-0.5, 0.5)
        weight.assign(RNG.uniform(low, high, weight.shape))


def images(image):
    x = layers.ZeroPadding2D(((1, 0), (0, 2)), **FIRST)(image)
    x = layers.Conv2D(4, (3, 2), groups=2, padding="same", activation="relu", **FIRST)(x)
    x = layers.BatchNormalization(axis=1)(x)
    skip = x = layers.ReLU(max_value=1.0)(x)
    x = layers.DepthwiseConv2D(3, padding="same", **FIRST)(x)
    x = layers.SpatialDropout2D(0.2, **FIRST)(x)
    x = layers.Add()([x, skip])
    x = layers.SeparableConv2D(5, 2, strides=2, **FIRST)(x)
    x = layers.PReLU(shared_axes=[2, 3])(x)
    x = layers.Concatenate(axis=1)([layers.MaxPooling2D(2, padding="same", **FIRST)(x),
                                    layers.AveragePooling2D((2, 2), padding="same", **FIRST)(x)])
    x = layers.GroupNormalization(2, axis=1)(x)
    x = layers.UpSampling2D((2, 1), **FIRST)(x)
    x = layers.Conv2DTranspose(3, 3, strides=2, **FIRST)(x)
    x = layers.Cropping2D(((1, 0), (0, 1)), **FIRST)(x)
    mixed = layers.Softmax(axis=1)(x)
    last = layers.Conv2D(2, 2)(mixed)  # channels last
    flat = layers.Flatten(**FIRST)(x)
    plain = layers.Flatten()(x)
    pooled = layers.GlobalAveragePooling2D(keepdims=True, **FIRST)(x)
    return [x, last, layers.Dense(3)(flat), layers.Dense(2)(plain), pooled, layers.GlobalMaxPooling2D(**FIRST)(x)]


def sequences(sequence):
    x = layers.Conv1D(4, 3, padding="same", **FIRST)(sequence)
    x = layers.Activation("tanh")(x)
    x = layers.MaxPooling1D(2, **FIRST)(x)
    x = layers.ZeroPadding1D(1, **FIRST)(x)
    x = layers.DepthwiseConv1D(2, **FIRST)(x)
    x = layers.SeparableConv1D(3, 2, **FIRST)(x)
    x = layers.Conv1DTranspose(2, 2, strides=2, **FIRST)(x)
    x = layers.Activation("softmax")(x)
    x = layers.AveragePooling1D(2, **FIRST)(x)
    return [x, layers.GlobalMaxPooling1D(**FIRST)(x), layers.GlobalAveragePooling1D(**FIRST)(x)]


def volumes(volume):
    x = layers.ZeroPadding3D(1, **FIRST)(volume)
    x = layers.Conv3D(3, 2, **FIRST)(x)
    x = layers.BatchNormalization(axis=1)(x)
    x = layers.MaxPooling3D((1, 2, 2), **FIRST)(x)
    x = layers.Conv3DTranspose(2, 2, **FIRST)(x)
    x = layers.UpSampling3D((1, 2, 1), **FIRST)(x)
    x = layers.Cropping3D(((0, 1), (1, 1), (1, 0)), **FIRST)(x)
    x = layers.AveragePooling3D((2, 1, 1), **FIRST)(x)
    return [x, layers.GlobalAveragePooling3D(**FIRST)(x), layers.GlobalMaxPooling3D(**FIRST)(x)]


def main():
    inputs = {"image": keras.Input((2, 6, 5), name="image"), "sequence": keras.Input((2, 9), name="sequence"),
              "volume": keras.Input((2, 3, 4, 4), name="volume"), "frames": keras.Input((3, 2, 4, 4), name="frames")}
    outputs = [*images(inputs["image"]), *sequences(inputs["sequence"]), *volumes(inputs["volume"]),
               layers.ConvLSTM2D(2, 2, return_sequences=True, **FIRST)(inputs["frames"])]
    outputs = [layers.Identity(name=f"out{number}")(output) for number, output in enumerate(outputs)]
    model = keras.Model(inputs, outputs)
    randomize(model)
    arrays = {name: RNG.normal(size=(3, *value.shape[1:])).astype(np.float32) for name, value in inputs.items()}
    for number, values in enumerate(model.predict(arrays, verbose=0)):
        arrays[f"out{number}"] = values
    model.save(HERE / "channels_first.keras")

    keras.utils.clear_session()
    model = keras.Sequential([
        keras.Input((2, 8, 7)), layers.Conv2D(3, 3, **FIRST), layers.BatchNormalization(axis=1), layers.Activation("relu"),
        layers.MaxPooling2D(2, **FIRST), layers.Dropout(0.5), layers.Conv2D(4, 2, **FIRST)])
    randomize(model)
    arrays["x"] = RNG.normal(size=(3, 2, 8, 7)).astype(np.float32)
    arrays["y"] = model.predict(arrays["x"], verbose=0)
    model.save(HERE / "channels_first.h5")
    np.savez(HERE / "channels_first.npz", **arrays)


if __name__ == "__main__":
    main()
