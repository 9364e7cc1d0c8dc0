"""Loads models of gradus in Keras, and creates models in Keras.

    keras_models.py check FOLDER     opens the models in FOLDER/<example>
    keras_models.py back FOLDER      opens models of Keras that gradus loaded and saved
    keras_models.py make FOLDER N    writes N random models, with predictions and one training step
    keras_models.py applications FOLDER   writes networks of keras.applications, with predictions and one training step
    keras_models.py keep FOLDER      writes the small models in the repository
"""

import glob
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its convolutions have crashed in small models
# Each call of a grouped convolution is compiled again, which takes most of the time.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"

import absl.logging
import h5py
import keras
import numpy as np
import onnxruntime
import tensorflow as tf
from keras import layers, tree
from safetensors.numpy import load_file, save_file

from bounds import EXAMPLES, same_predictions

absl.logging.set_verbosity(absl.logging.ERROR)


def restore_optimizer(model, path):
    """Restores the optimizer of a .h5 file. Keras 3.15.1 builds it without variables, also for files that Keras saved, so that
    the loaded models cannot be trained."""
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        values = [np.asarray(group[name]) for name in group.attrs["weight_names"]]
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    optimizer.set_weights(values)
    model.compile(optimizer=optimizer, loss=model.loss, loss_weights=loss_weights(model))


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
                # Without randomness, an epoch of gradus from here has the numbers of Keras.
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


def back(folder):
    """Models of Keras that gradus has loaded and saved: they predict equally, also in onnxruntime, and training continues."""
    for path in sorted(glob.glob(f"{folder}/*.onnx")):
        arrays = load_file(os.path.splitext(path)[0] + ".safetensors")
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {session.get_inputs()[0].name: arrays["x/"]})
        same_predictions(found, arrays["prediction/"], path)
    for path in sorted(glob.glob(f"{folder}/*.keras") + glob.glob(f"{folder}/*.h5")):
        model, arrays = keras.models.load_model(path), load_file(os.path.splitext(path)[0] + ".safetensors")
        under = lambda what: {n.split("/", 1)[1]: a for n, a in arrays.items() if n.startswith(what + "/")}
        alone = lambda named: named[""] if "" in named else named
        found = model(alone(under("x")), training=False)
        for name, expected in under("prediction").items():
            same_predictions((found if name == "" else found[name]).numpy(), expected, path)
        if under("y"):
            if path.endswith("h5"):
                restore_optimizer(model, path)
            assert int(model.optimizer.iterations.numpy()) > 0, f"{path}: the optimizer has made no step"
            model.run_eagerly = True  # compilation takes most of the time
            model.train_on_batch(alone(under("x")), alone(under("y")))
        print(f"{path}: as it was")


def check_deep(folder):
    """Three hundred layers: long descriptions and long groups."""
    arrays = load_file(f"{folder}/deep/arrays.safetensors")
    for ending in ["h5", "keras"]:
        path = f"{folder}/deep/model.{ending}"
        model = keras.models.load_model(path)
        assert len(model.layers) == 300
        apart = same_predictions(model(arrays["test"]).numpy(), arrays["predictions"], path)
        print(f"{path}: predictions {apart:.1e} apart")


ACTIVATIONS = [
    "linear", "relu", "sigmoid", "tanh", "softmax", "log_softmax", "leaky_relu", "elu", "selu", "softplus", "softsign",
    "gelu", "silu", "hard_sigmoid", "exponential",
]
LAYERS_WITHOUT_DIMENSIONS = {
    "norm": lambda rng: layers.BatchNormalization(momentum=pick(rng, 0.99, 0.9), epsilon=pick(rng, 1e-3, 1e-2)),
    "layer_norm": lambda rng: layers.LayerNormalization(epsilon=pick(rng, 1e-3, 1e-5), center=flip(rng), scale=flip(rng)),
    "dropout": lambda rng: layers.Dropout(float(rng.uniform(0.1, 0.5))),
    "activation": lambda rng: layers.Activation(activation(rng)),
    "leaky": lambda rng: layers.LeakyReLU(negative_slope=pick(rng, 0.3, 0.1)),
    "elu": lambda rng: layers.ELU(alpha=pick(rng, 1.0, 0.5)),
    "softmax": lambda rng: layers.Softmax(axis=pick(rng, -1, 1)),
}


