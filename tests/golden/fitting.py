#!/usr/bin/env python3
"""Writes the golden vectors of the reports of `fit`: regularizers in the loss, sample weights and class weights.

    target/oracle/bin/python tests/golden/fitting.py            # writes the files
    target/oracle/bin/python tests/golden/fitting.py --check    # compares with the committed files, writes nothing

Uses the writer of make.py, which documents the installation of Keras and the format.

regularizers  `x`, `penalty` and `slope`: an array, its penalty, and the gradient of that. The others train:
              `x`, `targets`, `x_val`, `targets_val`: all rows. `fit` without shuffling, in batches of `batch` rows:
              `loss`, … of each epoch; weights as `start.…`, `end.…`; `evaluated` is [loss, accuracy] of all rows.
constraints   `x` and `y`: an array and its constrained values. The other trains as in `regularizers`.
freezing      like these, with frozen layers.
averages      like these, with moving averages of the weights.
csv           like these; lines with `#|` are those of the file of CSVLogger.
weights       like these, with sample weights `weights`, `weights_val`, or class weights `classes` of classes 0, 1, ….
counted       like these, with weighted metrics. `on_batch` reports one step with `classes`, then `tested.…` with `weights`;
              `outputs` also has two epochs `fit.…` with `kind_weights` and `mood_weights`.
"""
import make
import numpy as np
import keras
from keras import constraints as keras_constraints, layers, regularizers as keras_regularizers
from make import draw

import pathlib
import tempfile


def regularizers(file):
    for name, text in {"l1": "L1(0.3)", "l1_default": "L1()", "l2": "L2(0.4)", "l2_default": "L2()",
                       "l1_l2": "L1L2(l1=0.3, l2=0.4)"}.items():
        rng = file.case(name, text)
        x = draw(rng, (5, 7))
        regularizer = eval(f"keras_regularizers.{text}")
        penalty, (slope,), _ = make.gradients(lambda x: (regularizer(x), []), x)
        file.put(x=x, penalty=penalty, slope=slope)
    for mode in ("rows", "columns"):
        rng = file.case(f"orthogonal_{mode}", f'OrthogonalRegularizer(0.3, mode="{mode}")')
        x = draw(rng, (5, 7))
        regularizer = keras_regularizers.OrthogonalRegularizer(0.3, mode=mode)
        penalty, (slope,), _ = make.gradients(lambda x: (regularizer(x), []), x)
        file.put(x=x, penalty=penalty, slope=slope)
    l1, l2 = keras_regularizers.L1, keras_regularizers.L2
    both = keras_regularizers.L1L2
    train(file, "dense_net", "Dense(6, relu, kernel L1(0.02), bias L2(0.05)), BatchNormalization(gamma L2(0.03), beta "
          "L1(0.04)), LayerNormalization(gamma L1(0.02), beta L2(0.06)), Dense(3, softmax, kernel L1L2(0.01, 0.02))",
          [layers.Dense(6, "relu", kernel_regularizer=l1(0.02), bias_regularizer=l2(0.05)),
           layers.BatchNormalization(gamma_regularizer=l2(0.03), beta_regularizer=l1(0.04)),
           layers.LayerNormalization(gamma_regularizer=l1(0.02), beta_regularizer=l2(0.06)),
           layers.Dense(3, "softmax", kernel_regularizer=both(0.01, 0.02))], (7,))
    train(file, "activity_net", "Dense(6, relu, activity L1(0.02)), ActivityRegularization(0.01, 0.02), BatchNormalization(scale "
          "off, activity L2(0.01)), Dense(3, softmax)",
          [layers.Dense(6, "relu", activity_regularizer=l1(0.02)), layers.ActivityRegularization(0.01, 0.02),
           layers.BatchNormalization(scale=False, activity_regularizer=l2(0.01)), layers.Dense(3, "softmax")], (7,))
    train(file, "axes_net", "BatchNormalization(axis 1, center off), LayerNormalization(axes 1 and 2), BatchNormalization(center "
          "and scale off), Flatten, Dense(3, softmax)",
          [layers.BatchNormalization(axis=1, center=False), layers.LayerNormalization(axis=[1, 2]),
           layers.BatchNormalization(center=False, scale=False), layers.Flatten(), layers.Dense(3, "softmax")], (4, 3))
    train(file, "conv_net", "Embedding(5, 3, L2(0.02)), Reshape, Conv2D(2, 2, kernel L2(0.03), bias L1(0.05)), Flatten, "
          "Dense(3, softmax)",
          [layers.Embedding(5, 3, embeddings_regularizer=l2(0.02)), layers.Reshape((4, 3, 1)),
           layers.Conv2D(2, 2, kernel_regularizer=l2(0.03), bias_regularizer=l1(0.05)), layers.Flatten(),
           layers.Dense(3, "softmax")], (4,), indices=5)


