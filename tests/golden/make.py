#!/usr/bin/env python3
"""Writes the golden vectors of this folder (*.txt) from Keras itself.

    python3 -m venv target/oracle
    target/oracle/bin/pip install keras==3.15.1 jax numpy
    target/oracle/bin/python tests/golden/make.py            # writes the files
    target/oracle/bin/python tests/golden/make.py --check    # compares with the committed files, writes nothing

The default backend of Keras is JAX, unless KERAS_BACKEND is set. KERAS_BACKEND=torch (pip install torch) is a cross-check:
with --check it must give the same numbers, except for the draws of init (about four in a million truncated normals of Keras
3.15.1 on PyTorch are outside the limits: it uses the first of four draws within two sigmas, or else the first draw).

Inputs are float32 numbers. Keras computes in float64 and the results are rounded to float32 once, at the end, so the
vectors have no rounding errors of a backend and are reproducible on any machine. `--floatx float32 --check` shows the errors
of Keras in float32.

A file holds one topic. A line is an array, row-major:

    case/array 2x3x4: v v v ...

with nine significant digits, which represent a float32 exactly. A scalar is an array of shape 1. Lines with a # are
comments: versions at the top, and the Keras expression before each case. Arrays are NHWC, kernels
HWIO. The names are gradus': weight (Keras: kernel), bias; gamma, beta, mean, variance (the moving ones).

layers      x, the parameters, r; y = layer(x); d<name> is the gradient of sum(y * r) with respect to <name>.
batch_norm  `mean`, `variance`: moving statistics before the step; `mean_after`, `variance_after`: after it.
losses      `targets` (one-hot or soft) or `labels` (class numbers), `logits` or `probabilities`, perhaps row `weights`;
            `rows` is the loss of each row before weighting, `loss` the batch's (sum / number of rows), d… its gradient.
metrics     `predictions` and `targets` (one-hot); `labels`: the targets as class numbers; `precision`, `recall` and `f1` by
            class, where the class is the largest prediction; `top` the means of top-1 to top-5.
optimizers  `start.a`, `start.b`; all steps in one array with the step as its first axis: `gradients.a`, `after.a`.
models      `x`, `targets` or `labels`: all rows. Ten steps take batches of `batch` rows in order, and start over:
            `fit` without shuffling. `start.…`, `first.…`, `end.…`: the weights at the start, after one step, after ten,
            in build order; `losses`: of each step, training mode, before its update; `predictions`: inference mode, at
            the end, for all rows.
functional  `left`, `right`, `kind` (labels), `mood`: all rows. Ten steps as for models; `reported.…`: the reports of Keras for each
            step, `evaluated.…`: the evaluation at the end, `predicted_…`: the predictions.
init        `bound` is the argument of Keras' generator: the limit of a uniform, the standard deviation of a truncated
            normal before truncation (at two of them). `statistics`: mean, standard deviation, minimum and maximum of
            `draws` draws.

Every case has a separate generator, seeded with its name, so that a new case changes no other.
"""
import argparse
import importlib
import os
import pathlib
import platform
import zlib

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import keras
import keras.src.backend.common.dtypes
import numpy as np
from keras import layers, losses, metrics, optimizers

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20
BACKEND = keras.backend.backend()
if BACKEND == "torch":
    import torch

    torch.set_default_device("cpu")
elif BACKEND == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)
# Prevents Keras from rounding some float64 results to float32, as it does on these backends but not on TensorFlow.
keras.src.backend.common.dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


class File:
    """One output file: arrays by `case/name`, and comments, in order."""

    def __init__(self):
        self.lines, self.arrays = [], {}

    def case(self, name, description):
        self.name = name
        self.lines.append(f"\n# {name}: {description}")
        return np.random.default_rng([SEED, zlib.crc32(name.encode())])

    def put(self, **arrays):
        for name, values in arrays.items():
            values = np.atleast_1d(np.asarray(values, np.float64)).astype(np.float32) + np.float32(0)
            assert np.isfinite(values).all(), f"{self.name}/{name}"
            key = f"{self.name}/{name}"
            assert key not in self.arrays, key
            self.arrays[key] = values
            shape = "x".join(map(str, values.shape))
            self.lines.append(f"{key} {shape}: " + " ".join(f"{v:.9g}" for v in values.ravel().tolist()))


