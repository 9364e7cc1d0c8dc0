#!/usr/bin/env python3
"""Writes the values of every loss and metric for every kind of targets: losses_of_targets.txt and metrics_of_targets.txt.

    target/oracle/bin/python tests/golden/targets.py            # writes the files
    target/oracle/bin/python tests/golden/targets.py --check    # compares with the committed files, writes nothing

Uses the writer of make.py, which documents the installation of Keras and the format. The backend is TensorFlow (pip install
tensorflow scikit-learn), whose top-k metrics accept a k greater than the number of classes.

A case is a set of rows: `targets`, and outputs as `probabilities` and `logits`, or as `values`; perhaps `weights` of the
rows. The other arrays are results, named `Loss(settings)@outputs` and `Metric(settings)@outputs`, with the text of the
loss or the metric in gradus. Integer labels are passed to the sparse losses and metrics, and to the others as one-hot rows. Logits are
passed to losses with from_logits=True, to metrics of values unchanged, and to metrics of classes as probabilities. Where Keras
yields NaN, the value is that of scikit-learn. Combinations that gradus rejects have no result.
"""
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import make
import numpy as np
import keras
from make import draw, numpy
from sklearn.metrics import r2_score


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def one_hot(labels, classes):
    return np.eye(classes)[labels]


class Rows:
    """A set of rows. `squash` makes probabilities of logits; without it outputs are values."""

    def __init__(self, targets, outputs, squash=None, labels=False, weights=None):
        self.targets, self.outputs, self.squash = np.asarray(targets), np.asarray(outputs, np.float32), squash
        self.labels, self.weights = labels, weights

    def scales(self):
        """Each kind of outputs: its name, its numbers, and their probabilities."""
        if self.squash is None:
            return [("values", self.outputs, self.outputs)]
        probabilities = self.squash(self.outputs).astype(np.float32)
        return [("probabilities", probabilities, probabilities), ("logits", self.outputs, self.squash(self.outputs))]

    def dense(self):
        return one_hot(self.targets, self.outputs.shape[-1]) if self.labels else self.targets


def sets():
    rng = np.random.default_rng([make.SEED, 7])
    labels = rng.integers(0, 3, 20)
    logits = (2 * one_hot(labels, 3) + draw(rng, (20, 3), scale=1.5)).astype(np.float32)
    pixels = rng.integers(0, 3, (6, 2, 2))
    pixel_logits = (2 * one_hot(pixels, 3) + draw(rng, (6, 2, 2, 3), scale=1.5)).astype(np.float32)
    column = rng.integers(0, 2, (20, 1))
    column_logits = (2.0 * column - 1 + draw(rng, (20, 1), scale=1.5)).astype(np.float32)
    bits = rng.integers(0, 2, (20, 3))
    bit_logits = (2.0 * bits - 1 + draw(rng, (20, 3), scale=1.5)).astype(np.float32)
    values = draw(rng, (20, 3))
    guesses = (values + draw(rng, (20, 3), scale=0.5)).astype(np.float32)
    counts = rng.integers(0, 5, 20)
    counted = (counts[:, None] + draw(rng, (20, 1), scale=0.5)).astype(np.float32)
    few = np.array([0, 0, 1, 1])
    few_logits = np.array([[2, 1, -3], [0, 1, -2], [0, 2, -1], [-1, 1, -5]], np.float32)
    zeros = np.zeros((4, 1))
    low = np.array([[-2], [-3], [-2.5], [-4]], np.float32)
    same = np.full((5, 1), 0.1, np.float32)
    return {
        "labels": Rows(labels, logits, softmax, labels=True),
        "one_hot": Rows(one_hot(labels, 3), logits, softmax),
        "label_positions": Rows(pixels, pixel_logits, softmax, labels=True),
        "one_hot_positions": Rows(one_hot(pixels, 3), pixel_logits, softmax),
        "column": Rows(column, column_logits, sigmoid),
        "multi_hot": Rows(bits, bit_logits, sigmoid),
        "values": Rows(values, guesses),
        "value_column": Rows(values[:, :1], guesses[:, :1]),
        "counts": Rows(counts, counted),
        # Degenerate rows, for metrics only.
        "one_row": Rows(labels[:1], logits[:1], softmax, labels=True),
        "one_row_of_values": Rows(values[:1], guesses[:1]),
        "missing_class": Rows(few, few_logits, softmax, labels=True),
        "no_positives": Rows(zeros, low, sigmoid),
        "constant_right": Rows(same, same),
        "constant_wrong": Rows(same, same + np.float32(0.5)),
        "no_weight": Rows(labels, logits, softmax, labels=True, weights=np.zeros(20)),
        "no_weight_of_column": Rows(column, column_logits, sigmoid, weights=np.zeros(20)),
        "no_weight_of_values": Rows(values, guesses, weights=np.zeros(20)),
    }