def flip(rng):
    return bool(rng.integers(2))


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def activation(rng):
    # Linear, ReLU and similar ones half of the time, as the others saturate or explode in deep models.
    return str(rng.choice(ACTIVATIONS[:4] if flip(rng) else ACTIVATIONS))


def anywhere(rng, shape):
    kinds = list(LAYERS_WITHOUT_DIMENSIONS)
    kind = rng.choice(kinds, p=[0.25, 0.2, 0.05, 0.2, 0.1, 0.1, 0.1])
    # The softmax of a single number is constant, so that its gradient is only rounding error.
    kind = "activation" if shape[-1] == 1 and kind in ("layer_norm", "softmax") else kind
    return LAYERS_WITHOUT_DIMENSIONS[kind](rng)


def convolution(rng, shape):
    height, width, channels = shape
    kernel = [int(rng.integers(1, min(4, side) + 1)) for side in (height, width)]
    padding = pick(rng, "same", "valid")
    groups = pick(rng, 1, channels)
    filters = groups * int(rng.integers(1, 4))
    dilation = 2 if padding == "same" and flip(rng) else 1
    strides = 1 if dilation > 1 else [int(rng.integers(1, 3)), int(rng.integers(1, 3))]
    return layers.Conv2D(
        filters, kernel, strides=strides, padding=padding, dilation_rate=dilation, groups=groups,
        activation=activation(rng), use_bias=flip(rng),
        kernel_initializer=pick(rng, "he_normal", "glorot_uniform", "lecun_uniform", "orthogonal"))


def of_image_models(rng, shape):
    """A layer of models of images."""
    height, width, channels = shape
    kernel = [int(rng.integers(1, min(3, side) + 1)) for side in (height, width)]
    strides, padding = int(rng.integers(1, 3)), pick(rng, "same", "valid")
    common = {"strides": strides, "padding": padding, "use_bias": flip(rng)}
    small = max(height, width) <= 10
    return pick(
        rng,
        lambda: layers.DepthwiseConv2D(kernel, depth_multiplier=pick(rng, 1, 2), activation=activation(rng), **common),
        lambda: layers.SeparableConv2D(int(rng.integers(1, 5)), kernel, activation=activation(rng), **common),
        lambda: layers.Conv2DTranspose(int(rng.integers(1, 4)), kernel, activation=activation(rng), **common)
        if small else layers.ReLU(),
        lambda: layers.UpSampling2D(pick(rng, 2, (1, 2)), interpolation=pick(rng, "nearest", "bilinear", "bicubic"))
        if small else layers.ReLU(),
        lambda: layers.Resizing(int(rng.integers(3, 9)), int(rng.integers(3, 9)), interpolation=pick(rng, "nearest", "bilinear")),
        lambda: layers.Cropping2D(((1, 0), (0, 1))) if min(height, width) > 2 else layers.Identity(),
        lambda: layers.ReLU(max_value=pick(rng, None, 6.0), negative_slope=pick(rng, 0.0, 0.1), threshold=pick(rng, 0.0, 0.3)),
        lambda: layers.PReLU(shared_axes=pick(rng, None, [1, 2])),
        lambda: layers.GroupNormalization(pick(rng, 1, -1, channels)),
        lambda: layers.UnitNormalization(),
        lambda: layers.RMSNormalization(epsilon=1e-3),
        lambda: layers.Permute(pick(rng, (2, 1, 3), (3, 1, 2))),
        lambda: layers.Rescaling(pick(rng, 0.5, 2.0), offset=pick(rng, 0.0, -0.5)),
        lambda: layers.Conv2D(int(rng.integers(1, 5)), kernel, activation=activation(rng), **common),
    )()


