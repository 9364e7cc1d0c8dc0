"""Writes a small whole model for every layer, optimizer and metric that gradus has, with its predictions.

    layer_models.py keras FOLDER      by Keras 3, as .keras and .h5
    layer_models.py tf_keras FOLDER   by tf_keras, as .h5 in the form of Keras 2

Models of layers are written compiled and uncompiled. The process imports only one of the libraries.
"""

import os
import pathlib
import re
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
from safetensors.numpy import save_file

KERAS_2 = sys.argv[1] == "tf_keras"
if KERAS_2:
    # Layers that use `tf.keras` then get tf_keras, and not Keras 3.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tf_keras as keras
else:
    import keras
layers = keras.layers

IMAGE, STEPS, ROW, WORDS, VOLUME = (7, 6, 4), (6, 4), (5,), (6,), (4, 5, 6, 2)


def one_input():
    """The layers with one input, by name: the shape of a sample, and the layer."""
    l = layers
    found = {
        "activation": (ROW, l.Activation("tanh")),
        "activity_regularization": (ROW, l.ActivityRegularization(l2=0.01)),
        "alpha_dropout": (ROW, l.AlphaDropout(0.3)),
        "average_pooling_1d": (STEPS, l.AveragePooling1D(2, strides=1, padding="same")),
        "average_pooling_3d": (VOLUME, l.AveragePooling3D((1, 2, 3), padding="same")),
        "average_pooling_2d": (IMAGE, l.AveragePooling2D((2, 3), padding="same")),
        "batch_normalization": (IMAGE, l.BatchNormalization(momentum=0.9)),
        "batch_normalization_of_rows": (ROW, l.BatchNormalization(axis=1, epsilon=1e-2)),
        "bidirectional": (STEPS, l.Bidirectional(l.LSTM(3, return_sequences=True), merge_mode="sum")),
        "bidirectional_gru": (STEPS, l.Bidirectional(l.GRU(3))),
        "center_crop": (IMAGE, l.CenterCrop(4, 5)),
        "conv_1d": (STEPS, l.Conv1D(3, 2, padding="same", activation="relu")),
        "conv_1d_causal": (STEPS, l.Conv1D(3, 2, padding="causal", dilation_rate=2)),
        "conv_1d_transpose": (STEPS, l.Conv1DTranspose(3, 3, strides=2)),
        "conv_lstm_2d": ((3, 5, 4, 2), l.ConvLSTM2D(2, 2, return_sequences=True)),
        "conv_2d_transpose": (IMAGE, l.Conv2DTranspose(3, (2, 3), strides=2, padding="same")),
        "conv_2d": (IMAGE, l.Conv2D(4, (2, 3), strides=2, groups=2)),
        "conv_3d": (VOLUME, l.Conv3D(3, (2, 3, 2), strides=(2, 1, 2), padding="same")),
        "conv_3d_transpose": (VOLUME, l.Conv3DTranspose(2, 2, strides=2)),
        "cropping_3d": (VOLUME, l.Cropping3D(((1, 0), (0, 2), (1, 1)))),
        "cropping_1d": (STEPS, l.Cropping1D((1, 2))),
        "cropping_2d": (IMAGE, l.Cropping2D(((1, 2), (0, 1)))),
        "dense": (ROW, l.Dense(3, activation="sigmoid", kernel_regularizer="l2", kernel_constraint="max_norm", bias_constraint="non_neg")),
        "depthwise_conv_1d": (STEPS, l.DepthwiseConv1D(2, depth_multiplier=2)),
        "depthwise_conv_2d": (IMAGE, l.DepthwiseConv2D(3, depth_multiplier=2, padding="same")),
        "dropout": (ROW, l.Dropout(0.3)),
        "elu": (ROW, l.ELU(alpha=0.5)),
        "embedding": (WORDS, l.Embedding(9, 3)),
        "embedding_with_mask": (WORDS, [l.Embedding(9, 3, mask_zero=True), l.LSTM(2)]),
        "flatten": (IMAGE, l.Flatten()),
        "gaussian_dropout": (ROW, l.GaussianDropout(0.3)),
        "gaussian_noise": (ROW, l.GaussianNoise(0.1)),
        "global_average_pooling_1d": (STEPS, l.GlobalAveragePooling1D()),
        "global_average_pooling_2d": (IMAGE, l.GlobalAveragePooling2D()),
        "global_average_pooling_3d": (VOLUME, l.GlobalAveragePooling3D()),
        "global_max_pooling_3d": (VOLUME, l.GlobalMaxPooling3D(keepdims=True)),
        "global_max_pooling_1d": (STEPS, l.GlobalMaxPooling1D()),
        "global_max_pooling_2d": (IMAGE, l.GlobalMaxPooling2D(keepdims=True)),
        "group_normalization": (IMAGE, l.GroupNormalization(2)),
        "gru": (STEPS, l.GRU(3, return_sequences=True)),
        "gru_reset_before": (STEPS, l.GRU(3, reset_after=False, recurrent_activation="hard_sigmoid")),
        "layer_normalization": (STEPS, l.LayerNormalization(center=False)),
        "leaky_relu": (ROW, l.LeakyReLU(0.2)),
        "lstm": (STEPS, l.LSTM(3, go_backwards=True)),
        "masking": (STEPS, [l.Masking(0.0), l.SimpleRNN(2)]),
        "max_pooling_1d": (STEPS, l.MaxPooling1D(2)),
        "max_pooling_2d": (IMAGE, l.MaxPooling2D(2, strides=1, padding="same")),
        "max_pooling_3d": (VOLUME, l.MaxPooling3D(2)),
        "normalization": (STEPS, l.Normalization(mean=[0.5, 0.0, -0.5, 1.0], variance=[1.0, 0.5, 2.0, 4.0])),
        "permute": (STEPS, l.Permute((2, 1))),
        "prelu": (IMAGE, l.PReLU(shared_axes=[1, 2])),
        "random_brightness": (IMAGE, l.RandomBrightness(0.2)),
        "random_contrast": (IMAGE, l.RandomContrast(0.2)),
        # Of the size of the image, since Keras 3 does not crop in inference.
        "random_crop": (IMAGE, l.RandomCrop(7, 6)),
        "random_flip": (IMAGE, l.RandomFlip("horizontal")),
        "random_rotation": (IMAGE, l.RandomRotation(0.1, fill_mode="constant")),
        "random_translation": (IMAGE, l.RandomTranslation(0.1, (-0.2, 0.1), interpolation="nearest")),
        "random_zoom": (IMAGE, l.RandomZoom(0.2, (0.1, 0.3))),
        "relu": (ROW, l.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2)),
        "repeat_vector": (ROW, l.RepeatVector(3)),
        "rescaling": (IMAGE, l.Rescaling(0.5, offset=-1.0)),
        "reshape": (STEPS, l.Reshape((3, -1))),
        "resizing": (IMAGE, l.Resizing(5, 9)),
        "separable_conv_1d": (STEPS, l.SeparableConv1D(3, 2, depth_multiplier=2)),
        "separable_conv_2d": (IMAGE, l.SeparableConv2D(3, 2, padding="same", activation="relu")),
        "simple_rnn": (STEPS, l.SimpleRNN(3, return_sequences=True)),
        "softmax": (STEPS, l.Softmax(axis=1)),
        "spatial_dropout_1d": (STEPS, l.SpatialDropout1D(0.3)),
        "spatial_dropout_2d": (IMAGE, l.SpatialDropout2D(0.3)),
        "spatial_dropout_3d": ((2, 3, 3, 2), l.SpatialDropout3D(0.3)),
        "spectral_normalization": (IMAGE, l.SpectralNormalization(l.Conv2D(3, 2), power_iterations=2)),
        "time_distributed": (STEPS, l.TimeDistributed(l.Dense(2))),
        "unit_normalization": (ROW, l.UnitNormalization()),
        "up_sampling_1d": (STEPS, l.UpSampling1D(2)),
        "up_sampling_2d": (IMAGE, l.UpSampling2D((2, 3), interpolation="bilinear")),
        "up_sampling_3d": (VOLUME, l.UpSampling3D((1, 2, 2))),
        "zero_padding_3d": (VOLUME, l.ZeroPadding3D(((1, 0), (0, 2), (1, 1)))),
        "zero_padding_1d": (STEPS, l.ZeroPadding1D((1, 2))),
        "zero_padding_2d": (IMAGE, l.ZeroPadding2D(((1, 0), (2, 1)))),
    }
    if hasattr(l, "Identity"):
        found["identity"] = (ROW, l.Identity())
    if not KERAS_2:
        found["rms_normalization"] = (ROW, l.RMSNormalization())
        for kind in ("Average", "Max"):
            for axes, shape, sizes in ((1, STEPS, (4,)), (2, IMAGE, (3, 4)), (3, VOLUME, (2, 3, 2))):
                layer = getattr(l, f"Adaptive{kind}Pooling{axes}D")
                found[f"adaptive_{kind.lower()}_pooling_{axes}d"] = (shape, layer(sizes if axes > 1 else sizes[0]))
        found["cut_mix"] = (IMAGE, l.CutMix())
        found["mix_up"] = (IMAGE, l.MixUp(0.4))
        found["random_elastic_transform"] = (IMAGE, l.RandomElasticTransform(value_range=(-5, 5)))
        found["random_erasing"] = (IMAGE, l.RandomErasing(fill_value=0.5))
        found["random_shear"] = (IMAGE, l.RandomShear(0.2))
    return found


