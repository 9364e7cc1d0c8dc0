#!/usr/bin/env python3
"""Writes the small files in this folder with the programs that define their formats: PyTorch, scikit-learn, Keras, NumPy.

    python3 -m venv target/interop
    target/interop/bin/pip install torch keras tensorflow-cpu scikit-learn skl2onnx tf2onnx onnx onnxscript safetensors numpy
    target/interop/bin/python tests/formats/make.py [digits] [torch] [branches] [sklearn] [keras]

Each model is written with inputs and the outputs that its own program gives, as NAME.npz with x and y, or with the names
of several inputs and outputs.
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


def branches():
    """Models of PyTorch and Keras with branches, several inputs and outputs, and the layers that a sequential model does not need."""
    import torch
    from safetensors.torch import save_file
    from torch import nn

    torch.manual_seed(6)

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2)
            self.norm, self.second = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1)
            self.strided = nn.Conv2d(8, 6, 3, stride=2, padding=1)
            self.vector, self.layer_norm = nn.Linear(3, 6), nn.LayerNorm(12)
            self.kind, self.size = nn.Linear(12, 3), nn.Linear(12, 1)

        def forward(self, x, v):
            y = nn.functional.leaky_relu(self.norm(self.first(x)), 0.1)
            y = x + self.second(y)
            y = torch.cat([y, nn.functional.silu(y)], dim=1)
            y = nn.functional.elu(self.strided(nn.functional.avg_pool2d(y, 2)))
            y = torch.cat([nn.functional.adaptive_avg_pool2d(y, 1).flatten(1), self.vector(v)], dim=1)
            y = nn.functional.softplus(self.layer_norm(y))
            return torch.softmax(self.kind(y), dim=1), self.size(y)

    model = Branches().train()
    for _ in range(3):
        model(torch.randn(16, 4, 6, 8), torch.randn(16, 3))
    model.eval()
    x, v = torch.randn(4, 4, 6, 8), torch.randn(4, 3)
    with torch.no_grad():
        kind, size = model(x, v)
    np.savez(HERE / "torch_branches.npz", x=x.numpy(), v=v.numpy(), kind=kind.numpy(), size=size.numpy())
    names = {"input_names": ["x", "v"], "output_names": ["kind", "size"]}
    open_rows = {name: {0: "rows"} for name in ["x", "v", "kind", "size"]}
    torch.onnx.export(model, (x, v), HERE / "torch_branches.onnx", dynamo=False, dynamic_axes=open_rows, **names)
    rows = torch.export.Dim("rows")
    shapes = ({0: rows}, {0: rows})
    program = torch.onnx.export(model, (x, v), dynamo=True, dynamic_shapes=shapes, verbose=False, **names)
    program.save(HERE / "torch_branches_dynamo.onnx")

    words = nn.Sequential(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(20, 3)).eval()
    x = torch.randint(0, 7, (4, 5))
    with torch.no_grad():
        np.savez(HERE / "torch_words.npz", x=x.numpy().astype(np.float32), y=words(x).numpy())
    names = {"input_names": ["x"], "output_names": ["y"]}
    torch.onnx.export(words, x, HERE / "torch_words.onnx", dynamo=False, dynamic_axes={"x": {0: "rows"}}, **names)
    save_file(words.state_dict(), HERE / "torch_words.safetensors")

    # GELU in an older operator set is five operators, which no layer represents.
    gelu = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2)).eval()
    x = torch.randn(4, 3)
    with torch.no_grad():
        np.savez(HERE / "torch_gelu.npz", x=x.numpy(), y=gelu(x).numpy())
    torch.onnx.export(gelu, x, HERE / "torch_gelu.onnx", dynamo=False, opset_version=17, dynamic_axes={"x": {0: "rows"}}, **names)

    # The nn.Sequential of a model with every layer that has modules.
    layers = nn.Sequential(
        nn.ZeroPad2d((1, 0, 0, 2)),
        nn.Conv2d(4, 6, (2, 3), groups=2, padding="same", dilation=(2, 1)),
        nn.LeakyReLU(0.1),
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(6, 4, 3, stride=2, bias=False),
        nn.GELU(),
        nn.ConstantPad2d((0, 1, 0, 1), -torch.inf),
        nn.MaxPool2d(2, stride=1),
        nn.AvgPool2d(2),
        nn.BatchNorm2d(4, eps=1e-3, momentum=0.01),
        nn.ELU(0.5),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.LayerNorm(4, eps=1e-3),
        nn.Linear(4, 3),
        nn.LogSoftmax(1),
    )
    layers.train()
    for _ in range(3):
        layers(torch.randn(16, 4, 6, 7))
    layers.eval()
    x = torch.randn(4, 4, 6, 7)
    with torch.no_grad():
        np.savez(HERE / "torch_layers.npz", x=x.numpy(), y=layers(x).numpy())
    save_file(layers.state_dict(), HERE / "torch_layers.safetensors")

    import keras

    # The exporter supports neither GELU nor groups.
    keras.utils.set_random_seed(9)
    k = keras.layers
    image, ids = keras.Input((9, 8, 4), name="image"), keras.Input((3,), name="ids")
    y = k.Conv2D(4, 3, padding="same", dilation_rate=2, activation="silu")(image)
    y = k.Add()([image, k.BatchNormalization()(y)])
    y = k.Conv2D(5, (3, 2), strides=2, padding="same")(k.LeakyReLU(0.1)(y))
    y = k.Concatenate()([k.MaxPooling2D(2, padding="same")(y), k.AveragePooling2D(2, padding="same")(y)])
    y = k.ZeroPadding2D(((1, 0), (0, 2)))(k.ELU(0.5)(y))
    y = k.Conv2D(6, 2, activation="softplus")(y)
    words = k.Dense(6, activation="elu")(k.Flatten()(k.Embedding(7, 4)(ids)))
    y = k.Concatenate()([k.GlobalMaxPooling2D()(y), k.GlobalAveragePooling2D()(y), words])
    y = k.LayerNormalization()(y)
    y = k.Activation("hard_sigmoid")(k.Dense(8, activation="selu")(y))
    kind = k.Dense(3, activation="softmax", name="kind")(k.Dropout(0.2)(y))
    size = k.Dense(1, activation="softsign", name="size")(y)
    model = keras.Model([image, ids], [kind, size])
    random = np.random.default_rng(2)
    x = {"image": random.normal(size=(4, 9, 8, 4)), "ids": random.integers(0, 7, (4, 3))}
    x = {name: array.astype(np.float32) for name, array in x.items()}
    kind, size = model.predict([x["image"], x["ids"]], verbose=0)
    np.savez(HERE / "keras_branches.npz", **x, kind=kind, size=size)
    model.export(HERE / "keras_branches.onnx", format="onnx", verbose=False)


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
    # Its labels are strings, which is an output besides the probabilities.
    names = np.array(["blue", "green", "red"])[classes]
    models["strings"] = MLPClassifier((3,), max_iter=50, random_state=1).fit(x, names)
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
    for part in sys.argv[1:] or ["digits", "torch", "branches", "sklearn", "keras"]:
        {"digits": digits, "torch": torch, "branches": branches, "sklearn": sklearn, "keras": keras}[part]()
