#!/usr/bin/env python3
"""Writes the small files beside this one with the programs whose formats they have: PyTorch, scikit-learn, Keras, NumPy.

    python3 -m venv target/interop
    target/interop/bin/pip install torch keras tensorflow-cpu scikit-learn skl2onnx tf2onnx onnx onnxscript safetensors numpy
    target/interop/bin/python tests/formats/make.py [digits] [torch] [sklearn] [keras]

Each model is written with inputs and the outputs that its own program gives, as NAME.npz with x and y.
"""
import gzip
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
MNIST = HERE.parents[1] / "data" / "mnist"


def digits():
    """The first 20 test images of MNIST as np.savez_compressed writes them."""
    with gzip.open(MNIST / "t10k-images-idx3-ubyte.gz") as file:
        x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:20]
    with gzip.open(MNIST / "t10k-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), np.uint8, offset=8)[:20]
    np.savez_compressed(HERE / "digits.npz", x=x, y=y)
    numbers = np.arange(12).reshape(3, 4)
    arrays = {
        "f4": numbers.astype("f4") / 2,
        "f8": numbers / 4,
        "i4": numbers.astype("i4") - 5,
        "bool": numbers % 3 == 0,
        "fortran": np.asfortranarray(numbers.astype("f4")),
        "scalar": np.float32(2.5),
        "deep/name": np.arange(3, dtype="u1"),
    }
    np.savez(HERE / "types.npz", **arrays)
    np.save(HERE / "ones.npy", np.ones((2, 3), ">f4"))


def torch():
    """Models of PyTorch: ONNX by both of its exporters, and state_dicts in safetensors."""
    import torch
    from safetensors.torch import save_file
    from torch import nn

    torch.manual_seed(3)
    models = {
        "mlp": (nn.Sequential(nn.Linear(6, 5), nn.Sigmoid(), nn.Dropout(0.3), nn.Linear(5, 3), nn.Softmax(dim=1)), (4, 6)),
        "cnn": (
            nn.Sequential(
                nn.Conv2d(2, 3, 3, padding=1),
                nn.BatchNorm2d(3),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(3, 4, 2),
                nn.Tanh(),
                nn.Flatten(),
                nn.Linear(4 * 2 * 3, 5),
                nn.BatchNorm1d(5),
                nn.Linear(5, 3),
                nn.Softmax(dim=1),
            ),
            (4, 2, 6, 8),
        ),
    }
    for name, (model, shape) in models.items():
        model.train()
        for _ in range(3):  # running statistics that are not 0 and 1
            model(torch.randn(16, *shape[1:]))
        model.eval()
        x = torch.randn(*shape)
        with torch.no_grad():
            y = model(x)
        names = {"input_names": ["x"], "output_names": ["y"]}
        open_rows = {"x": {0: "rows"}, "y": {0: "rows"}}
        torch.onnx.export(model, x, HERE / f"torch_{name}.onnx", dynamo=False, dynamic_axes=open_rows, **names)
        rows = torch.export.Dim("rows")
        program = torch.onnx.export(model, (x,), dynamo=True, dynamic_shapes=({0: rows},), verbose=False, **names)
        program.save(HERE / f"torch_{name}_dynamo.onnx")
        save_file(model.state_dict(), HERE / f"torch_{name}.safetensors")
        np.savez(HERE / f"torch_{name}.npz", x=x.numpy(), y=y.numpy())
    # With the number of rows fixed, and the shape computed.
    class View(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Linear(2 * 3 * 3, 2)

        def forward(self, x):
            x = torch.relu(self.conv(x))
            return self.head(x.view(x.size(0), -1))

    model, x = View().eval(), torch.randn(4, 1, 5, 5)
    with torch.no_grad():
        np.savez(HERE / "torch_view.npz", x=x.numpy(), y=model(x).numpy())
    torch.onnx.export(model, x[:1], HERE / "torch_view_fixed.onnx", dynamo=False)
    torch.onnx.export(model, x, HERE / "torch_view.onnx", dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "rows"}})
    lstm = nn.LSTM(3, 4, batch_first=True)
    torch.onnx.export(lstm, torch.randn(2, 5, 3), HERE / "torch_lstm.onnx", dynamo=False)


def sklearn():
    """A classifier, a regression and a scaler with a linear model, by skl2onnx."""
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(5)
    x = random.normal(size=(80, 4)).astype(np.float32)
    classes = (x @ random.normal(size=(4, 3))).argmax(1)
    models = {
        "mlp": MLPClassifier((6,), max_iter=200, random_state=1).fit(x, classes),
        "logistic": LogisticRegression().fit(x, classes),
        "scaled": make_pipeline(StandardScaler(), LinearRegression()).fit(x, x[:, :2] * 3 + 1),
    }
    for name, model in models.items():
        onnx = to_onnx(model, x[:1])
        (HERE / f"sklearn_{name}.onnx").write_bytes(onnx.SerializeToString())
        y = model.predict_proba(x[:5]) if hasattr(model, "predict_proba") else model.predict(x[:5])
        np.savez(HERE / f"sklearn_{name}.npz", x=x[:5], y=y.astype(np.float32))


def keras():
    """A small image classifier, by Keras' own exporter."""
    import keras

    keras.utils.set_random_seed(7)
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((8, 6, 2)),
        layers.Conv2D(3, 3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(2),
        layers.Dropout(0.2),
        layers.Flatten(),
        layers.Dense(5, activation="tanh"),
        layers.Dense(3, activation="softmax"),
    ])
    x = np.random.default_rng(1).normal(size=(4, 8, 6, 2)).astype(np.float32)
    np.savez(HERE / "keras_cnn.npz", x=x, y=model.predict(x, verbose=0))
    model.export(HERE / "keras_cnn.onnx", format="onnx", verbose=False)


if __name__ == "__main__":
    for part in sys.argv[1:] or ["digits", "torch", "sklearn", "keras"]:
        {"digits": digits, "torch": torch, "sklearn": sklearn, "keras": keras}[part]()
