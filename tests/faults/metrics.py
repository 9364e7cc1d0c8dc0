#!/usr/bin/env python3
"""Writes the small files of this folder with Keras: `python tests/faults/metrics.py` (pip install keras tensorflow h5py).

softmax_of_one.h5  a softmax over a single unit, compiled with a cross-entropy, which is a mistake: it is always 1.
"""
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras

HERE = pathlib.Path(__file__).resolve().parent
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1, "softmax")])
model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", metrics=["accuracy"])
model.save(HERE / "softmax_of_one.h5")