def check_classes(models):
    """Checks that the models have every class of layers that gradus reads."""
    source = (pathlib.Path(__file__).resolve().parents[2] / "src/formats/keras/layers.rs").read_text()
    table = source[source.index("const LAYERS"):source.index("const INITIALIZERS")]
    known = {name for name in re.findall(r'kind\("(\w+)"', table) if hasattr(layers, name)}
    found = {type(layer).__name__ for model in models for layer in model.layers}
    assert known - CONSTRAINTS <= found, f"no model has {sorted(known - CONSTRAINTS - found)}"


CONSTRAINTS = {"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"}

MERGING = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"]


def sequence(shape, parts):
    """A chain that ends in two columns."""
    model = keras.Sequential([keras.Input(shape)])
    for part in parts if isinstance(parts, list) else [parts]:
        model.add(part)
    if len(model.output_shape) > 2:
        model.add(layers.Flatten())
    model.add(layers.Dense(2))
    return model


def merged(name):
    inputs = [keras.Input(ROW, name=f"input_{i}") for i in range(2)]
    layer = layers.Dot(axes=1) if name == "Dot" else getattr(layers, name)()
    x = layer([layers.Dense(4)(inputs[0]), layers.Dense(4, activation="tanh")(inputs[1])])
    return keras.Model(inputs, layers.Dense(2)(x))