def draw(rng, shape, center=0.0, scale=1.0):
    return rng.normal(center, scale, tuple(shape)).astype(np.float32)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def gradients(function, *arrays):
    """`function(*tensors)` returns (scalar, more). Returns the scalar, its gradient for each array, and more."""
    arrays = [np.asarray(a, keras.config.floatx()) for a in arrays]
    if BACKEND == "torch":
        leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
        scalar, more = function(*leaves)
        found = torch.autograd.grad(scalar, leaves)
    else:
        (scalar, more), found = jax.value_and_grad(function, tuple(range(len(arrays))), has_aux=True)(*arrays)
    return numpy(scalar), [numpy(g) for g in found], [numpy(m) for m in more]


# Layers

def layer_case(file, rng, layer, x, names=(), training=False, parameters=None, moving=()):
    """Runs `layer` on `x` with random or given trainable arrays, and writes inputs, outputs and gradients."""
    layer.build(x.shape)
    if parameters is None:
        parameters = [draw(rng, v.shape, scale=0.5) for v in layer.trainable_variables]

    def run(x, *parameters):
        fixed = [keras.ops.convert_to_tensor(m, keras.config.floatx()) for m in moving]
        mode = {"training": training} if moving else {}
        y, after = layer.stateless_call(list(parameters), fixed, x, **mode)
        return keras.ops.sum(y * keras.ops.convert_to_tensor(r, keras.config.floatx())), [y, *after]

    r = draw(rng, layer.compute_output_shape(x.shape))
    _, (dx, *slopes), (y, *after) = gradients(run, x, *parameters)
    file.put(x=x, **dict(zip(names, parameters)), **dict(zip(("mean", "variance"), moving)), r=r, y=y, dx=dx)
    file.put(**{f"d{name}": slope for name, slope in zip(names, slopes)})
    if training and moving:
        file.put(mean_after=after[0], variance_after=after[1])


def dense(file):
    for activation in ("linear", "relu", "sigmoid", "tanh", "softmax"):
        rng = file.case(f"dense_{activation}", f'Dense(4, activation="{activation}")')
        layer_case(file, rng, layers.Dense(4, activation), draw(rng, (5, 3)), ("weight", "bias"))


def conv2d(file):
    plain = [(padding, stride, (2, 7, 5, channels), f"{padding}_stride{stride}_channels{channels}")
             for padding in ("valid", "same") for stride in (1, 2) for channels in (1, 3)]
    others = [("same", 2, (2, 6, 8, 1), "same_stride2_even"), ("valid", (2, 1), (2, 7, 5, 1), "valid_stride2x1")]
    for padding, strides, shape, name in plain + others:
        rng = file.case(f"conv2d_{name}", f'Conv2D(4, (3, 2), strides={strides}, padding="{padding}")')
        layer_case(file, rng, layers.Conv2D(4, (3, 2), strides, padding), draw(rng, shape), ("weight", "bias"))


def max_pool2d(file):
    for padding in ("valid", "same"):
        for pool, strides in ((2, None), ((3, 2), (2, 1))):
            name = f"max_pool2d_{padding}_" + ("2x2" if pool == 2 else "3x2_strides2x1")
            rng = file.case(name, f'MaxPooling2D({pool}, strides={strides}, padding="{padding}")')
            # Negative nearly everywhere, so that padding with 0 instead of minus infinity would be detected.
            layer_case(file, rng, layers.MaxPooling2D(pool, strides, padding), draw(rng, (2, 7, 5, 3), center=-2.0))
    rng = file.case("max_pool2d_ties", "MaxPooling2D(2, strides=1) on zeros and ones: the first maximum takes it all")
    layer_case(file, rng, layers.MaxPooling2D(2, 1), rng.integers(0, 2, (1, 5, 6, 2)).astype(np.float32))