def on_steps(rng, shape):
    """A layer for sequences of this shape."""
    steps, channels = shape
    kernel, strides = int(rng.integers(1, min(3, steps) + 1)), int(rng.integers(1, 3))
    common = {"strides": strides, "padding": pick(rng, "same", "valid"), "activation": activation(rng)}
    return pick(
        rng,
        lambda: layers.Conv1D(int(rng.integers(1, 5)), kernel, **{**common, "padding": pick(rng, "same", "valid", "causal")}),
        lambda: layers.DepthwiseConv1D(kernel, depth_multiplier=pick(rng, 1, 2), **common),
        lambda: layers.SeparableConv1D(int(rng.integers(1, 5)), kernel, **common),
        lambda: layers.Conv1DTranspose(int(rng.integers(1, 5)), kernel, **common),
        lambda: layers.MaxPooling1D(min(2, steps), strides=pick(rng, None, 1), padding=pick(rng, "valid", "same")),
        lambda: layers.AveragePooling1D(min(2, steps), strides=pick(rng, None, 1), padding=pick(rng, "valid", "same")),
        lambda: layers.UpSampling1D(2) if steps < 12 else layers.Identity(),
        lambda: layers.ZeroPadding1D(pick(rng, 1, (0, 2))),
        lambda: layers.Cropping1D((1, 0)) if steps > 1 else layers.Identity(),
        lambda: layers.Permute((2, 1)),
        lambda: layers.GroupNormalization(pick(rng, 1, -1)),
    )()


def on_images(rng, shape):
    """A layer for images of this shape."""
    height, width = shape[:2]
    if flip(rng):
        return of_image_models(rng, shape)
    kind = rng.choice(["conv", "max", "average", "pad", "other"], p=[0.4, 0.13, 0.12, 0.1, 0.25])
    if kind == "conv":
        return convolution(rng, shape)
    if kind == "pad":
        return layers.ZeroPadding2D(pick(rng, 1, (1, 2), ((1, 0), (0, 2))))
    if kind in ("max", "average") and min(height, width) >= 2:
        pool = layers.MaxPooling2D if kind == "max" else layers.AveragePooling2D
        return pool(2, strides=pick(rng, None, 1, [2, 1]), padding=pick(rng, "valid", "same"))
    return anywhere(rng, shape)


def vector(rng, name="x"):
    """An input, and layers that make one axis of features of it."""
    kind = rng.choice(["images", "steps", "words", "table", "features"], p=[0.5, 0.2, 0.1, 0.05, 0.15])
    if kind == "images":
        x = inputs = keras.Input((int(rng.integers(5, 11)), int(rng.integers(5, 11)), int(rng.integers(1, 4))), name=name)
        for _ in range(rng.integers(1, 5)):
            x = on_images(rng, x.shape[1:])(x)
        last = pick(rng, layers.Flatten, layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)
        return inputs, last()(x)
    if kind == "steps":
        x = inputs = keras.Input((int(rng.integers(4, 9)), int(rng.integers(1, 5))), name=name)
        for _ in range(rng.integers(1, 4)):
            x = on_steps(rng, x.shape[1:])(x)
        return inputs, pick(rng, layers.Flatten, layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D)()(x)
    if kind == "words":
        inputs = keras.Input((int(rng.integers(2, 8)),), name=name)
        return inputs, layers.Flatten()(layers.Embedding(WORDS, int(rng.integers(1, 6)))(inputs))
    if kind == "table":
        inputs = keras.Input((4, 6), name=name)
        return inputs, layers.Reshape(pick(rng, (-1,), (24,)))(inputs)
    inputs = keras.Input((int(rng.integers(2, 30)),), name=name)
    return inputs, inputs


# Vocabulary size of embeddings.
WORDS = 9


def hidden(rng, x):
    for _ in range(rng.integers(0, 4)):
        if rng.uniform() < 0.6:
            x = layers.Dense(int(rng.integers(2, 30)), activation=activation(rng), use_bias=flip(rng))(x)
        else:
            x = anywhere(rng, x.shape)(x)
    return x


