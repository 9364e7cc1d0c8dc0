"""The benchmarked models in Keras on TensorFlow: `keras_models.py MODEL --epochs N --threads T`.

All epochs are one call of `fit`, on arrays in memory and without metrics.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow
from keras import layers, optimizers

import peer


def network(model):
    normal = keras.initializers.RandomNormal
    first = {"kernel_initializer": normal(0.5, 0.7, 1), "bias_initializer": normal(0.5, 0.7, 2)}
    output = layers.Dense(10, "softmax", **(first if model == "basic_nn" else {}))
    hidden = {
        "dense_linear": lambda: [layers.Dense(600), layers.Dense(400, "relu")],
        "lenet5": lambda: [
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(6, 2), layers.MaxPooling2D(2), layers.Activation("sigmoid"),
            layers.Conv2D(16, 5), layers.MaxPooling2D(2), layers.Activation("sigmoid"),
            layers.Conv2D(120, 4), layers.Flatten(), layers.Dense(84, "tanh")],
        "dropout_mlp": lambda: [
            layers.Dense(512, "relu"), layers.Dropout(0.2), layers.Dense(512, "relu"), layers.Dropout(0.2)],
        "basic_nn": lambda: [layers.Dense(200, "relu", **first)],
        "deep_sigmoid": lambda: [
            layers.BatchNormalization(), *(layers.Dense(units, "sigmoid") for units in (200, 100, 60, 30))],
    }
    return keras.Sequential([layers.Input((784,)), *hidden[model](), output])


OPTIMIZERS = {
    "dense_linear": optimizers.Adam,
    "lenet5": lambda: optimizers.SGD(0.01),
    "dropout_mlp": optimizers.RMSprop,
    "basic_nn": optimizers.Adam,
    "deep_sigmoid": lambda: optimizers.SGD(0.03),
}


class Clock(keras.callbacks.Callback):
    """Prints a line for each epoch, and waits before each if requested."""

    def __init__(self, asked):
        super().__init__()
        self.epochs = peer.Epochs(asked)

    def on_epoch_begin(self, epoch, logs=None):
        if not self.epochs.begin():
            sys.exit()

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.end([(logs["loss"], 1)])


def main():
    asked = peer.options()
    tensorflow.config.threading.set_intra_op_parallelism_threads(asked.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(asked.threads)
    keras.utils.set_random_seed(12345)
    images, labels = peer.digits(asked.model, asked.limit)
    model = network(asked.model)
    model.compile(loss="categorical_crossentropy", optimizer=OPTIMIZERS[asked.model]())
    model.fit(
        images.reshape(-1, 784), keras.utils.to_categorical(labels, 10), epochs=asked.epochs,
        batch_size=peer.BATCH[asked.model], verbose=0, callbacks=[Clock(asked)])


if __name__ == "__main__":
    main()