def batch_norm(file):
    for settings in ({}, {"momentum": 0.9, "epsilon": 1e-5}):
        for shape in ((6, 5), (3, 4, 4, 2)):
            for training in (True, False):
                text = ", ".join(f"{k}={v}" for k, v in settings.items()) or "momentum=0.99, epsilon=0.001"
                name = "_".join(["batch_norm", "training" if training else "inference", f"{len(shape)}d"])
                rng = file.case(name + ("_momentum0.9" if settings else ""),
                                f"BatchNormalization({text}), training={training}")
                n = shape[-1]
                x = (draw(rng, shape) * rng.uniform(0.2, 3, n) + rng.normal(0, 2, n)).astype(np.float32)
                parameters = [draw(rng, (n,), 1.0, 0.3), draw(rng, (n,), 0.0, 0.5)]
                moving = [draw(rng, (n,)), rng.uniform(0.5, 2, n).astype(np.float32)]
                layer_case(file, rng, layers.BatchNormalization(**settings), x, ("gamma", "beta"), training, parameters,
                           moving)


# Losses

def loss_case(file, name, scores, truth, weights=None):
    """`truth`: labels (one axis) or a row of targets for each row of scores; `name` tells logits from probabilities."""
    sparse, logits = truth.ndim == 1, "logits" in name
    kind = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
    file.case(name, f"{kind.__name__}(from_logits={logits})" + ("" if weights is None else " with sample_weight"))
    truth_tensor = keras.ops.convert_to_tensor(truth, "int32" if sparse else keras.config.floatx())
    rows = kind(from_logits=logits, reduction="none")
    loss, (slope,), (rows,) = gradients(
        lambda s: (kind(from_logits=logits)(truth_tensor, s, sample_weight=weights), [rows(truth_tensor, s)]), scores)
    scores_name = "logits" if logits else "probabilities"
    file.put(**{scores_name: scores, "labels" if sparse else "targets": truth})
    if weights is not None:
        file.put(weights=weights)
    file.put(rows=rows, loss=loss, **{f"d{scores_name}": slope})


def losses_file(file):
    rng = np.random.default_rng([SEED, 1])
    one_hot = lambda labels, classes: np.eye(classes, dtype=np.float32)[labels]
    labels = np.array([0, 3, 1, 2, 3, 0])
    logits = draw(rng, (6, 4), scale=2.0)
    probabilities = (np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)).astype(np.float32)
    soft = rng.dirichlet(np.ones(4), 6).astype(np.float32)
    weights = rng.uniform(0, 2, 6).astype(np.float32)
    weights[2] = 0
    extreme = np.float32([[100, -100, 0], [100, -100, 0], [-100, -100, -100], [100, 100, -100], [100, 99, -100]])
    extreme_labels = np.array([0, 1, 2, 2, 1])
    # Rows: confident and correct, confident and wrong, below the clipping limit, with a sum other than 1, ordinary.
    clipped = np.float32([[1, 0, 0], [1, 0, 0], [0.5, 0.5, 1e-9], [2, 1, 1], [0.2, 0.3, 0.5]])
    clipped_labels = np.array([0, 1, 2, 0, 2])
    for form in ("one_hot", "sparse"):
        truth = lambda labels, classes: labels if form == "sparse" else one_hot(labels, classes)
        loss_case(file, f"cross_entropy_{form}_logits", logits, truth(labels, 4))
        loss_case(file, f"cross_entropy_{form}_logits_extreme", extreme, truth(extreme_labels, 3))
        loss_case(file, f"cross_entropy_{form}_logits_weights", logits, truth(labels, 4), weights)
        loss_case(file, f"cross_entropy_{form}_probabilities", probabilities, truth(labels, 4))
        loss_case(file, f"cross_entropy_{form}_probabilities_clipped", clipped, truth(clipped_labels, 3))
    loss_case(file, "cross_entropy_soft_logits", logits, soft)
    loss_case(file, "cross_entropy_soft_probabilities", probabilities, soft)


# Metrics

def metrics_file(file):
    classes, names = 7, ("precision", "recall", "f1")
    rng = file.case("classes", "Precision(class_id=c), Recall(class_id=c), F1Score(average=None), TopKCategoricalAccuracy(k)")
    labels = rng.integers(0, classes - 1, 40)
    predictions = draw(rng, (40, classes))
    predictions[np.arange(40), labels] += 1.5
    predictions[:, -1] = predictions.min() - 1  # the last class is never right nor predicted
    targets = np.eye(classes, dtype=np.float32)[labels]
    predicted = np.eye(classes, dtype=np.float32)[predictions.argmax(-1)]
    by_class = lambda metric: np.array([float(measured(metric(class_id=c), targets, predicted)) for c in range(classes)])
    scores = [by_class(metrics.Precision), by_class(metrics.Recall), measured(metrics.F1Score(), targets, predicted)]
    top = [float(measured(metrics.TopKCategoricalAccuracy(k), targets, predictions)) for k in range(1, 6)]
    file.put(predictions=predictions, targets=targets, labels=labels, **dict(zip(names, scores)), top=top)


