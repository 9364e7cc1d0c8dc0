"""What Keras makes of our models, and models that Keras makes.

    keras_models.py check FOLDER     opens the models in FOLDER/<example>
    keras_models.py make FOLDER N    writes N random models, with what they predict and one step of training
    keras_models.py keep FOLDER      writes the small models that stand in the repository
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its convolutions have crashed in small models

import absl.logging
import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from safetensors.numpy import load_file, save_file

absl.logging.set_verbosity(absl.logging.ERROR)

EXAMPLES = ["dense_linear", "lenet5", "dropout_mlp", "deep_sigmoid"]


def same_predictions(found, expected, place):
    """|a - b| <= 1e-5 max(1, max|b|), and the same class wherever the two largest differ by more than 1e-4."""
    apart = np.abs(found - expected).max()
    assert apart <= 1e-5 * max(1, np.abs(expected).max()), f"{place}: predictions are {apart} apart"
    order = np.sort(expected, axis=-1)
    clear = order[:, -1] - order[:, -2] > 1e-4
    same = found.argmax(-1) == expected.argmax(-1)
    assert same[clear].all(), f"{place}: another class"
    return apart


def restore_optimizer(model, path):
    """What Keras' loader of .h5 means to do. Keras 3.15.1 builds the optimizer for no variables there, for files of its own
    as well, and so can train none of them."""
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        values = [np.asarray(group[name]) for name in group.attrs["weight_names"]]
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    optimizer.set_weights(values)
    model.compile(optimizer=optimizer, loss=model.loss, metrics=["accuracy"])


def check(folder):
    for name in EXAMPLES:
        arrays = load_file(f"{folder}/{name}/arrays.safetensors")
        x, y = arrays["inputs"], arrays["targets"]
        for ending in ["h5", "keras"]:
            path = f"{folder}/{name}/model.{ending}"
            model = keras.models.load_model(path)
            apart = same_predictions(model.predict(arrays["test"], verbose=0), arrays["predictions"], path)
            if ending == "h5":
                restore_optimizer(model, path)
            steps = int(model.optimizer.iterations.numpy())
            assert steps > 0, f"{path}: the optimizer has made no step"
            state = [v.numpy() for v in model.optimizer.variables[2:]]
            assert all(np.abs(array).max() > 0 for array in state), f"{path}: the optimizer remembers nothing"
            model.evaluate(x[:100], y[:100], verbose=0)
            loss = model.fit(x, y, batch_size=100, shuffle=False, verbose=0).history["loss"][0]
            assert int(model.optimizer.iterations.numpy()) == steps + len(x) // 100
            line = f"{path}: predictions {apart:.1e} apart, {steps} steps before, then an epoch with loss {loss:.4f}"
            if not any(isinstance(layer, layers.Dropout) for layer in model.layers):
                # Without chance, our own epoch from here has Keras' numbers.
                assert abs(loss - arrays["loss"][0]) <= 1e-3 * loss, f"{path}: loss {loss}, ours {arrays['loss'][0]}"
                ours = [arrays[f"after/{i}"] for i in range(len(model.weights))]
                far = max(np.abs(a - b.numpy()).max() / np.abs(a).max() for a, b in zip(ours, model.weights))
                assert far < 1e-2, f"{path}: weights are {far} apart after an epoch"
                line += f", weights {far:.1e} from ours"
            print(line)
        model = keras.models.load_model(f"{folder}/{name}/model.keras")
        for weight in model.weights:
            weight.assign(np.zeros(weight.shape))
        model.load_weights(f"{folder}/{name}/model.weights.h5")
        same_predictions(model.predict(arrays["test"], verbose=0), arrays["predictions"], f"{name}: weights alone")


def check_deep(folder):
    """Three hundred layers: long descriptions and long groups."""
    arrays = load_file(f"{folder}/deep/arrays.safetensors")
    for ending in ["h5", "keras"]:
        path = f"{folder}/deep/model.{ending}"
        model = keras.models.load_model(path)
        assert len(model.layers) == 300
        apart = same_predictions(model(arrays["test"]).numpy(), arrays["predictions"], path)
        print(f"{path}: predictions {apart:.1e} apart")


def activation(rng):
    return str(rng.choice(["linear", "relu", "sigmoid", "tanh"]))


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def on_images(rng, shape):
    """A layer for images of this shape."""
    height, width = shape[:2]
    kind = rng.choice(["conv", "pool", "norm", "activation", "dropout"], p=[0.45, 0.2, 0.15, 0.15, 0.05])
    if kind == "conv":
        return layers.Conv2D(
            int(rng.integers(1, 6)), [int(rng.integers(1, min(4, height) + 1)), int(rng.integers(1, min(4, width) + 1))],
            strides=[int(rng.integers(1, 3)), int(rng.integers(1, 3))], padding=pick(rng, "same", "valid"),
            activation=activation(rng), use_bias=bool(rng.integers(2)),
            kernel_initializer=pick(rng, "he_normal", "glorot_uniform", "lecun_uniform"))
    if kind == "pool" and min(height, width) >= 2:
        return layers.MaxPooling2D(2, strides=pick(rng, None, 1, [2, 1]))
    return anywhere(rng, kind)


def anywhere(rng, kind):
    if kind == "norm":
        return layers.BatchNormalization(momentum=pick(rng, 0.99, 0.9), epsilon=pick(rng, 1e-3, 1e-2))
    if kind == "dropout":
        return layers.Dropout(float(rng.uniform(0.1, 0.5)))
    return layers.Activation(activation(rng))


def architecture(rng):
    model = keras.Sequential()
    if rng.integers(2):
        shape = (int(rng.integers(5, 11)), int(rng.integers(5, 11)), int(rng.integers(1, 4)))
        model.add(keras.Input(shape))
        for _ in range(rng.integers(1, 5)):
            model.add(on_images(rng, shape))
            shape = model.output_shape[1:]
        model.add(layers.Flatten())
    elif rng.integers(2):
        model.add(keras.Input((4, 6)))
        model.add(layers.Reshape(pick(rng, (-1,), (24,))))
    else:
        model.add(keras.Input((int(rng.integers(1, 30)),)))
    for _ in range(rng.integers(0, 4)):
        kind = rng.choice(["dense", "norm", "activation", "dropout"], p=[0.6, 0.15, 0.15, 0.1])
        if kind == "dense":
            model.add(layers.Dense(int(rng.integers(1, 40)), activation=activation(rng), use_bias=bool(rng.integers(2))))
        else:
            model.add(anywhere(rng, kind))
    classes = int(rng.integers(2, 8))
    if rng.integers(2):
        model.add(layers.Dense(classes, activation="softmax"))
    else:
        model.add(layers.Dense(classes))
        model.add(layers.Activation("softmax"))
    return model


def optimizer(rng):
    rate = float(rng.choice([0.1, 0.01, 0.001]))
    return pick(
        rng,
        keras.optimizers.SGD(rate),
        keras.optimizers.SGD(rate, momentum=0.9),
        keras.optimizers.SGD(rate, momentum=0.8, nesterov=True),
        keras.optimizers.RMSprop(rate / 10),
        keras.optimizers.Adam(rate / 10),
        keras.optimizers.Adam(rate / 10, beta_1=0.8, beta_2=0.99, epsilon=1e-5),
    )


def gradients(model, x, y):
    before = [weight.numpy() for weight in model.weights]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    found = [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]
    for weight, value in zip(model.weights, before):
        weight.assign(value)  # batch normalisations moved on
    return found


def noise(model, x, y, found):
    """How far Keras' gradients are from those in float64: more than rounding where numbers nearly cancel."""
    exact = keras.models.model_from_json(model.to_json().replace("float32", "float64"))
    exact.set_weights([weight.numpy().astype("float64") for weight in model.weights])
    exact.compile(loss=model.loss)
    exact_found = gradients(exact, x.astype("float64"), y if y.ndim == 1 else y.astype("float64"))
    return np.array([np.abs(a - b).max() for a, b in zip(found, exact_found)], "float32")


