"""Writes the files of weights, the deep model and the NumPy files of the tests, and the values of Keras for them.

Run with Keras 3: `python tests/faults/make_files.py`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format

FOLDER = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(FOLDER, name)


def weights():
    """A model as a file of weights of Keras 3 and of Keras 2, and as a configuration."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, activation="relu"), layers.BatchNormalization(), layers.Dense(2)], name="small"
    )
    model.compile("adam", "mse")
    x = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32)
    model.fit(x, x[:, :2], epochs=2, verbose=0)
    model.save_weights(path("keras_3.weights.h5"))
    with h5py.File(path("keras_2_weights.h5"), "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    with open(path("small.json"), "w") as file:
        file.write(model.to_json())
    np.savez(path("small.npz"), x=x, y=model.predict(x, verbose=0))


def deep():
    """Twelve layers with the state of Adam, in an .h5 file."""
    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.Input((4,))] + [keras.layers.Dense(4, activation="tanh") for _ in range(12)])
    model.compile("adam", "mse")
    x = np.random.default_rng(4).normal(size=(5, 4)).astype(np.float32)
    model.fit(x, x, verbose=0)
    model.save(path("deep.h5"))
    np.savez(path("deep.npz"), x=x, y=model.predict(x, verbose=0))


def numpy_file(name, header, data):
    """An npy file with this header, which NumPy reads but does not write on a little-endian machine."""
    header = header + " " * (117 - len(header)) + "\n"
    with open(path(name), "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data)
    assert np.array_equal(np.load(path(name)), VALUES), name


VALUES = np.array([[1, -2, 3], [4, 5, -6]])


def numpy_files():
    for name, descr in [("big_endian_f8", ">f8"), ("big_endian_i4", ">i4"), ("f2", "<f2"), ("native_f4", "=f4")]:
        text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (2, 3), }}"
        numpy_file(f"{name}.npy", text, VALUES.astype(descr).tobytes())
    data = VALUES.astype("<f4").tobytes()
    numpy_file("double_quotes.npy", '{"descr": "<f4", "fortran_order": False, "shape": (2, 3), }', data)
    numpy_file("python_2.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }", data)
    np.savez(path("with_strings.npz"), x=VALUES.astype(np.float32), names=np.array(["a", "b"]), y=np.array([0, 1]))
    np.savez_compressed(path("zeros.npz"), x=np.zeros(2_500_000, np.float32))


if __name__ == "__main__":
    numpy_files()
    weights()
    deep()