def measured(metric, targets, predictions):
    metric.update_state(targets, predictions)
    return keras.ops.convert_to_numpy(metric.result())


# Optimizers

def ten_steps(file, rng, optimizer):
    """Ten steps of an optimizer on two arrays with random gradients."""
    start = {"a": draw(rng, (3, 4)), "b": draw(rng, (5,))}
    # Magnitudes from 1e-4 to 1, and an element that is always 0, so that epsilon has an effect.
    steps = {k: draw(rng, (10, *v.shape)) * 10.0 ** -rng.integers(0, 5, v.shape) for k, v in start.items()}
    steps = {k: v.astype(np.float32) for k, v in steps.items()}
    steps["b"][:, 2] = 0
    variables = [keras.Variable(v, dtype=keras.config.floatx(), name=k) for k, v in start.items()]
    optimizer.build(variables)
    after, averages = {k: [] for k in start}, {k: [] for k in start}
    for step in range(10):
        now = [keras.ops.convert_to_tensor(steps[k][step], keras.config.floatx()) for k in start]
        optimizer.apply(now, variables)
        for k, variable in zip(start, variables):
            after[k].append(numpy(variable.value).copy())
        if optimizer.use_ema:
            for k, average in zip(start, optimizer._model_variables_moving_average):
                averages[k].append(numpy(average.value).copy())
    file.put(**{f"start.{k}": v for k, v in start.items()}, **{f"gradients.{k}": v for k, v in steps.items()})
    file.put(**{f"after.{k}": np.stack(v) for k, v in after.items()})
    file.put(**{f"averages.{k}": np.stack(v) for k, v in averages.items() if v})


def optimizers_file(file):
    for name, text in {
        "sgd": "SGD(0.01)",
        "sgd_momentum": "SGD(0.01, momentum=0.9)",
        "sgd_nesterov": "SGD(0.01, momentum=0.9, nesterov=True)",
        "rmsprop": "RMSprop()",
        "adam": "Adam()",
        "adam_betas": "Adam(0.01, beta_1=0.8, beta_2=0.95)",
    }.items():
        rng = file.case(name, text)
        optimizer = eval(f"optimizers.{text}")
        ten_steps(file, rng, optimizer)


# Models