KINDS = ["labels", "one_hot", "label_positions", "one_hot_positions", "column", "multi_hot", "values", "value_column", "counts"]
CLASSES = ["labels", "one_hot", "label_positions", "one_hot_positions", "one_row", "missing_class", "no_weight"]
COLUMNS = ["column", "no_positives", "no_weight_of_column"]
VALUES = ["values", "value_column", "counts", "one_row_of_values", "constant_right", "constant_wrong", "no_weight_of_values"]
NUMBERS = ["one_hot", "one_hot_positions", *COLUMNS, "multi_hot", *VALUES]
BITS = [*COLUMNS, "multi_hot"]
LABELS = ["labels", "label_positions", "one_row", "missing_class", "no_weight"]


def metric(text, rows, outputs, labels):
    """Keras' metric of these outputs. Metrics of two axes get positions as rows, or the elements of a sample as columns."""
    targets = rows.targets if labels else rows.dense()
    if text.startswith(("F1Score", "R2Score")):
        columns = outputs.shape[-1] if text.startswith("F1") else int(np.prod(outputs.shape[1:]))
        targets, outputs = targets.reshape(-1, columns), outputs.reshape(-1, columns)
    if targets.ndim < outputs.ndim and not labels:
        targets = targets[..., None]
    made = eval(f"keras.metrics.{text}")
    weights = {} if rows.weights is None else {"sample_weight": rows.weights}
    outputs = outputs.astype(np.float32 if "TopK" in text else np.float64)  # TensorFlow's top k supports only float32
    made.update_state(targets.astype(np.int64 if labels else np.float64), outputs, **weights)
    value = float(numpy(made.result()))
    if np.isnan(value) and text.startswith("R2Score"):
        # All weights are 0: neither library gives a value, and all other metrics are 0.
        return 0.0 if rows.weights is not None else r2_score(targets, outputs)
    return value


# By the text of gradus: Keras' expression, the accepted sets, whether labels are passed as labels, whether it needs probabilities.
METRICS = {
    "Accuracy()": ("CategoricalAccuracy()", [*CLASSES, "multi_hot"], False, True),
    "BinaryAccuracy(threshold=0.5)": ("BinaryAccuracy()", [*CLASSES, *BITS], False, True),
    "BinaryAccuracy(threshold=0.7)": ("BinaryAccuracy(threshold=0.7)", [*CLASSES, *BITS], False, True),
    "CategoricalAccuracy()": ("CategoricalAccuracy()", [*CLASSES, "multi_hot"], False, True),
    "F1Score()": ("F1Score(average='macro')", [*CLASSES, "multi_hot"], False, True),
    "F1Score(threshold=0.25)": ("F1Score(average='macro', threshold=0.25)", [*CLASSES, *BITS], False, True),
    "MeanAbsoluteError()": ("MeanAbsoluteError()", NUMBERS, False, False),
    "MeanSquaredError()": ("MeanSquaredError()", NUMBERS, False, False),
    "Precision(threshold=0.5)": ("Precision()", [*CLASSES, *BITS], False, True),
    "Precision(threshold=0.25,class=1)": ("Precision(thresholds=0.25, class_id=1)", [*CLASSES, "multi_hot"], False, True),
    "R2Score()": ("R2Score()", NUMBERS, False, False),
    "Recall(threshold=0.5)": ("Recall()", [*CLASSES, *BITS], False, True),
    "Recall(threshold=0.25,class=1)": ("Recall(thresholds=0.25, class_id=1)", [*CLASSES, "multi_hot"], False, True),
    "SparseCategoricalAccuracy()": ("SparseCategoricalAccuracy()", LABELS, True, True),
    "SparseTopKCategoricalAccuracy(k=5)": ("SparseTopKCategoricalAccuracy(5)", LABELS, True, True),
    "SparseTopKCategoricalAccuracy(k=2)": ("SparseTopKCategoricalAccuracy(2)", LABELS, True, True),
    "TopKCategoricalAccuracy(k=5)": ("TopKCategoricalAccuracy(5)", [*CLASSES, "multi_hot"], False, True),
    "TopKCategoricalAccuracy(k=2)": ("TopKCategoricalAccuracy(2)", [*CLASSES, "multi_hot"], False, True),
}

