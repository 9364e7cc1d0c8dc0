#!/usr/bin/env python3
"""Writes files with recurrent layers from Keras 3 and Keras 2, with inputs and predictions.

    python tests/formats/make_recurrent.py      (Keras 3.15.1, tf_keras 2.21, onnxruntime 1.32)

recurrent.keras, recurrent.h5   initial states, final states, both directions, a layer for each step
recurrent_keras_2.h5            Keras 2: hard_sigmoid, reset_after=False, initial states, both directions
torch_lstm.npz                  input and output of torch_lstm.onnx, which make.py writes
rnn_cells.keras, rnn_cells.h5   `RNN` with one cell and with several, stateful, with a mask
rnn_cells_keras_2.h5            Keras 2: the layers of rnn_cells.h5, not stateful
unrolled.onnx, unrolled.npz     ONNX nodes with clip, peepholes, input_forget and two activations; outputs of onnxruntime
cudnn.h5                        Keras 2: CuDNNLSTM and CuDNNGRU; predictions of the layers into which Keras converts them
"""
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import tf_keras  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
RNG = np.random.default_rng(5)


def fill(model):
    model.set_weights([RNG.normal(0, 0.5, array.shape).astype(np.float32) for array in model.get_weights()])


def predictions(name, model, inputs):
    arrays = {key: RNG.normal(0, 1, (3, *shape)).astype(np.float32) for key, shape in inputs.items()}
    outputs = model.predict(list(arrays.values()) if len(arrays) > 1 else arrays["x"], verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    np.savez(HERE / f"{name}.npz", **arrays, **{f"y{number}": y for number, y in enumerate(outputs)})


def keras_3():
    layers = keras.layers
    x, h, c = (layers.Input(shape, name=name) for name, shape in {"x": (4, 2), "h": (3,), "c": (3,)}.items())
    encoder = layers.LSTM(3, return_sequences=True, return_state=True, dropout=0.2, name="encoder")
    sequence, _, cell = encoder(x, initial_state=[h, c])
    both = layers.Bidirectional(layers.GRU(2, return_state=True), name="both")(sequence)
    steps = layers.TimeDistributed(layers.Dense(2, activation="relu"), name="steps")(sequence)
    simple = layers.SimpleRNN(2, go_backwards=True, name="simple")(sequence)
    model = keras.Model([x, h, c], [both[0], both[2], cell, steps, simple])
    fill(model)
    model.save(HERE / "recurrent.keras")
    model.save(HERE / "recurrent.h5")
    predictions("recurrent", model, {"x": (4, 2), "h": (3,), "c": (3,)})


def keras_2():
    layers = tf_keras.layers
    x, h = layers.Input((4, 2), name="x"), layers.Input((3,), name="h")
    options = {"recurrent_activation": "hard_sigmoid"}
    gru, state = layers.GRU(3, reset_after=False, return_sequences=True, return_state=True, **options)(x, initial_state=[h])
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True, **options), merge_mode="sum")(gru)
    simple = layers.SimpleRNN(2)(both)
    model = tf_keras.Model([x, h], [simple, state])
    fill(model)
    model.save(HERE / "recurrent_keras_2.h5")
    predictions("recurrent_keras_2", model, {"x": (4, 2), "h": (3,)})


def cudnn():
    layers, plain = tf_keras.layers, []
    sizes = {"CuDNNLSTM": (3, 4, 8), "CuDNNGRU": (2, 3, 6)}
    config = {"name": "sequential", "layers": [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4, 2], "dtype": "float32", "name": "x"}}]}
    with h5py.File(HERE / "cudnn.h5", "w") as file:
        weights, features, names = file.create_group("model_weights"), 2, []
        for kind, (units, gates, biases) in sizes.items():
            name = kind.lower()
            config["layers"].append({"class_name": kind, "config": {
                "name": name, "trainable": True, "units": units, "return_sequences": kind == "CuDNNLSTM",
                "return_state": False, "go_backwards": False, "stateful": False, "unit_forget_bias": True,
                **{f"{part}_{rest}": None for part in ("kernel", "recurrent", "bias")
                   for rest in ("regularizer", "constraint")}}})
            if kind == "CuDNNGRU":
                config["layers"][-1]["config"].pop("unit_forget_bias")
            arrays = [RNG.normal(0, 0.5, shape).astype(np.float32)
                      for shape in ((features, gates * units), (units, gates * units), (biases * units,))]
            group = weights.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{part}:0".encode() for part in ("kernel", "recurrent_kernel", "bias")]
            for part, array in zip(group.attrs["weight_names"], arrays):
                group[part] = array
            plain.append((getattr(layers, kind[5:])(units, return_sequences=kind == "CuDNNLSTM"), arrays))
            names.append(name.encode())
            features = units
        weights.attrs["layer_names"] = names
        file.attrs["keras_version"], file.attrs["backend"] = "2.3.1", "tensorflow"

        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config}).encode()
    from tf_keras.src.saving.legacy.hdf5_format import _convert_rnn_weights
    model = tf_keras.Sequential([layer for layer, _ in plain])
    model.build((None, 4, 2))
    for layer, arrays in plain:
        layer.set_weights(_convert_rnn_weights(layer, arrays))
    predictions("cudnn", model, {"x": (4, 2)})