def describe(model, x, target, path):
    """Saves a model, and beside it what it predicts and, where nothing is left to chance, one step of training."""
    model.save(path)
    arrays = {"x": x, "y": target, "prediction": model(x, training=False).numpy()}
    if target.ndim == 1:
        arrays["y_is_a_label"] = np.ones(1)
    if not any(isinstance(layer, layers.Dropout) for layer in model.layers):
        found = gradients(model, x, target)
        arrays |= {f"gradient/{i}": g for i, g in enumerate(found)}
        arrays["noise"] = noise(model, x, target, found)
        model.train_on_batch(x, target)
        arrays |= {f"after/{i}": v.numpy() for i, v in enumerate(model.trainable_variables)}
    arrays = {name: np.ascontiguousarray(array, "float32") for name, array in arrays.items()}
    save_file(arrays, os.path.splitext(path)[0] + ".safetensors")


def random_model(seed, path):
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    model = architecture(rng)
    labels = bool(rng.integers(2))
    loss = "sparse_categorical_crossentropy" if labels else "categorical_crossentropy"
    if rng.integers(2):
        loss = keras.losses.get({"class_name": "".join(word.title() for word in loss.split("_")), "config": {}})
    model.compile(optimizer(rng), loss=loss, metrics=["accuracy"], run_eagerly=True)
    rows, classes = int(rng.integers(5, 20)), model.output_shape[-1]
    x = rng.normal(size=(rows, *model.input_shape[1:])).astype("float32")
    y = rng.integers(classes, size=rows)
    target = y if labels else np.eye(classes, dtype="float32")[y]
    # Something for the optimizer and the batch normalisations to remember.
    for _ in range(3):
        model.train_on_batch(rng.normal(size=x.shape).astype("float32"), target)
    describe(model, x, target, path)