def head(rng, x):
    """An output, its loss and metrics, and the kind of its targets."""
    losses, metrics = keras.losses, keras.metrics
    width = int(rng.integers(2, 8))
    kind = rng.choice(["probabilities", "logits", "yes or no", "values"], p=[0.4, 0.2, 0.15, 0.25])
    if kind in ("probabilities", "logits"):
        x = layers.Dense(width)(x)
        if kind == "probabilities":
            x = layers.Activation("softmax")(x) if flip(rng) else layers.Softmax()(x)
        logits = kind == "logits"
        if flip(rng):
            loss = losses.SparseCategoricalCrossentropy(from_logits=logits) if logits else "sparse_categorical_crossentropy"
            return x, loss, ["accuracy", metrics.SparseTopKCategoricalAccuracy(2)], "label"
        loss = pick(rng, losses.CategoricalCrossentropy(from_logits=logits), losses.CategoricalCrossentropy(
            from_logits=logits, label_smoothing=0.1), losses.KLDivergence() if not logits else losses.CategoricalCrossentropy(
            from_logits=True))
        return x, loss, ["accuracy", metrics.F1Score(average="macro")], "one of them"
    if kind == "yes or no":
        logits = flip(rng)
        x = layers.Dense(width, activation=None if logits else "sigmoid")(x)
        loss = losses.BinaryCrossentropy(from_logits=logits, label_smoothing=pick(rng, 0.0, 0.2))
        return x, loss, [metrics.BinaryAccuracy(threshold=0.4), metrics.Precision(class_id=1), metrics.Recall()], "yes or no"
    x = layers.Dense(width)(x)
    loss = pick(rng, "mse", "mean_absolute_error", losses.Huber(), losses.LogCosh(), losses.Hinge())
    return x, loss, ["mae", metrics.R2Score()], "values"


def targets(rng, kind, rows, width):
    if kind == "label":
        return rng.integers(width, size=rows)
    if kind == "one of them":
        return np.eye(width, dtype="float32")[rng.integers(width, size=rows)]
    if kind == "yes or no":
        return rng.integers(2, size=(rows, width)).astype("float32")
    return rng.choice([-1.0, 1.0], size=(rows, width)).astype("float32")


def chain(rng):
    """A Sequential."""
    inputs, x = vector(rng)
    x, loss, metrics, kind = head(rng, hidden(rng, x))
    functional = keras.Model(inputs, x)
    model = keras.Sequential([keras.Input(inputs.shape[1:]), *functional.layers[1:]])
    return model, loss, metrics, [kind]


def graph(rng):
    """A functional model with branches, shared layers, and several inputs and outputs."""
    ends = [vector(rng, f"in_{i}") for i in range(rng.integers(1, 4))]
    width = int(rng.integers(2, 12))
    branches = [layers.Dense(width, activation=activation(rng))(x) for _, x in ends]
    shared = layers.Dense(width, activation="tanh")
    branches = [shared(x) for x in branches] + [hidden(rng, branches[0])]
    same = [x for x in branches if x.shape == branches[0].shape]
    merge = pick(rng, layers.Add, layers.Average, layers.Maximum, layers.Minimum, layers.Multiply)
    x = merge()(same) if len(same) > 1 else same[0]
    x = layers.Concatenate()([x, *branches])
    x = shared(layers.Dense(width)(x)) if flip(rng) else x
    heads = [head(rng, hidden(rng, pick(rng, x, branches[-1]))) for _ in range(rng.integers(1, 3))]
    # Values that no output depends on are removed, with their inputs.
    heads.append(head(rng, x))
    names = [f"out_{'abc'[i]}" for i in range(len(heads))]
    outputs = [output for output, _, _, _ in heads]
    if flip(rng):
        outputs = dict(zip(names, outputs))
    else:
        names = [output._keras_history.operation.name for output in outputs]
    model = keras.Model([inputs for inputs, _ in ends], outputs)
    losses, metrics = ({name: part[i] for name, part in zip(names, heads)} for i in (1, 2))
    return model, losses, metrics, [kind for _, _, _, kind in heads]