def constraints(file):
    for name, text in {"max_norm": "MaxNorm(1.5)", "max_norm_axes": "MaxNorm(1.0, axis=[0, -1])", "min_max_norm": "MinMaxNorm(1.5, 2.0)",
                       "min_max_norm_rate": "MinMaxNorm(0.5, 1.0, rate=0.25, axis=1)", "non_neg": "NonNeg()",
                       "unit_norm": "UnitNorm()", "unit_norm_axes": "UnitNorm(axis=[0, 1])"}.items():
        rng = file.case(name, text)
        x = draw(rng, (3, 4, 2))
        file.put(x=x, y=make.numpy(eval(f"keras_constraints.{text}")(x)))
    of = keras_constraints
    train(file, "constrained_net", "Dense(6, relu, kernel MaxNorm(0.8), bias NonNeg), BatchNormalization(gamma NonNeg, beta "
          "MinMaxNorm(0.1, 0.2)), Dense(3, softmax, kernel MinMaxNorm(0.5, 1, rate 0.5, axis 1), bias UnitNorm)",
          [layers.Dense(6, "relu", kernel_constraint=of.MaxNorm(0.8), bias_constraint=of.NonNeg()),
           layers.BatchNormalization(gamma_constraint=of.NonNeg(), beta_constraint=of.MinMaxNorm(0.1, 0.2)),
           layers.Dense(3, "softmax", kernel_constraint=of.MinMaxNorm(0.5, 1.0, rate=0.5, axis=1),
                        bias_constraint=of.UnitNorm())], (7,))


def freezing(file):
    frozen = lambda layer: (setattr(layer, "trainable", False), layer)[1]
    l1, l2 = keras_regularizers.L1, keras_regularizers.L2
    train(file, "frozen_dense", "Dense(6, relu, kernel L1(0.5)) with trainable = False, Dense(3, softmax, kernel L2(0.1))",
          [frozen(layers.Dense(6, "relu", kernel_regularizer=l1(0.5))),
           layers.Dense(3, "softmax", kernel_regularizer=l2(0.1))], (7,))
    train(file, "frozen_norm", "Dense(6), BatchNormalization() with trainable = False, Dense(3, softmax)",
          [layers.Dense(6), frozen(layers.BatchNormalization()), layers.Dense(3, "softmax")], (7,), moved=True)


def csv(file):
    for name, validated in (("validated", True), ("alone", False)):
        path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
        rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)
        train(file, name, "Dense(6, tanh), Dense(3, softmax); LearningRateScheduler(half), CSVLogger",
              [layers.Dense(6, "tanh"), layers.Dense(3, "softmax")], (7,), validated=validated,
              callbacks=[rates, keras.callbacks.CSVLogger(path)])
        assert path.read_bytes().count(b"\r\n") == 5
        file.lines += ["#|" + line for line in path.read_text().splitlines()]