def torch_lstm():
    session = onnxruntime.InferenceSession(HERE / "torch_lstm.onnx", providers=["CPUExecutionProvider"])
    x = RNG.normal(0, 1, (2, 5, 3)).astype(np.float32)
    np.savez(HERE / "torch_lstm.npz", x=x, y=session.run(None, {"input": x})[0])


def rnn_cells(library, name, endings, **options):
    layers = library.layers
    x = layers.Input(batch_shape=(3, 4, 2), name="x")
    masked = layers.Masking(mask_value=0.5)(x)
    cells = [layers.LSTMCell(3, recurrent_activation="sigmoid"), layers.GRUCell(2), layers.LSTMCell(2, use_bias=False)]
    stack = layers.RNN(cells, return_sequences=True, name="stack", **options)(masked)
    simple = layers.RNN(layers.SimpleRNNCell(2), go_backwards=True)(stack)
    both = layers.Bidirectional(layers.RNN(layers.GRUCell(2)))(stack)
    last = layers.RNN([layers.SimpleRNNCell(2), layers.SimpleRNNCell(3)])(masked)
    model = library.Model(x, [simple, both, last])
    fill(model)
    for ending in endings:
        model.save(HERE / f"{name}.{ending}")
    x = RNG.normal(0, 1, (3, 4, 2)).astype(np.float32)
    x[1, 2:] = 0.5
    np.savez(HERE / f"{name}.npz", x=x, **{f"y{number}": y for number, y in enumerate(model.predict(x, verbose=0))})


def unrolled():
    from onnx import TensorProto, helper, numpy_helper
    steps, rows, features, units = 4, 3, 2, 2
    nodes, constants, outputs = [], [], []

    def node(name, kind, gates, directions=1, peepholes=False, **attributes):
        sizes = {"W": (gates * units, features), "R": (gates * units, units), "B": (2 * gates * units,)}
        if peepholes:
            sizes["P"] = (3 * units,)
        arrays = {key: RNG.normal(0, 1, (directions, *size)).astype(np.float32) for key, size in sizes.items()}
        constants.extend(numpy_helper.from_array(array, f"{name}{key}") for key, array in arrays.items())
        inputs = ["steps", f"{name}W", f"{name}R", f"{name}B", "lengths" if directions == 2 else ""]
        inputs += ["", "", f"{name}P"] if peepholes else []
        nodes.append(helper.make_node(kind, inputs, [f"{name}Y"], hidden_size=units, **attributes))
        nodes.append(helper.make_node("Transpose", [f"{name}Y"], [name], perm=[2, 0, 1, 3]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", steps, directions, units]))

    nodes.append(helper.make_node("Transpose", ["x"], ["steps"], perm=[1, 0, 2]))
    constants.append(numpy_helper.from_array(np.array([4, 1, 3], np.int32), "lengths"))
    node("y0", "LSTM", 4, directions=2, peepholes=True, clip=0.7, direction="bidirectional")
    node("y1", "LSTM", 4, input_forget=1, direction="reverse")
    node("y2", "LSTM", 4, activations=["Sigmoid", "Tanh", "Relu"])
    node("y3", "GRU", 3, clip=0.5)
    node("y4", "GRU", 3, clip=0.5, linear_before_reset=1, direction="reverse")
    node("y5", "RNN", 1, clip=0.5)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, steps, features])
    model = helper.make_model(helper.make_graph(nodes, "unrolled", [x], outputs, constants),
                              opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    (HERE / "unrolled.onnx").write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(HERE / "unrolled.onnx", providers=["CPUExecutionProvider"])
    x = RNG.normal(0, 1, (rows, steps, features)).astype(np.float32)
    found = session.run([output.name for output in outputs], {"x": x})
    np.savez(HERE / "unrolled.npz", x=x, **{output.name: y for output, y in zip(outputs, found)})


keras_3()
keras_2()
cudnn()
torch_lstm()
rnn_cells(keras, "rnn_cells", ["keras", "h5"], stateful=True)
rnn_cells(tf_keras, "rnn_cells_keras_2", ["h5"])
unrolled()