def optimizer(rng):
    rate = float(rng.choice([0.1, 0.01, 0.001]))
    o, schedules = keras.optimizers, keras.optimizers.schedules
    rate_of_sgd = pick(
        rng, rate, schedules.ExponentialDecay(rate, 3, 0.5, staircase=flip(rng)), schedules.InverseTimeDecay(rate, 2, 0.5),
        schedules.PolynomialDecay(rate, 10, power=2.0, cycle=flip(rng)), schedules.CosineDecay(rate, 10, alpha=0.1),
        schedules.CosineDecay(0.0, 10, warmup_target=rate, warmup_steps=5),
        schedules.PiecewiseConstantDecay([1, 3], [rate, rate / 2, rate / 4]))
    more = pick(rng, {}, {}, {"clipnorm": 0.5}, {"clipvalue": 0.1}, {"global_clipnorm": 1.0}, {"weight_decay": 0.1})
    return pick(
        rng,
        lambda: o.SGD(rate_of_sgd, **more),
        lambda: o.SGD(rate_of_sgd, momentum=0.9, nesterov=flip(rng), **more),
        lambda: o.RMSprop(rate / 10, **more),
        lambda: o.RMSprop(rate / 10, momentum=0.5, centered=True, epsilon=1e-2),
        lambda: o.RMSprop(rate / 10, centered=True, epsilon=1e-2),
        lambda: o.RMSprop(rate / 10, momentum=0.5),
        lambda: o.Adam(rate / 10, **more),
        lambda: o.Adam(rate / 10, beta_1=0.8, beta_2=0.99, epsilon=1e-5, amsgrad=flip(rng)),
        lambda: o.AdamW(rate / 10, amsgrad=flip(rng)),
        lambda: o.Adagrad(rate, **more),
        lambda: o.Adadelta(rate, **more),
        lambda: o.Nadam(rate / 10, **more),
        lambda: o.Lion(rate / 10, **more),
    )()


def weights(model):
    """Trainable variables by the names that gradus has for them."""
    return {f"{layer.name}/{v.name}": v for layer in model.layers for v in layer.trainable_variables}


def library(model):
    """The library of a model: keras, or tf_keras for the form of Keras 2."""
    return sys.modules[type(model).__module__.split(".")[0]]


def loss_weights(model):
    return model.get_compile_config()["loss_weights"]


def gradients(model, x, y):
    before = [weight.numpy() for weight in model.weights]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, tree.map_structure(tf.convert_to_tensor, y), model(x, training=True))
    learned = weights(model)
    found = dict(zip(learned, tape.gradient(loss, list(learned.values()))))
    for weight, value in zip(model.weights, before):
        weight.assign(value)  # running statistics were updated
    dense = lambda g: tf.convert_to_tensor(g).numpy()  # gradients of embeddings are sparse
    return {name: dense(gradient) for name, gradient in found.items()}


def double(value):
    return tree.map_structure(lambda a: a.astype("float64") if a.dtype == np.float32 else a, value)


def exact_gradients(model, x, y):
    """The gradients in float64. The errors of Keras' float32 gradients exceed rounding where terms nearly cancel."""
    own = library(model)
    own.backend.set_floatx("float64")
    try:
        exact = own.models.model_from_json(model.to_json().replace("float32", "float64"))
        for copy, layer in zip(exact.layers, model.layers):
            copy.trainable = layer.trainable
        exact.set_weights([weight.numpy().astype("float64") for weight in model.weights])
        again = lambda loss: own.losses.get(own.losses.serialize(own.losses.get(loss)))
        loss = model.loss
        loss = {k: again(v) for k, v in loss.items()} if isinstance(loss, dict) else again(loss)
        exact.compile(loss=loss, loss_weights=loss_weights(model))
        return gradients(exact, double(x), double(y))
    finally:
        own.backend.set_floatx("float32")


