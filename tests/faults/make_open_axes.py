"""Writes a model of Keras for images of any size, and its outputs for two sizes.

Run with Keras 3: `python tests/faults/make_open_axes.py`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

FOLDER = os.path.dirname(os.path.abspath(__file__))


def main():
    keras.utils.set_random_seed(5)
    layers = keras.layers
    image = keras.Input((None, None, 3), name="image")
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.Add()([x, layers.Conv2D(4, 4, padding="same")(x)])
    maps = layers.MaxPooling2D(3, strides=2, padding="same", name="maps")(x)
    scores = layers.Dense(2, name="scores")(layers.GlobalAveragePooling2D()(maps))
    model = keras.Model(image, [scores, maps])
    model.save(os.path.join(FOLDER, "any_image.keras"))
    arrays = {}
    for name, (height, width) in {"even": (8, 12), "odd": (7, 5)}.items():
        x = np.random.default_rng(height).normal(size=(2, height, width, 3)).astype(np.float32)
        arrays[name] = x
        arrays[f"{name}_scores"], arrays[f"{name}_maps"] = model.predict(x, verbose=0)
    np.savez_compressed(os.path.join(FOLDER, "any_image.npz"), **arrays)


main()