def weights(file):
    network = lambda: [layers.Dense(6, "tanh"), layers.Dense(3, "softmax", kernel_regularizer=keras_regularizers.L2(0.01))]
    text = "Dense(6, tanh), Dense(3, softmax, kernel L2(0.01)); "
    train(file, "rows", text + "sample_weight", network(), (7,), rows=True)
    train(file, "labels", text + "sample_weight, labels", network(), (7,), rows=True, sparse=True)
    train(file, "classes", text + "class_weight", network(), (7,), classes={0: 0.5, 2: 3.0})
    train(file, "class_labels", text + "class_weight, labels", network(), (7,), classes={0: 0.5, 2: 3.0}, sparse=True)
    branches(file)


def metrics(sparse=False):
    """All metrics that support sample weights. They are named, because Keras would otherwise number them across models."""
    from keras import metrics as all_of

    if sparse:
        return ["accuracy", all_of.SparseCategoricalAccuracy(name="sparse_categorical_accuracy"),
                all_of.SparseTopKCategoricalAccuracy(2, name="sparse_top_k_categorical_accuracy")]
    return ["accuracy", all_of.BinaryAccuracy(name="binary_accuracy"),
            all_of.CategoricalAccuracy(name="categorical_accuracy"), all_of.F1Score(average="macro", name="f1_score"),
            all_of.MeanAbsoluteError(name="mean_absolute_error"), all_of.MeanSquaredError(name="mean_squared_error"),
            all_of.Precision(0.3, name="precision"), all_of.R2Score(name="r2_score"),
            all_of.Recall(0.3, class_id=1, name="recall"),
            all_of.TopKCategoricalAccuracy(2, name="top_k_categorical_accuracy")]


def counted(file):
    network = lambda: [layers.Dense(6, "tanh"), layers.Dense(3, "softmax")]
    text = "Dense(6, tanh), Dense(3, softmax); weighted_metrics, "
    train(file, "rows", text + "sample_weight", network(), (7,), rows=True, counted=metrics())
    train(file, "labels", text + "sample_weight, labels", network(), (7,), rows=True, sparse=True, counted=metrics(True))
    train(file, "classes", text + "class_weight", network(), (7,), classes={0: 0.5, 2: 3.0}, counted=metrics())
    on_batch(file)
    outputs(file)


def put_reported(file, when, logs):
    file.put(**{f"{when}.{name}": np.ravel(value) for name, value in logs.items()})


def on_batch(file):
    rng = file.case("on_batch", "Dense(3, softmax); SGD(0.1), cross-entropy; train_on_batch by class, test_on_batch by row")
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3, "softmax")])
    names, variables = weight_names(model)
    for v in variables:
        v.assign(draw(rng, v.shape, scale=0.4))
    x, t, each = draw(rng, (9, 4)), np.eye(3, dtype=np.float32)[rng.integers(0, 3, 9)], rng.uniform(0, 2, 9)
    classes = {0: 0.5, 2: 3.0}
    file.put(x=x, targets=t, weights=each, classes=[classes.get(c, 1.0) for c in range(3)])
    file.put(**{f"start.{n}": make.numpy(v) for n, v in zip(names, variables)})
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", metrics=["accuracy"], weighted_metrics=metrics())
    put_reported(file, "reported", model.train_on_batch(x, t, class_weight=classes, return_dict=True))
    file.put(**{f"end.{n}": make.numpy(v) for n, v in zip(names, variables)})
    put_reported(file, "tested", model.test_on_batch(x, t, sample_weight=each.astype(np.float32), return_dict=True))


def kind_and_mood(rng):
    """A model with one input and two outputs, and the names of its weights."""
    x = keras.Input((4,), name="x")
    model = keras.Model(x, [layers.Dense(3, "softmax", name="kind")(x), layers.Dense(2, name="mood")(x)])
    for v in model.weights:
        v.assign(draw(rng, v.shape, scale=0.4))
    return model, [f"{layer.name}/{v.name}" for layer in model.layers for v in layer.weights]