def noise(model, x, y, exact):
    """The largest error of Keras' float32 gradients relative to float64, over several perturbations of the last digit of the
    weights."""
    rng = np.random.default_rng(5)
    before = [weight.numpy() for weight in model.weights]
    far = {name: 0.0 for name in exact}
    for draw in range(6):
        for weight, value in zip(model.weights, before):
            aside = np.nextafter(value, rng.choice([-np.inf, np.inf], size=value.shape).astype("float32"))
            weight.assign(aside if draw > 0 else value)
        far = {name: max(far[name], np.abs(g - exact[name]).max()) for name, g in gradients(model, x, y).items()}
    for weight, value in zip(model.weights, before):
        weight.assign(value)
    return far


# A learning rate so large that the weights before a step are negligible after it.
STEEP = float(1 << 24)


def describe(model, x, y, path):
    """Saves a model, its predictions and, if training is deterministic, one training step. The folder `steep` has a copy whose
    weights after a step are determined by the gradients."""
    model.save(path)
    folder, file = os.path.split(os.path.splitext(path)[0])
    arrays = {}
    for what, value in [("x", x), ("y", y), ("prediction", model(x, training=False))]:
        named = value if isinstance(value, dict) else {"": value}
        if isinstance(value, (list, tuple)):
            named = dict(zip(model.output_names, value))
        arrays |= {f"{what}/{name}": np.asarray(one) for name, one in named.items()}
    arrays |= {f"label/{name[2:]}": np.ones(1) for name, one in arrays.items() if name[:2] == "y/" and one.ndim == 1}
    if not any(isinstance(layer, layers.Dropout) and layer.rate for layer in model.layers):
        found = gradients(model, x, y)
        arrays |= {f"gradient/{name}": g for name, g in found.items()}
        exact = exact_gradients(model, x, y)
        arrays |= {f"exact/{name}": g for name, g in exact.items()}
        arrays |= {f"noise/{name}": n for name, n in noise(model, x, y, exact).items()}
        own = library(model)
        copy = own.models.clone_model(model)
        for twin, layer in zip(copy.layers, model.layers):
            twin.trainable = layer.trainable
        copy.set_weights([weight.numpy() for weight in model.weights])
        copy.compile(own.optimizers.SGD(STEEP), loss=model.loss, loss_weights=loss_weights(model))
        os.makedirs(f"{folder}/steep", exist_ok=True)
        copy.save(f"{folder}/steep/{file}.{'keras' if own is keras else 'h5'}")
        # With the TensorFlow backend, the gradient of an embedding is sparse and may repeat rows, and Keras squares it before
        # it adds them. Other backends and gradus add them first.
        learned = weights(model)
        model.optimizer.apply_gradients([(tf.constant(found[name]), weight) for name, weight in learned.items()])
        arrays |= {f"after/{name}": v.numpy() for name, v in weights(model).items()}
    arrays = {name: np.ascontiguousarray(array, "float32") for name, array in arrays.items()}
    save_file(arrays, f"{folder}/{file}.safetensors")


def sample(rng, model, rows):
    """Rows for every input: indices for embeddings, numbers otherwise."""
    def one(tensor):
        words = any(isinstance(node.operation, layers.Embedding) for node in tensor._keras_history.operation._outbound_nodes)
        shape = (rows, *tensor.shape[1:])
        return (rng.integers(WORDS, size=shape) if words else rng.normal(size=shape)).astype("float32")
    if isinstance(model, keras.Sequential):
        return one(model.inputs[0])
    return {tensor._keras_history.operation.name: one(tensor) for tensor in model.inputs}


