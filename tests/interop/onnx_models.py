"""Loads models of gradus in onnx, onnxruntime, PyTorch and NumPy: onnx_models.py FOLDER."""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file
from torch import nn

from bounds import EXAMPLES, same_predictions


def check_onnx(folder, name):
    path = f"{folder}/{name}/model.onnx"
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param, f"{path}: the number of rows is fixed"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x, expected = np.load(f"{folder}/{name}/x.npy"), np.load(f"{folder}/{name}/predictions.npy")
    apart = same_predictions(session.run(None, {"input": x})[0], expected, path)
    same_predictions(session.run(None, {"input": x[:1]})[0], expected[:1], path)  # another number of rows
    operators = [node.op_type for node in model.graph.node]
    print(f"{path}: opset {model.opset_import[0].version}, predictions {apart:.1e} apart; {' '.join(operators)}")


def check_layer(path):
    """A model of one layer, with inputs x0, x1, … and their outputs in gradus."""
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    arrays = dict(np.load(path.with_suffix(".npz")))
    expected = arrays.pop("y")
    (found,) = session.run(None, arrays)
    assert found.shape == expected.shape, f"{path}: {found.shape}, expected {expected.shape}"
    apart = np.abs(found - expected).max()
    assert apart <= 1e-5 * max(1, np.abs(expected).max()), f"{path}: {apart} apart"
    return apart


def check_layers(folder):
    paths = sorted(pathlib.Path(folder, "layers").glob("*.onnx"))
    assert len(paths) >= 40, f"{len(paths)} layers"
    print(f"{len(paths)} layers with their options, at most {max(map(check_layer, paths)):.1e} apart")


def batch_norm(features):
    return nn.BatchNorm1d(features, eps=1e-3, momentum=0.01)


def sequentials():
    """The nn.Sequential of each example."""
    sigmoid = lambda a, b: [nn.Linear(a, b), nn.Sigmoid()]
    return {
        "dense_linear": [nn.Linear(784, 600), nn.Linear(600, 400), nn.ReLU(), nn.Linear(400, 10), nn.Softmax(1)],
        "dropout_mlp": [
            nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(512, 10), nn.Softmax(1),
        ],
        "lenet5": [
            nn.Conv2d(1, 6, 2), nn.MaxPool2d(2), nn.Sigmoid(), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Sigmoid(),
            nn.Conv2d(16, 120, 4), nn.Flatten(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10), nn.Softmax(1),
        ],
        "deep_sigmoid": [
            nn.Flatten(), batch_norm(784), *sigmoid(784, 200), *sigmoid(200, 100), *sigmoid(100, 60), *sigmoid(60, 30),
            nn.Linear(30, 10), nn.Softmax(1),
        ],
    }


def check_torch(folder, name, modules):
    path = f"{folder}/{name}/torch.safetensors"
    model = nn.Sequential(*modules).eval()
    missing, unexpected = model.load_state_dict(load_file(path), strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
    x = torch.from_numpy(np.load(f"{folder}/{name}/x.npy"))
    x = x.permute(0, 3, 1, 2) if x.ndim == 4 else x
    with torch.no_grad():
        found = model(x).numpy()
    apart = same_predictions(found, np.load(f"{folder}/{name}/predictions.npy"), path)
    print(f"{path}: predictions {apart:.1e} apart")


def check_numpy(folder):
    """The network on the tape, by its arrays alone."""
    arrays = np.load(f"{folder}/basic_nn/model.npz")
    x = np.load(f"{folder}/dense_linear/x.npy").astype(np.float64)
    logits = np.maximum(x @ arrays["w1"] + arrays["b1"], 0) @ arrays["w2"] + arrays["b2"]
    # Of the sums: they are large, so that the last digits of float32 show in probabilities.
    apart = same_predictions(logits, np.load(f"{folder}/basic_nn/logits.npy"), "basic_nn")
    table = np.loadtxt(f"{folder}/basic_nn/predictions.csv", delimiter=",", skiprows=1)
    order = np.sort(table[:, 3:], axis=-1)
    clear = order[:, -1] - order[:, -2] > 1e-4
    assert (logits.argmax(-1) == table[:, 2])[clear].all(), "basic_nn: another class"
    print(f"{folder}/basic_nn/model.npz: sums up to {np.abs(logits).max():.0f}, {apart:.1e} apart")


if __name__ == "__main__":
    for name in EXAMPLES:
        check_onnx(sys.argv[1], name)
    for name, modules in sequentials().items():
        check_torch(sys.argv[1], name, modules)
    check_layers(sys.argv[1])
    check_numpy(sys.argv[1])