def models(file):
    def train(name, text, network, batch, shape, sparse=False, **compiled):
        rng = file.case(name, text)
        model = keras.Sequential([layers.Input(shape), *network])
        words = {"kernel": "weight", "moving_mean": "mean", "moving_variance": "variance"}
        names = [f"{layer.name}.{words.get(v.name, v.name)}" for layer in model.layers for v in layer.weights]
        start = []
        for array, v in zip(names, model.weights):
            match array.split(".")[1]:
                case "weight": start.append(draw(rng, v.shape, scale=np.prod(v.shape[:-1]) ** -0.5))
                case "gamma": start.append(draw(rng, v.shape, 1.0, 0.2))
                case "mean": start.append(np.zeros(v.shape))
                case "variance": start.append(np.ones(v.shape))
                case _: start.append(draw(rng, v.shape, scale=0.2))
        model.set_weights(start)
        x = draw(rng, (2 * batch, *shape))
        labels = rng.integers(0, 3, 2 * batch)
        truth = labels if sparse else np.eye(3, dtype=np.float32)[labels]
        file.put(batch=batch, x=x, **{"labels" if sparse else "targets": truth})
        model.compile(**compiled)
        snapshot = lambda when: file.put(**{f"{when}.{n}": w for n, w in zip(names, model.get_weights())})
        snapshot("start")
        found = []
        for step in range(10):
            rows = slice(step % 2 * batch, (step % 2 + 1) * batch)
            found.append(float(model.train_on_batch(x[rows], truth[rows])))
            if step == 0:
                snapshot("first")
        predictions = model.predict(x, batch_size=len(x), verbose=0)
        if compiled["loss"] == "categorical_crossentropy":
            assert predictions.min() > 1e-4, "keep away from the clip: fused and unfused gradients differ there"
        snapshot("end")
        file.put(losses=found, predictions=predictions)

    train("conv_net",
          "Conv2D(3, 2), MaxPooling2D(2), sigmoid, Conv2D(4, 3), Flatten, Dense(5, tanh), Dense(3, softmax); SGD(0.1), "
          "categorical cross-entropy",
          [layers.Conv2D(3, 2, name="conv1"), layers.MaxPooling2D(2), layers.Activation("sigmoid"),
           layers.Conv2D(4, 3, name="conv2"), layers.Flatten(), layers.Dense(5, "tanh", name="dense1"),
           layers.Dense(3, "softmax", name="dense2")],
          8, (9, 9, 1), optimizer=optimizers.SGD(0.1), loss="categorical_crossentropy")
    train("batch_norm_net",
          "BatchNormalization(), Dense(6, sigmoid), Dense(3, softmax); RMSprop(), categorical cross-entropy",
          [layers.BatchNormalization(name="norm"), layers.Dense(6, "sigmoid", name="dense1"),
           layers.Dense(3, "softmax", name="dense2")],
          8, (7,), optimizer=optimizers.RMSprop(), loss="categorical_crossentropy")
    train("logits_net", "Dense(6, relu), Dense(3); Adam(), sparse categorical cross-entropy from logits",
          [layers.Dense(6, "relu", name="dense1"), layers.Dense(3, name="dense2")],
          8, (7,), sparse=True,
          optimizer=optimizers.Adam(), loss=losses.SparseCategoricalCrossentropy(from_logits=True))


# Functional models

def functional(file):
    """A model with two inputs, shared layers, a skip connection, and two outputs, one with a loss weight of ½."""
    rng = file.case("branches", "encoder = Dense(5, tanh) and norm = BatchNormalization(), shared by left and right; their "
                    "sum, Dense(5, sigmoid), the skip's sum; kind = Dense(3, softmax), mood = Dense(2, softmax) before "
                    "the skip; SGD(0.1, momentum=0.9), sparse and categorical cross-entropy, weights 1 and 0.5")
    left, right = (keras.Input((4,), name=name) for name in ("left", "right"))
    encoder, norm = layers.Dense(5, "tanh", name="encoder"), layers.BatchNormalization(name="norm")
    a, b = norm(encoder(left)), norm(encoder(right))
    both = layers.Add()([a, b])
    hidden = layers.Dense(5, "sigmoid", name="hidden")(both)
    kind = layers.Dense(3, "softmax", name="kind")(layers.Add()([hidden, both]))
    mood = layers.Dense(2, "softmax", name="mood")(hidden)
    model = keras.Model([left, right], [kind, mood])
    words = {"kernel": "weight", "moving_mean": "mean", "moving_variance": "variance"}
    names = [f"{layer.name}.{words.get(v.name, v.name)}" for layer in model.layers for v in layer.weights]
    first = {"weight": lambda v: draw(rng, v.shape, scale=0.5), "mean": lambda v: np.zeros(v.shape),
             "variance": lambda v: np.ones(v.shape), "gamma": lambda v: draw(rng, v.shape, 1.0, 0.2)}
    values = [first.get(n.split(".")[1], lambda v: draw(rng, v.shape, scale=0.2))(v) for n, v in zip(names, model.weights)]
    model.set_weights(values)
    x = {"left": draw(rng, (16, 4)), "right": draw(rng, (16, 4))}
    kinds, moods = rng.integers(0, 3, 16), np.eye(2, dtype=np.float32)[rng.integers(0, 2, 16)]
    file.put(**x, kind=kinds, mood=moods)
    model.compile(optimizers.SGD(0.1, momentum=0.9),
                  loss={"kind": "sparse_categorical_crossentropy", "mood": "categorical_crossentropy"},
                  loss_weights={"kind": 1.0, "mood": 0.5}, metrics={"kind": ["accuracy"]})
    snapshot = lambda when: file.put(**{f"{when}.{n}": w for n, w in zip(names, model.get_weights())})
    snapshot("start")
    reported = {"loss": [], "kind_loss": [], "mood_loss": [], "kind_accuracy": []}
    for step in range(10):
        rows = slice(step % 2 * 8, (step % 2 + 1) * 8)
        logs = model.train_on_batch({k: v[rows] for k, v in x.items()}, {"kind": kinds[rows], "mood": moods[rows]},
                                    return_dict=True)
        assert sorted(logs) == sorted(reported), logs
        for name, values in reported.items():
            values.append(float(logs[name]))
        if step == 0:
            snapshot("first")
    snapshot("end")
    ends = model.predict(x, batch_size=16, verbose=0)
    evaluated = model.evaluate(x, {"kind": kinds, "mood": moods}, batch_size=16, verbose=0, return_dict=True)
    file.put(**{f"reported.{k}": v for k, v in reported.items()}, **{f"evaluated.{k}": evaluated[k] for k in reported},
             predicted_kind=ends[0], predicted_mood=ends[1])