def random_model(seed, path):
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    model, loss, metrics, kinds = (graph if seed % 3 == 2 else chain)(rng)
    for layer in model.layers:
        layer.trainable = rng.uniform() < 0.95
    if not model.trainable_variables:
        model.layers[-1].trainable = model.layers[-2].trainable = True
    weights = {name: float(rng.choice([1.0, 0.5])) for name in loss} if isinstance(loss, dict) else None
    model.compile(optimizer(rng), loss=loss, loss_weights=weights, metrics=metrics, run_eagerly=True)
    rows = int(rng.integers(5, 20))
    shapes = [tensor.shape[-1] for tensor in model.outputs]
    y = [targets(rng, kind, rows, width) for kind, width in zip(kinds, shapes)]
    y = dict(zip(loss, y)) if isinstance(loss, dict) else y[0]
    # Gives the optimizer and the batch normalizations a state.
    for _ in range(3):
        model.train_on_batch(sample(rng, model, rows), y)
    describe(model, sample(rng, model, rows), y, path)


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
    graph = two_ends()
    x = {"image": rng.normal(size=(6, 5, 5, 2)).astype("float32"), "words": rng.integers(WORDS, size=(6, 3)).astype("float32")}
    target = {"kind": y, "value": rng.normal(size=(6, 2)).astype("float32")}
    graph.fit(x, target, epochs=2, verbose=0)
    describe(graph, x, target, f"{folder}/graph.keras")
    old(f"{folder}/old.h5", rng)
    branches = small_graph()
    x = {name: rng.normal(size=(6, 3)).astype("float32") for name in ["left", "right"]}
    target = {"kind": y, "value": rng.normal(size=(6, 1)).astype("float32")}
    branches.fit(x, target, epochs=2, verbose=0)
    describe(branches, x, target, f"{folder}/branches.keras")
    keep_masked(folder)


def keep_masked(folder):
    """A graph and a chain with masks."""
    keras.utils.set_random_seed(2)
    rng = np.random.default_rng(2)
    graph = masked_graph()
    words = rng.integers(1, WORDS, size=(6, 4)).astype("float32")
    steps = rng.normal(size=(6, 4, 3)).astype("float32")
    for row, (few, many) in enumerate([(1, 2), (3, 3), (4, 1), (2, 0), (1, 1), (4, 4)]):
        words[row, few:], steps[row, many:] = 0, 0.5
    target = {"steps_target": rng.normal(size=(6, 4, 2)).astype("float32"), "kind": np.arange(6) % 3}
    graph.fit({"words": words, "steps": steps}, target, epochs=2, verbose=0)
    describe(graph, {"words": words, "steps": steps}, target, f"{folder}/masked.keras")
    chain = keras.Sequential([
        keras.Input((4,)),
        layers.Embedding(WORDS, 3, mask_zero=True),
        layers.BatchNormalization(momentum=0.8),
        layers.Dense(4, activation="tanh"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1, activation="sigmoid"),
    ])
    chain.compile(keras.optimizers.Adam(0.01), loss="binary_crossentropy", run_eagerly=True)
    target = (np.arange(6) % 2).astype("float32")[:, None]
    chain.fit(words, target, epochs=2, verbose=0)
    describe(chain, words, target, f"{folder}/masked_chain.h5")


def masked_graph():
    """A graph with masks that are passed on, combined, joined and ended, and an output with a mask."""
    words, steps = keras.Input((4,), name="words"), keras.Input((4, 3), name="steps")
    embedded = layers.Embedding(WORDS, 3, mask_zero=True)(words)
    normalized = layers.BatchNormalization(momentum=0.8)(layers.Masking(0.5)(steps))
    both = layers.Add()([embedded, normalized])
    joined = layers.Concatenate(axis=1)([both, embedded, steps])
    pooled = layers.GlobalAveragePooling1D()(layers.Dense(4, activation="tanh")(joined))
    outputs = {
        "steps_target": layers.Dense(2)(layers.Maximum()([both, embedded])),
        "kind": layers.Dense(3, activation="softmax")(pooled),
    }
    model = keras.Model([words, steps], outputs)
    loss = {"steps_target": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=loss, run_eagerly=True)
    return model


def small_graph():
    """Two inputs through a shared layer, a skip and two outputs in a small file: a seed for damaged files."""
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    shared = layers.Dense(3, activation="tanh", name="shared")
    both = layers.Add()([shared(left), shared(right)])
    outputs = {"kind": layers.Dense(3, activation="softmax")(layers.Concatenate()([both, left])), "value": layers.Dense(1)(both)}
    model = keras.Model([left, right], outputs)
    loss = {"kind": "sparse_categorical_crossentropy", "value": "mse"}
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=loss, run_eagerly=True)
    return model