def outputs(file):
    """Two outputs with separate sample weights."""
    rng = file.case("outputs", "kind = Dense(3, softmax), mood = Dense(2) of one input; sparse categorical cross-entropy and "
                    "mean squared error, weights 1 and 0.5, a sample_weight for each; SGD(0.1)")
    model, names = kind_and_mood(rng)
    values, truth = draw(rng, (10, 4)), [rng.integers(0, 3, 10), draw(rng, (10, 2))]
    each = [rng.uniform(0, 2, 10).astype(np.float32), rng.uniform(0, 2, 10).astype(np.float32)]
    file.put(x=values, kind=truth[0], mood=truth[1], kind_weights=each[0], mood_weights=each[1])
    file.put(**{f"start.{n}": v for n, v in zip(names, model.get_weights())})
    error, score = (lambda: keras.metrics.MeanSquaredError(name="mean_squared_error")), keras.metrics.R2Score(name="r2_score")
    model.compile(keras.optimizers.SGD(0.1), loss={"kind": "sparse_categorical_crossentropy", "mood": "mean_squared_error"},
                  loss_weights={"kind": 1.0, "mood": 0.5}, metrics={"kind": ["accuracy"], "mood": [error()]},
                  weighted_metrics={"kind": ["accuracy"], "mood": [error(), score]})
    put_reported(file, "reported", model.train_on_batch(values, truth, sample_weight=each, return_dict=True))
    put_reported(file, "tested", model.test_on_batch(values, truth, sample_weight=each, return_dict=True))
    history = model.fit(values, truth, sample_weight=each, batch_size=4, epochs=2, shuffle=False, verbose=0,
                        validation_data=(values, truth, each))
    put_reported(file, "fit", history.history)
    file.put(**{f"end.{n}": v for n, v in zip(names, model.get_weights())})


def weight_names(model):
    """The variables of all weights with their names in gradus: the class in snake case, then a number for all but the first."""
    counts, seen = {}, {}
    for layer in model.layers:
        kind = {"BatchNormalization": "batch_normalization", "LayerNormalization": "layer_normalization"}.get(
            type(layer).__name__, type(layer).__name__.lower())
        seen[layer.name] = kind + (f"_{counts[kind]}" if kind in counts else "")
        counts[kind] = counts.get(kind, 0) + 1
    pairs = [(v, layer) for layer in model.layers for v in layer.weights]
    return [f"{seen[layer.name]}/{v.name}" for v, layer in pairs], [v for v, _ in pairs]