# Initializers

def init(file):
    from keras.src.initializers import random_initializers

    keras.utils.set_random_seed(SEED)
    real, recorded = random_initializers.random, {}

    class Spy:  # wraps the generator of the initializer, to record the bound
        SeedGenerator = real.SeedGenerator

        def uniform(self, *rest, maxval, **more):
            recorded["bound"] = maxval
            return real.uniform(*rest, maxval=maxval, **more)

        def truncated_normal(self, *rest, stddev, **more):
            recorded["bound"] = stddev
            return real.truncated_normal(*rest, stddev=stddev, **more)

    random_initializers.random = Spy()
    for kind in ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"):
        for shape in ((784, 512), (2, 2, 1, 6), (5, 5, 6, 16)):
            word = "".join("_" + c.lower() if c.isupper() else c for c in kind).strip("_")
            file.case(f"{word}_{'x'.join(map(str, shape))}", f"{kind}() of shape {shape}")
            initializer = getattr(keras.initializers, kind)(seed=keras.random.SeedGenerator(SEED))
            values = [numpy(initializer(shape)) for _ in range(max(1, 100_000 // int(np.prod(shape))))]
            v = np.concatenate([v.ravel() for v in values]).astype(np.float64)
            file.put(bound=recorded["bound"], draws=v.size, statistics=[v.mean(), v.std(), v.min(), v.max()])
    random_initializers.random = real


TOPICS = {"dense": dense, "conv2d": conv2d, "max_pool2d": max_pool2d, "batch_norm": batch_norm, "losses": losses_file,
          "metrics": metrics_file, "optimizers": optimizers_file, "models": models, "functional": functional,
          "init": init}


def read(path):
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    heads = ((head.split(" ")[0], values) for head, _, values in (line.partition(": ") for line in lines))
    return {name: np.array(values.split(" "), np.float32) for name, values in heads}


def main(topics=TOPICS, script="make.py"):
    options = argparse.ArgumentParser(description="Writes golden vectors from Keras.")
    options.add_argument("--check", action="store_true", help="compare with the files, write nothing")
    options.add_argument("--floatx", default="float64", help="what Keras computes in (default: float64)")
    options.add_argument("topics", nargs="*", default=list(topics), help="default: all")
    options = options.parse_args()
    keras.config.set_floatx(options.floatx)
    backend = importlib.import_module(BACKEND)
    for topic in options.topics:
        file, path = File(), HERE / f"{topic}.txt"
        topics[topic](file)
        if options.check:
            old = read(path)
            assert list(old) == list(file.arrays), f"{topic}: other arrays than in the file"
            off = {k: np.abs(v.ravel() - old[k]).max() / max(1, np.abs(old[k]).max()) for k, v in file.arrays.items()}
            worst = max(off, key=off.get)
            print(f"{topic}: {len(off)} arrays, largest difference {off[worst]:.2g} ({worst})")
            continue
        head = [f"# Golden vectors for {topic}, written by {script} (make.py explains the format); do not edit.",
                f"# Keras {keras.__version__} on {BACKEND} {backend.__version__}, numpy {np.__version__}, "
                f"Python {platform.python_version()}; computed in {options.floatx}, rounded to float32."]
        path.write_text("\n".join(head + file.lines) + "\n")
        print(f"{path.name}: {len(file.arrays)} arrays, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