def two_ends():
    """A graph with two inputs and outputs, a shared and a frozen layer, and layers and settings that other models lack."""
    image, words = keras.Input((5, 5, 2), name="image"), keras.Input((3,), name="words")
    x = layers.ZeroPadding2D(((1, 0), (0, 1)))(image)
    x = layers.Conv2D(4, 2, groups=2, dilation_rate=2, activation="gelu")(x)
    x = layers.LayerNormalization(center=False)(layers.AveragePooling2D(2, strides=1, padding="same")(x))
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    shared = layers.Dense(6, activation="silu", name="shared")
    encoded = layers.Dense(8, name="fixed")(layers.Flatten()(layers.Embedding(WORDS, 2)(words)))
    both = layers.Add()([shared(pooled), shared(encoded)])
    kind = layers.Softmax()(layers.Dense(3)(layers.LeakyReLU(negative_slope=0.1)(both)))
    model = keras.Model([image, words], {"kind": kind, "value": layers.Dense(2)(layers.ELU(alpha=0.5)(both))})
    model.get_layer("fixed").trainable = False
    model.compile(
        keras.optimizers.Nadam(0.01), run_eagerly=True, loss_weights={"kind": 1.0, "value": 0.5},
        loss={"kind": keras.losses.SparseCategoricalCrossentropy(), "value": "huber"},
        metrics={"kind": ["accuracy"], "value": ["mae"]})
    return model


def old(path, rng):
    """A file in the format of Keras 2.3: no input layer, names of fixed length, initializers by variance."""
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
    arrays = {"x/": x, "prediction/": z / z.sum(-1, keepdims=True)}
    save_file(arrays, os.path.splitext(path)[0] + ".safetensors")


APPLICATIONS = {
    "mobilenet": lambda options: keras.applications.MobileNet(alpha=0.25, **options),
    "mobilenet_v2": lambda options: keras.applications.MobileNetV2(alpha=0.35, **options),
    "resnet50": lambda options: keras.applications.ResNet50(**options),
    "efficientnet_b0": lambda options: keras.applications.EfficientNetB0(**options),
    "densenet121": lambda options: keras.applications.DenseNet121(**options),
}


def applications(folder):
    """Networks of keras.applications with random weights, without dropout, for small images."""
    os.makedirs(folder, exist_ok=True)
    for name, create in APPLICATIONS.items():
        keras.backend.clear_session(free_memory=False)
        keras.utils.set_random_seed(1)
        rng = np.random.default_rng(1)
        model = create({"weights": None, "input_shape": (32, 32, 3), "classes": 5})
        for layer in model.layers:
            if isinstance(layer, layers.Dropout):
                layer.rate = 0.0
            if isinstance(layer, layers.BatchNormalization):
                layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape) * 0.1)
                layer.moving_variance.assign(rng.uniform(0.5, 1.5, size=layer.moving_variance.shape))
        # The computation of layers without dropout was traced with it.
        weights = model.get_weights()
        model = keras.models.clone_model(model)
        model.set_weights(weights)
        x, y = rng.normal(size=(6, 32, 32, 3)).astype("float32"), np.eye(5, dtype="float32")[rng.integers(5, size=6)]
        for ending in ["keras", "h5"]:
            model.compile(keras.optimizers.SGD(0.01), loss="categorical_crossentropy", run_eagerly=True)
            model.train_on_batch(x, y)
            describe(model, x, y, f"{folder}/{name}_{ending}.{ending}")
        print(f"{name}: {model.count_params()} parameters")


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
    elif sys.argv[1] == "back":
        back(sys.argv[2])
    elif sys.argv[1] == "applications":
        applications(sys.argv[2])
    elif sys.argv[1] == "keep":
        keep(sys.argv[2])
    else:
        make(sys.argv[2], int(sys.argv[3]))