def train(file, name, text, network, shape, indices=None, rows=False, classes=None, sparse=False,
          moved=False, validated=True, callbacks=None, counted=None, averages={}):
    """Four epochs of two full batches and one of two rows, validated on other rows. `averages`: options of SGD."""
    count, batch, epochs = 18, 8, 4
    rng = file.case(name, text + "; SGD(0.1, momentum=0.5), cross-entropy")
    keras.utils.set_random_seed(1)
    model = keras.Sequential([layers.Input(shape), *network])
    names, variables = weight_names(model)
    assert len(variables) == len(model.weights)
    first = {"moving_mean": lambda v: np.zeros(v.shape), "moving_variance": lambda v: np.ones(v.shape),
             "gamma": lambda v: draw(rng, v.shape, 1.0, 0.2), "beta": lambda v: draw(rng, v.shape, scale=0.2),
             "bias": lambda v: draw(rng, v.shape, scale=0.2)}
    if moved:  # statistics that are not those of the beginning
        first["moving_mean"] = lambda v: draw(rng, v.shape, scale=0.5)
        first["moving_variance"] = lambda v: rng.uniform(0.5, 2, v.shape)
    for v in variables:
        v.assign(first.get(v.name, lambda v: draw(rng, v.shape, scale=0.4))(v))
    put_weights = lambda when: file.put(**{f"{when}.{n}": make.numpy(v) for n, v in zip(names, variables)})

    def drawn(count):
        x = draw(rng, (count, *shape)) if indices is None else rng.integers(0, indices, (count, *shape))
        labels = rng.integers(0, 3, count)
        each = rng.uniform(0, 2, count).astype(np.float32)
        each[1] = 0
        return x.astype(np.float32), labels if sparse else np.eye(3, dtype=np.float32)[labels], each

    (x, t, w), (x_val, t_val, w_val) = drawn(count), drawn(5)
    file.put(batch=batch, x=x, targets=t, x_val=x_val, targets_val=t_val)
    put_weights("start")
    kind = "sparse_categorical_crossentropy" if sparse else "categorical_crossentropy"
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5, **averages), loss=kind, metrics=["accuracy"],
                  weighted_metrics=counted)
    arguments, validation, more = {}, (x_val, t_val), {}
    if rows:
        arguments, validation, more = {"sample_weight": w}, (x_val, t_val, w_val), {"weights": w, "weights_val": w_val}
    if classes:
        arguments, more = {"class_weight": classes}, {"classes": [classes.get(c, 1.0) for c in range(3)]}
    file.put(**more)
    history = model.fit(x, t, batch_size=batch, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks,
                        validation_data=validation if validated else None, **arguments)
    file.put(**{k: v for k, v in history.history.items() if k != "learning_rate"})
    put_weights("end")
    each = arguments.get("sample_weight")
    if counted:  # Keras lists a metric twice if its name occurs twice
        return put_reported(file, "evaluated", model.evaluate(x, t, sample_weight=each, verbose=0, return_dict=True))
    file.put(evaluated=model.evaluate(x, t, batch_size=batch, sample_weight=each, verbose=0))


def branches(file):
    """Two outputs with common sample weights."""
    rng = file.case("branches", "kind = Dense(3, softmax), mood = Dense(2) of one input; sparse categorical cross-entropy and "
                    "mean squared error, weights 1 and 0.5, sample_weight; SGD(0.1), one step on all rows")
    model, names = kind_and_mood(rng)
    values, kinds, moods = draw(rng, (6, 4)), rng.integers(0, 3, 6), draw(rng, (6, 2))
    each = rng.uniform(0, 2, 6).astype(np.float32)
    file.put(x=values, kind=kinds, mood=moods, weights=each)
    file.put(**{f"start.{n}": v for n, v in zip(names, model.get_weights())})
    model.compile(keras.optimizers.SGD(0.1), loss={"kind": "sparse_categorical_crossentropy", "mood": "mean_squared_error"},
                  loss_weights={"kind": 1.0, "mood": 0.5}, metrics={"kind": ["accuracy"]})
    logs = model.train_on_batch(values, [kinds, moods], sample_weight=[each, each], return_dict=True)
    file.put(**{f"reported.{k}": float(v) for k, v in logs.items()})
    file.put(**{f"end.{n}": v for n, v in zip(names, model.get_weights())})


def averages(file):
    for name, more, callback in (
        ("plain", {}, None),
        ("overwritten", {"ema_overwrite_frequency": 2}, None),
        ("swapped", {}, keras.callbacks.SwapEMAWeights()),
        ("swapped_on_epoch", {}, keras.callbacks.SwapEMAWeights(swap_on_epoch=True)),
    ):
        options = {"use_ema": True, "ema_momentum": 0.7, **more}
        text = f"Dense(5, relu), Dense(3, softmax); {options}; {callback and type(callback).__name__}"
        train(file, name, text, [layers.Dense(5, "relu"), layers.Dense(3, "softmax")], (4,), averages=options,
              callbacks=callback and [callback])


TOPICS = {"averages": averages, "regularizers": regularizers, "constraints": constraints, "freezing": freezing, "csv": csv, "weights": weights, "counted": counted}

if __name__ == "__main__":
    make.main(TOPICS, "fitting.py")
