#!/usr/bin/env python3
"""Writes what Keras does with masks: masks.txt, masked_losses.txt and masks_of_layers.txt.

    target/oracle/bin/python tests/golden/make_masks.py            # writes the files
    target/oracle/bin/python tests/golden/make_masks.py --check    # compares with the first two files, writes nothing

Uses the writer of make.py, which documents target/oracle, the format, and --check.

masks            x (x0, x1, … where there are several inputs) with the masks m (m0, m1, …; without one, the input has none), the
                 layer's weights in build order as w0, w1, …, r; y = layer(x) and its mask, if it has one; dx…, dw… are the
                 gradients of sum(y * r). `batch_norm` is in training, where mean and variance are the moving statistics
                 after the step.
masked_losses    `outputs` and the mask m of a model, `targets` or `labels`, perhaps sample `weights` of the rows; `loss`, and
                 its gradient doutputs; metrics by their name in gradus, and `weighted/` the name. Precision and recall are
                 those of the valid positions: in Keras they ignore the mask.
masks_of_layers  each class of layer, whether an input with a mask is passed on (`passes`), gives another mask (`sets`), ends
                 (`ends`) or is an error (`refuses`). Separated by a tab.
"""
import warnings

import make  # chooses Keras' backend, so it comes before Keras
import keras
import numpy as np
from keras import layers, losses, metrics, ops
from keras.src import backend
from keras_options import CLASSES
from make import draw, gradients, numpy

warnings.simplefilter("ignore")  # that a layer ends a mask

# Rows of four steps with 3, 1, 4 and no valid ones, and three valid ones after padding.
MASK = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 1, 1]], bool)
OTHER = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]], bool)


def masked(x, mask):
    """A new tensor with this mask."""
    x = ops.add(x, 0.0)
    if mask is not None:
        backend.set_keras_mask(x, ops.convert_to_tensor(mask))
    return x


def layer_case(file, name, text, *inputs, training=False, indices=False):
    """`inputs` are pairs of a shape, or an array, and a mask."""
    layer, rng = eval(f"layers.{text}"), file.case(name, text)
    xs = [draw(rng, x) if isinstance(x, tuple) else np.asarray(x) for x, _ in inputs]
    masks = [mask for _, mask in inputs]
    several = len(xs) > 1
    layer.build([x.shape for x in xs] if several else xs[0].shape)
    weights = [draw(rng, v.shape, 0.3, 0.5) for v in layer.trainable_variables]
    state = [np.asarray(v) for v in layer.non_trainable_variables]
    shape = layer.compute_output_shape([x.shape for x in xs] if several else xs[0].shape)
    r = draw(rng, shape)

    def run(*arrays):
        given, parameters = (xs, arrays) if indices else (arrays[:len(xs)], arrays[len(xs):])
        given = [masked(x, mask) for x, mask in zip(given, masks)]
        mode = {"training": True} if training else {}
        # `stateless_call` of a layer ignores masks.
        variables = [*layer.trainable_variables, *layer.non_trainable_variables]
        values = [ops.convert_to_tensor(v, keras.config.floatx()) for v in [*parameters, *state]]
        with keras.StatelessScope(state_mapping=list(zip(variables, values))) as scope:
            y = layer(given if several else given[0], **mode)
        after = [scope.get_current_value(v) for v in layer.non_trainable_variables] if training else state
        mask = backend.get_keras_mask(y)
        return ops.sum(y * ops.convert_to_tensor(r, y.dtype)), [y, *([] if mask is None else [mask]), *after]

    differentiable = weights if indices else xs + weights
    _, slopes, (y, *more) = gradients(run, *differentiable)
    x_names = [f"x{i}" for i in range(len(xs))] if several else ["x"]
    w_names = [f"w{i}" for i in range(len(weights))]
    file.put(**dict(zip(x_names, xs)))
    file.put(**{name.replace("x", "m"): mask for name, mask in zip(x_names, masks) if mask is not None})
    file.put(**dict(zip(w_names, weights)), r=r, y=y)
    has_mask = len(more) > len(state)
    if has_mask:
        file.put(mask=more[0])
    file.put(**dict(zip(("mean", "variance"), more[has_mask:])))
    file.put(**{f"d{key}": slope for key, slope in zip(([] if indices else x_names) + w_names, slopes)})