def spread(model, rng):
    """Gives every weight a random value, as biases and statistics start as constants."""
    model.set_weights([value + rng.uniform(0.05, 0.3, size=value.shape) for value in model.get_weights()])


def sample(model, rng):
    words = any(isinstance(layer, layers.Embedding) for layer in model.layers)

    def one(tensor):
        shape = [5, *(size or 6 for size in tensor.shape[1:])]
        return rng.integers(0, 9, size=shape).astype("float32") if words else rng.normal(size=shape).astype("float32")
    return [one(tensor) for tensor in model.inputs]


def write(folder, name, model, x, y):
    model.save(f"{folder}/{name}")
    found = np.asarray(model(x if len(x) > 1 else x[0], training=False))
    names = [tensor.name.split(":")[0] for tensor in model.inputs] if len(x) > 1 else [""]
    arrays = {f"x/{one}": array for one, array in zip(names, x)} | {"prediction/": found, "y/": y}
    if y.ndim == 1:
        arrays["label/"] = np.ones(1)
    save_file({key: np.ascontiguousarray(array, "float32") for key, array in arrays.items()},
              f"{folder}/{os.path.splitext(name)[0]}.safetensors")


def endings(name=""):
    if KERAS_2:
        return ["h5"]
    # Keras 3.15.1 cannot copy the configuration of RandomBrightness, which it does to write HDF5.
    return ["keras"] if name == "random_brightness" else ["keras", "h5"]


def write_layers(folder):
    models = {name: sequence(shape, parts) for name, (shape, parts) in one_input().items()}
    models |= {name.lower(): merged(name) for name in MERGING}
    if KERAS_2:
        # Keras 3 rejects other names.
        models["old_hard_sigmoid"] = sequence(ROW, layers.Dense(3, activation="hard_sigmoid"))
    models["open_lstm"] = sequence((None, 4), layers.LSTM(3))
    models["open_conv_1d"] = sequence((None, 4), [layers.Conv1D(3, 2), layers.GlobalMaxPooling1D()])
    models["open_conv_2d"] = sequence((None, None, 3), [layers.Conv2D(3, 2), layers.GlobalAveragePooling2D()])
    check_classes(models.values())
    for number, (name, model) in enumerate(models.items()):
        rng = np.random.default_rng(number)
        spread(model, rng)
        x = sample(model, rng)
        y = rng.normal(size=(5, 2)).astype("float32")
        for ending in endings(name):
            write(folder, f"layer-{name}-{ending}-uncompiled.{ending}", model, x, y)
        model.compile("adam", "mse", metrics=["mae"])
        model.train_on_batch(x if len(x) > 1 else x[0], y)
        for ending in endings(name):
            write(folder, f"layer-{name}-{ending}-compiled.{ending}", model, x, y)
    return len(models)


