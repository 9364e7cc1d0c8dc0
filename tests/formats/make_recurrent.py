#!/usr/bin/env python3
"""Writes files with recurrent layers from Keras 3 and Keras 2, with inputs and predictions.

    python tests/formats/make_recurrent.py      (Keras 3.15.1, tf_keras 2.21, onnxruntime 1.32)

recurrent.keras, recurrent.h5   initial states, final states, both directions, a layer for each step
recurrent_keras_2.h5            Keras 2: hard_sigmoid, reset_after=False, initial states, both directions
torch_lstm.npz                  input and output of torch_lstm.onnx, which make.py writes
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


keras_3()
keras_2()
cudnn()
torch_lstm()
