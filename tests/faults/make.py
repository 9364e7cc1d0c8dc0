"""Writes the ONNX models and the data sets of `gradus evaluate`'s tests, and the values of Keras for them.

Run with Keras 3, onnx and onnxruntime: `python tests/faults/make.py`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(7)
x = random.normal(size=(20, 4)).astype(np.float32)


def model(name, outputs, activation):
    """One Gemm from 4 numbers, and an activation."""
    weight = random.normal(size=(4, outputs)).astype(np.float32)
    bias = random.normal(size=outputs).astype(np.float32)
    last = "sums" if activation else "y"
    nodes = [helper.make_node("Gemm", ["x", "weight", "bias"], [last])]
    if activation:
        nodes.append(helper.make_node(activation, ["sums"], ["y"]))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size]) for name, size in [("x", 4), ("y", outputs)]]
    constants = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")]
    graph = helper.make_graph(nodes, name, values[:1], values[1:], constants)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = os.path.join(FOLDER, f"evaluate_{name}.onnx")
    onnx.save(file, path)
    return onnxruntime.InferenceSession(path).run(None, {"x": x})[0]


def data(name, y):
    np.savez(os.path.join(FOLDER, f"evaluate_{name}.npz"), x=x, y=y)
    return y


def value(measure, y, predicted):
    if isinstance(measure, keras.losses.Loss):
        return float(measure(y, predicted))
    measure.update_state(y, predicted)
    return float(measure.result())


def main():
    logits = model("logits", 3, None)
    softmax = model("softmax", 3, "Softmax")
    sigmoid = model("sigmoid", 1, "Sigmoid")
    number = model("number", 1, None)
    model("relu", 3, "Relu")
    labels = data("labels", random.integers(0, 3, 20))
    one_hot = data("one_hot", np.eye(3, dtype=np.float32)[labels])
    bits = data("bits", random.integers(0, 2, 20))
    numbers = data("numbers", random.normal(size=(20, 1)).astype(np.float32))
    losses, metrics = keras.losses, keras.metrics
    cases = [
        ("logits", "labels", losses.SparseCategoricalCrossentropy(from_logits=True), metrics.SparseCategoricalAccuracy()),
        ("logits", "one_hot", losses.CategoricalCrossentropy(from_logits=True), metrics.CategoricalAccuracy()),
        ("softmax", "labels", losses.SparseCategoricalCrossentropy(), metrics.SparseCategoricalAccuracy()),
        ("softmax", "one_hot", losses.CategoricalCrossentropy(), metrics.CategoricalAccuracy()),
        ("sigmoid", "bits", losses.BinaryCrossentropy(), metrics.BinaryAccuracy()),
        ("number", "numbers", losses.MeanSquaredError(), metrics.MeanAbsoluteError()),
    ]
    outputs = {"logits": logits, "softmax": softmax, "sigmoid": sigmoid, "number": number}
    answers = {"labels": labels, "one_hot": one_hot, "bits": bits.reshape(-1, 1), "numbers": numbers}
    with open(os.path.join(FOLDER, "evaluate.txt"), "w") as file:
        for name, answer, loss, metric in cases:
            pair = [value(measure, answers[answer], outputs[name]) for measure in (loss, metric)]
            print(name, answer, type(loss).__name__, *(f"{number:.6f}" for number in pair), file=file)


main()