def all_layers(file):
    case = lambda name, text, *inputs, **more: layer_case(file, name, text, *inputs, **more)
    shape, small = (5, 4, 3), (5, 4, 1)
    padded = draw(np.random.default_rng(make.SEED), shape)
    padded[~MASK] = -1.5
    padded[0, 0, 1] = -1.5
    case("masking", "Masking(-1.5)", (padded, None))
    case("masking-1", "Masking()", (shape, MASK))
    case("masking-2", "Masking(1.0)", (np.float32([[1, 1], [1, 2], [3, 4]]), None))
    words = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [0, 1, 4, 2], [0, 0, 0, 0]])
    case("embedding-mask_zero", "Embedding(5, 3, mask_zero=True)", (words, None), indices=True)
    case("embedding-fractions", "Embedding(5, 3, mask_zero=True)", (np.float32([[0.5, 0, 2.7]]), None), indices=True)
    case("dense", 'Dense(2, activation="tanh")', (shape, MASK))
    case("activation-relu", 'Activation("relu")', (shape, MASK))
    case("batch_norm", "BatchNormalization(momentum=0.9)", (shape, MASK), training=True)
    case("batch_norm-padding", "BatchNormalization()", (shape, 0 * MASK > 0), training=True)
    case("batch_norm-inference", "BatchNormalization()", (shape, MASK))
    case("layer_norm", "LayerNormalization()", (shape, MASK))
    valid = np.where(MASK.any(1, keepdims=True), MASK, [[0, 1, 0, 1]]) > 0
    case("global_average_pool1d", "GlobalAveragePooling1D()", (shape, valid))
    case("global_max_pool1d", "GlobalMaxPooling1D()", (shape, MASK))
    case("softmax", "Softmax()", ((5, 4), MASK))
    case("softmax-1", "Softmax(axis=1)", ((5, 4, 2), np.stack([MASK, OTHER], -1)))
    case("add", "Add()", (shape, MASK), (shape, OTHER))
    case("add-1", "Add()", (shape, MASK), (shape, None))
    case("add-2", "Add()", (shape, MASK), ((5, 1, 3), OTHER[:, :1]))
    case("subtract", "Subtract()", (shape, MASK), (shape, OTHER))
    case("average", "Average()", (shape, MASK), (shape, OTHER), (shape, MASK))
    for layer in ("maximum", "minimum", "multiply"):
        text = f"{layer.capitalize()}()"
        case(layer, text, (shape, MASK), (shape, OTHER))
        case(f"{layer}-1", text, (shape, None), (shape, OTHER))
        case(f"{layer}-2", text, (shape, MASK), (shape, None), (shape, OTHER))
        case(f"{layer}-3", text, (shape, MASK), (small, OTHER), (shape, OTHER[::-1]))
    case("concatenate", "Concatenate()", (shape, MASK), (shape, OTHER))
    case("concatenate-1", "Concatenate(axis=1)", (shape, MASK), (shape, None), ((5, 2, 3), OTHER[:, :2]))
    case("concatenate-2", "Concatenate()", (shape, MASK), (shape, None))
    case("flatten", "Flatten()", (shape, MASK))


def loss_case(file, name, loss, outputs, truth, mask, measured=(), weights=None):
    file.case(name, f"{type(loss).__name__}({loss.get_config()})")
    labels = truth.ndim < outputs.ndim
    truth_tensor = ops.convert_to_tensor(truth, "int32" if labels else keras.config.floatx())
    column = None if weights is None else ops.convert_to_tensor(weights[:, None], keras.config.floatx())
    value, (slope,), _ = gradients(lambda x: (loss(truth_tensor, masked(x, mask), sample_weight=column), []), outputs)
    file.put(outputs=outputs, m=mask, **{"labels" if labels else "targets": truth})
    if weights is not None:
        file.put(weights=weights)
    file.put(loss=value, doutputs=slope)
    for metric_name, metric in measured:
        def of(rows):
            metric.reset_state()
            if metric_name in ("precision", "recall"):
                metric.update_state(truth[mask], outputs[mask], sample_weight=rows if rows is None else rows[mask])
            else:
                column = None if rows is None else rows[:, :1]
                metric.update_state(truth_tensor, masked(ops.convert_to_tensor(outputs), mask), sample_weight=column)
            return numpy(metric.result())
        file.put(**{metric_name: of(None)})
        if weights is not None:
            file.put(**{f"weighted/{metric_name}": of(np.repeat(weights[:, None], mask.shape[1], 1))})


