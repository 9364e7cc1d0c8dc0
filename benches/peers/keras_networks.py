"""The networks of networks.txt in Keras on TensorFlow: `keras_networks.py MODEL --epochs N --threads T`.

All epochs are one call of `fit`, on arrays in memory and without metrics.
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow
from keras import layers

import peer
from keras_models import Clock
from networks import NETWORKS


def block(x, filters, stride):
    """Two convolutions with a shortcut around them."""
    y = layers.Conv2D(filters, 3, stride, padding="same")(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
    if stride > 1 or x.shape[-1] != filters:
        x = layers.BatchNormalization()(layers.Conv2D(filters, 1, stride, padding="same")(x))
    return layers.ReLU()(layers.Add()([y, x]))


def applied(kind, sizes, x):
    """The output of a layer of the file."""
    stride = {"conv": sizes[2:], "depthwise": sizes[1:]}.get(kind)
    stride = stride[0] if stride else 1
    mean = layers.GlobalAveragePooling2D if len(x.shape) == 4 else layers.GlobalAveragePooling1D
    return {
        "dense": lambda: layers.Dense(*sizes)(x),
        "conv": lambda: layers.Conv2D(*sizes[:2], stride, padding="same")(x),
        "depthwise": lambda: layers.DepthwiseConv2D(sizes[0], stride, padding="same")(x),
        "conv1d": lambda: layers.Conv1D(*sizes, padding="same")(x),
        "block": lambda: block(x, *sizes),
        "norm": lambda: layers.BatchNormalization()(x),
        "relu": lambda: layers.Activation("relu")(x),
        "tanh": lambda: layers.Activation("tanh")(x),
        "pool": lambda: layers.MaxPooling2D(2)(x),
        "flatten": lambda: layers.Flatten()(x),
        "global": lambda: mean()(x),
        "embedding": lambda: layers.Embedding(*sizes)(x),
        "lstm": lambda: layers.LSTM(*sizes)(x),
        "gru": lambda: layers.GRU(*sizes)(x),
        "reproduce": lambda: x,
    }[kind]()


def main():
    asked = peer.options(NETWORKS)
    network = NETWORKS[asked.model]
    tensorflow.config.threading.set_intra_op_parallelism_threads(asked.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(asked.threads)
    keras.utils.set_random_seed(12345)
    x = first = keras.Input(network.shape, dtype="int32" if network.words else "float32")
    for kind, sizes in network.layers:
        x = applied(kind, sizes, x)
    model = keras.Model(first, x)
    classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss="mean_squared_error" if network.reproduces else classes, optimizer=keras.optimizers.Adam())
    inputs, targets = network.data(asked.limit)
    model.fit(inputs, targets, epochs=asked.epochs, batch_size=network.batch, verbose=0, callbacks=[Clock(asked)])


if __name__ == "__main__":
    main()