def write_optimizers(folder):
    o = keras.optimizers
    found = {name: getattr(o, name) for name in ["Adadelta", "Adagrad", "Adam", "AdamW", "Lion", "Nadam", "RMSprop", "SGD"]}
    found = {name: make() for name, make in found.items() if make}
    found["SGD-momentum"] = o.SGD(0.1, momentum=0.9, nesterov=True)
    found["SGD-schedule"] = o.SGD(o.schedules.ExponentialDecay(0.1, 10, 0.5))
    found["RMSprop-all"] = o.RMSprop(momentum=0.5, centered=True)
    if not KERAS_2:
        found["SGD-averages"] = o.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.5)
    found["Adam-amsgrad"] = o.Adam(amsgrad=True)
    found["Adam-clipnorm"] = o.Adam(clipnorm=1.0)
    # Optimizers without an equivalent: the network opens, and training needs other settings.
    found |= {"other-" + name: getattr(o, name)() for name in ["Adamax", "Ftrl"]}
    if KERAS_2:
        legacy = o.legacy
        found |= {f"legacy-{name}": getattr(legacy, name)() for name in ["Adadelta", "Adam", "SGD"]}
        # Their formulas differ from those of the later optimizers.
        found |= {f"other-legacy-{name}": getattr(legacy, name)() for name in ["Adagrad", "Nadam", "RMSprop"]}
        found["legacy-SGD-decay"] = legacy.SGD(0.1, momentum=0.9, decay=0.0)
        found["other-legacy-Adam-decay"] = legacy.Adam(decay=0.1)
        found["other-legacy-Adamax"] = legacy.Adamax()
    for number, (name, optimizer) in enumerate(found.items()):
        rng = np.random.default_rng(number)
        x, y = rng.normal(size=(5, 4)).astype("float32"), rng.normal(size=(5, 2)).astype("float32")
        for trained in [False, True]:
            model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)])
            config = optimizer.get_config()
            model.compile(type(optimizer).from_config(config), "mse", metrics=["mse"])
            if trained:
                model.train_on_batch(x, y)
            for ending in endings():
                kind = "trained" if trained else "untrained"
                write(folder, f"optimizer-{name}-{ending}-{kind}.{ending}", model, [x], y)
    return len(found)


def write_metrics(folder):
    m, losses = keras.metrics, keras.losses
    values = {
        "errors": (None, "mse", ["mse", "mae", m.MeanSquaredError(), m.MeanAbsoluteError()]),
        "huber": (None, losses.Huber(), [m.R2Score(class_aggregation="uniform_average")]),
        "log_cosh": (None, losses.LogCosh(), ["mae"]),
        "hinge": (None, losses.Hinge(), ["mae"]),
        "classes": ("softmax", "categorical_crossentropy", [
            "accuracy", "acc", m.CategoricalAccuracy(), m.TopKCategoricalAccuracy(2), m.F1Score(average="macro")]),
        "divergence": ("softmax", losses.KLDivergence(), ["accuracy"]),
        "labels": ("softmax", "sparse_categorical_crossentropy", [
            "accuracy", m.SparseCategoricalAccuracy(), m.SparseTopKCategoricalAccuracy(2)]),
        "bits": ("sigmoid", "binary_crossentropy", [
            "accuracy", m.BinaryAccuracy(threshold=0.4), m.Precision(), m.Recall(thresholds=0.3)]),
        "logits": (None, losses.CategoricalCrossentropy(from_logits=True), ["accuracy"]),
        # Losses and metrics without an equivalent.
        "other-errors": (None, losses.LogCosh(), [
            m.RootMeanSquaredError(), m.MeanAbsolutePercentageError(), m.MeanSquaredLogarithmicError(), m.LogCoshError(),
            m.CosineSimilarity()]),
        "other-classes": ("softmax", "categorical_crossentropy", [m.CategoricalCrossentropy(), m.KLDivergence()]),
        "other-labels": ("softmax", "sparse_categorical_crossentropy", [m.SparseCategoricalCrossentropy()]),
        "other-bits": ("sigmoid", "binary_crossentropy", [m.BinaryCrossentropy(), m.AUC()]),
        "other-hinge": (None, losses.Hinge(), [m.Hinge(), m.SquaredHinge(), m.CategoricalHinge()]),
        "other-poisson": (None, losses.Poisson(), [m.Poisson()]),
    }
    for number, (name, (activation, loss, metrics)) in enumerate(values.items()):
        rng = np.random.default_rng(number)
        x = rng.normal(size=(5, 4)).astype("float32")
        sparse = "sparse" in str(loss)
        y = rng.integers(2, size=5)
        y = y if sparse else np.eye(2, dtype="float32")[y]
        model = keras.Sequential([keras.Input((4,)), layers.Dense(2, activation=activation)])
        model.compile("adam", loss, metrics=metrics)
        model.train_on_batch(x, y)
        for ending in endings():
            write(folder, f"metrics-{name}-{ending}.{ending}", model, [x], y)
    return len(values)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    counts = [write_layers(folder), write_optimizers(folder), write_metrics(folder)]
    print(f"{sys.argv[1]} {keras.__version__}: {counts[0]} models of layers, {counts[1]} of optimizers, {counts[2]} of metrics")


if __name__ == "__main__":
    main(sys.argv[2])