def all_losses(file):
    rng = np.random.default_rng([make.SEED, 3])
    logits = draw(rng, (5, 4, 3), scale=2.0)
    probabilities = (np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)).astype(np.float32)
    labels = rng.integers(0, 3, (5, 4))
    one_hot = np.eye(3, dtype=np.float32)[labels]
    weights = np.float32([0.5, 2, 1, 3, 0])
    values, bits = draw(rng, (5, 4, 3)), rng.integers(0, 2, (5, 4, 3)).astype(np.float32)
    errors = lambda: [("mean_absolute_error", metrics.MeanAbsoluteError()), ("mean_squared_error", metrics.MeanSquaredError())]
    sparse = [("sparse_categorical_accuracy", metrics.SparseCategoricalAccuracy())]
    dense = [("categorical_accuracy", metrics.CategoricalAccuracy()), ("top_k_categorical_accuracy", metrics.TopKCategoricalAccuracy(2))]
    binary = [("binary_accuracy", metrics.BinaryAccuracy()), ("precision", metrics.Precision()), ("recall", metrics.Recall())]
    squashed = (1 / (1 + np.exp(-logits))).astype(np.float32)
    cases = [
        ("mean_squared_error", losses.MeanSquaredError(), logits, values, errors()),
        ("mean_absolute_error", losses.MeanAbsoluteError(), logits, values, []),
        ("huber", losses.Huber(), logits, values, []),
        ("log_cosh", losses.LogCosh(), logits, values, []),
        ("hinge", losses.Hinge(), logits, 2 * bits - 1, []),
        ("kl_divergence", losses.KLDivergence(), probabilities, one_hot, []),
        ("binary_crossentropy", losses.BinaryCrossentropy(), squashed, bits, binary),
        ("binary_crossentropy-logits", losses.BinaryCrossentropy(from_logits=True), logits, bits, []),
        ("categorical_crossentropy", losses.CategoricalCrossentropy(), probabilities, one_hot, dense),
        ("categorical_crossentropy-logits", losses.CategoricalCrossentropy(from_logits=True), logits, one_hot, []),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy(), probabilities, labels, sparse),
        ("sparse_categorical_crossentropy-logits", losses.SparseCategoricalCrossentropy(from_logits=True), logits, labels, []),
        ("sparse_categorical_crossentropy-ignore",
         losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1), logits, labels, []),
    ]
    for name, loss, outputs, truth, measured in cases:
        loss_case(file, name, loss, outputs, truth, MASK, measured)
        loss_case(file, f"{name}-weights", loss, outputs, truth, MASK, measured, weights)
        loss_case(file, f"{name}-padding", loss, outputs, truth, MASK & False, measured)
        loss_case(file, f"{name}-rows", loss, outputs[:, 0], truth[:, 0], MASK[:, 0], [m for m in measured if m[0] not in ("precision", "recall")])


def behaviour(layer, inputs):
    """What a layer does with a mask of all axes but the last, or of the whole input for `Softmax`, or of the steps of images."""
    axes = {layers.Softmax: None, layers.ConvLSTM2D: 2}.get(type(layer), -1)
    xs, masks = [], []
    for number, x in enumerate(inputs):
        shape = x.shape[:axes]
        masks.append((np.arange(np.prod(shape)).reshape(shape) * 7 + 2 * number) % 3 != 0)
        xs.append(masked(x, masks[-1]))
    try:
        y = layer(xs if len(xs) > 1 else xs[0])
    except (ValueError, TypeError) as error:
        return f"refuses ({error})"
    mask = backend.get_keras_mask(y)
    if mask is None:
        return "ends"
    mask = numpy(mask)
    return "passes" if mask.shape == masks[0].shape and (mask == masks[0]).all() else "sets"


def table():
    lines = []
    for name, options in CLASSES["layers"].items():
        if name == "InputLayer":
            continue
        merging = name in ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")
        ranks = {"1D": 3, "2D": 4, "3D": 5, "RepeatVector": 2, "Permute": 4, "ConvLSTM2D": 5}
        rank = ranks.get(name if name in ranks else name.removesuffix("Transpose")[-2:], 3)
        rank = 4 if name in ("CenterCrop", "CutMix", "MixUp") or name.startswith("Random") else rank
        shape = (2, 6, 5, 4)[:rank - 1] + (4,)
        x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) % 5
        x = x[..., 0] if name == "Embedding" else x
        options = {"Cropping2D": {"cropping": 1}, "Cropping3D": {"cropping": 1}, "Reshape": {"target_shape": (-1,)}}.get(name, options)
        options = {key: value(keras) if callable(value) else value for key, value in options.items()}
        lines.append(f"{name}\t{behaviour(getattr(layers, name)(**options), [x, x] if merging else [x])}")
    lines.append(f"Embedding(mask_zero=True)\t{behaviour(layers.Embedding(5, 3, mask_zero=True), [x[..., 0] if x.ndim > 2 else x])}")
    for name, layer in [
        ("Bidirectional", layers.Bidirectional(layers.LSTM(3, return_sequences=True))),
        *((name, getattr(layers, name)(3, return_sequences=True)) for name in ("GRU", "LSTM", "SimpleRNN")),
    ]:
        lines.append(f"{name}(return_sequences=True)\t{behaviour(layer, [np.ones((2, 6, 4), np.float32)])}")
    lines.append("ConvLSTM2D(return_sequences=True)\tpasses")  # on TensorFlow; on JAX, Keras 3.15.1 cannot apply the mask
    head = f"# Masks in the layers of Keras {keras.__version__}, written by make_masks.py; do not edit."
    (make.HERE / "masks_of_layers.txt").write_text("\n".join([head, *lines]) + "\n")


if __name__ == "__main__":
    import sys

    make.main({"masks": all_layers, "masked_losses": all_losses}, "make_masks.py")
    if "--check" not in sys.argv:
        table()