# The word "accuracy" is Keras' BinaryAccuracy for one output.
METRICS_OF_COLUMNS = {"Accuracy()": ("BinaryAccuracy()", COLUMNS, False, True)}

LOSSES = {
    "BinaryCrossentropy(from_logits=false)": ("BinaryCrossentropy()", ["one_hot", "one_hot_positions", *BITS], False),
    "CategoricalCrossentropy(from_logits=false)": ("CategoricalCrossentropy()", ["one_hot", "one_hot_positions", "multi_hot"], False),
    "Hinge()": ("Hinge()", ["one_hot", "one_hot_positions", *BITS], False),
    "Huber(delta=1)": ("Huber()", NUMBERS, False),
    "KLDivergence()": ("KLDivergence()", ["one_hot", "one_hot_positions", "multi_hot"], False),
    "LogCosh()": ("LogCosh()", NUMBERS, False),
    "MeanAbsoluteError()": ("MeanAbsoluteError()", NUMBERS, False),
    "MeanSquaredError()": ("MeanSquaredError()", NUMBERS, False),
    "SparseCategoricalCrossentropy(from_logits=false)": ("SparseCategoricalCrossentropy()", LABELS, True),
}


def put_rows(file, name, rows):
    file.case(name, f"targets of shape {rows.targets.shape}")
    file.put(targets=rows.targets, **{scale: outputs for scale, outputs, _ in rows.scales()})
    if rows.weights is not None:
        file.put(weights=rows.weights)


def metrics_of_targets(file):
    for name, rows in sets().items():
        put_rows(file, name, rows)
        for ours, (text, takes, labels, squashed) in [*METRICS.items(), *METRICS_OF_COLUMNS.items()]:
            for scale, outputs, probabilities in rows.scales():
                if name in takes:
                    value = metric(text, rows, probabilities if squashed else outputs, labels)
                    file.put(**{f"{ours}@{scale}": value})


def losses_of_targets(file):
    for name, rows in sets().items():
        if name not in KINDS:
            continue
        put_rows(file, name, rows)
        for ours, (text, takes, labels) in LOSSES.items():
            for scale, outputs, _ in rows.scales():
                made, takes_logits = text, "from_logits" in ours
                if scale == "logits":
                    made = text.replace("()", "(from_logits=True)") if takes_logits else None
                if name in takes and made:
                    targets = rows.targets if labels else rows.targets.astype(np.float64)
                    targets = targets if labels or targets.ndim == outputs.ndim else targets[..., None]
                    value = eval(f"keras.losses.{made}")(targets, outputs.astype(np.float64))
                    file.put(**{f"{ours.replace('=false', '=true') if scale == 'logits' else ours}@{scale}": float(numpy(value))})


if __name__ == "__main__":
    make.main({"losses_of_targets": losses_of_targets, "metrics_of_targets": metrics_of_targets}, "targets.py")