def keep(folder):
    """Small models with every layer and optimizer, in each form."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 6, 5, 1)).astype("float32")
    y = np.arange(6) % 3
    images = keras.Sequential([
        keras.Input((6, 5, 1)),
        layers.Conv2D(2, 2, padding="same", activation="relu", kernel_initializer="he_normal"),
        layers.MaxPooling2D(2, strides=1),
        layers.BatchNormalization(),
        layers.Conv2D(3, (1, 2), strides=(2, 1), use_bias=False),
        layers.Activation("tanh"),
        layers.Flatten(),
        layers.Dropout(0.25),
        layers.Dense(3, activation="softmax"),
    ])
    images.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images.fit(x, y, epochs=2, verbose=0)
    describe(images, x, y, f"{folder}/images.h5")
    images.save_weights(f"{folder}/images.weights.h5")
    for name, optimizer in [
        ("sgd.keras", keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True)),
        ("rmsprop.h5", keras.optimizers.RMSprop(0.01)),
        ("adam.keras", keras.optimizers.Adam(0.01, beta_1=0.8)),
    ]:
        rows = keras.Sequential([
            keras.Input((3, 2)),
            layers.Reshape((-1,)),
            layers.Dense(4, activation="sigmoid"),
            layers.Dense(3, bias_initializer="ones", kernel_initializer=keras.initializers.RandomNormal(stddev=0.3)),
            layers.Activation("softmax"),
        ])
        loss = keras.losses.CategoricalCrossentropy()
        rows.compile(optimizer, loss=loss, metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(2)], run_eagerly=True)
        x, target = rng.normal(size=(6, 3, 2)).astype("float32"), np.eye(3, dtype="float32")[y]
        rows.fit(x, target, epochs=2, verbose=0)
        describe(rows, x, target, f"{folder}/{name}")
    old(f"{folder}/old.h5", rng)


def old(path, rng):
    """A file as Keras 2.3 wrote them: no input layer, names of fixed length, initialisers by variance."""
    kernel, bias = rng.normal(size=(4, 3)).astype("float32"), rng.normal(size=3).astype("float32")
    variance = {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}}
    dense = {
        "name": "dense_7", "trainable": True, "batch_input_shape": [None, 4], "dtype": "float32", "units": 3,
        "activation": "softmax", "use_bias": True, "kernel_initializer": variance,
        "bias_initializer": {"class_name": "Zeros", "config": {}}, "kernel_regularizer": None, "bias_regularizer": None,
        "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None,
    }
    model = {"class_name": "Sequential", "config": {"name": "sequential_3", "layers": [{"class_name": "Dense", "config": dense}]}}
    sgd = {"class_name": "SGD", "config": {"learning_rate": 0.009999999776482582, "momentum": 0.0, "decay": 0.0, "nesterov": False}}
    training = {
        "optimizer_config": sgd, "loss": "categorical_crossentropy", "metrics": ["acc"], "weighted_metrics": None,
        "sample_weight_mode": None, "loss_weights": None,
    }
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = np.bytes_(json.dumps(model))
        file.attrs["training_config"] = np.bytes_(json.dumps(training))
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([b"dense_7"])
        group = group.create_group("dense_7")
        group.attrs["weight_names"] = np.array([b"dense_7/kernel:0", b"dense_7/bias:0"])
        group["dense_7/kernel:0"], group["dense_7/bias:0"] = kernel, bias
    x = rng.normal(size=(5, 4)).astype("float32")
    z = np.exp(x @ kernel + bias)
    arrays = {"x": x, "prediction": z / z.sum(-1, keepdims=True)}
    save_file(arrays, os.path.splitext(path)[0] + ".safetensors")


def make(folder, count):
    os.makedirs(folder, exist_ok=True)
    for seed in range(count):
        keras.backend.clear_session(free_memory=False)
        random_model(seed, f"{folder}/{seed:03}.{'h5' if seed % 2 else 'keras'}")
    print(f"{count} models")


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(sys.argv[2])
        check_deep(sys.argv[2])
    elif sys.argv[1] == "keep":
        keep(sys.argv[2])
    else:
        make(sys.argv[2], int(sys.argv[3]))
