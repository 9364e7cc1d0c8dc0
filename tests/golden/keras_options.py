#!/usr/bin/env python3
"""Lists every option of the classes of Keras that gradus reads, into keras_options.txt.

    python tests/golden/keras_options.py      (Keras 3.15.1 and tf_keras 2.21)

A line has, separated by tabs: the library; the module; the class; the option; its value in the configuration of an object
with only the required options; another value. An option that the configuration omits is listed with the default of the
constructor. A class without options has a line of three columns. `Model` are the options of `compile`.
"""
import inspect
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras  # noqa: E402
import tf_keras  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent

# Each class with the required arguments of its constructor.
CLASSES = {
    "layers": {
        "Activation": {"activation": "relu"},
        "ActivityRegularization": {},
        "Add": {},
        **{f"Adaptive{kind}Pooling{axes}D": {"output_size": 2} for kind in ("Average", "Max") for axes in (1, 2, 3)},
        "AlphaDropout": {"rate": 0.5},
        "Average": {},
        "AveragePooling1D": {"pool_size": 2},
        "AveragePooling2D": {"pool_size": 2},
        "AveragePooling3D": {"pool_size": 2},
        "BatchNormalization": {},
        "Bidirectional": {"layer": lambda library: library.layers.LSTM(3)},
        "CenterCrop": {"height": 4, "width": 5},
        "Concatenate": {},
        "Conv1D": {"filters": 4, "kernel_size": 3},
        "Conv1DTranspose": {"filters": 4, "kernel_size": 3},
        "Conv2D": {"filters": 4, "kernel_size": 3},
        "Conv2DTranspose": {"filters": 4, "kernel_size": 3},
        "Conv3D": {"filters": 4, "kernel_size": 3},
        "Conv3DTranspose": {"filters": 4, "kernel_size": 3},
        "ConvLSTM2D": {"filters": 4, "kernel_size": 3},
        "Cropping1D": {},
        "Cropping2D": {},
        "Cropping3D": {},
        "CutMix": {},
        "Dense": {"units": 3},
        "DepthwiseConv1D": {"kernel_size": 3},
        "DepthwiseConv2D": {"kernel_size": 3},
        "Dot": {"axes": 1},
        "Dropout": {"rate": 0.5},
        "ELU": {},
        "Embedding": {"input_dim": 5, "output_dim": 3},
        "Flatten": {},
        "GaussianDropout": {"rate": 0.5},
        "GaussianNoise": {"stddev": 0.5},
        "GlobalAveragePooling1D": {},
        "GlobalAveragePooling2D": {},
        "GlobalAveragePooling3D": {},
        "GlobalMaxPooling1D": {},
        "GlobalMaxPooling2D": {},
        "GlobalMaxPooling3D": {},
        "GroupNormalization": {"groups": 2},
        "GRU": {"units": 3},
        "Identity": {},
        "InputLayer": {"input_shape": (4, 6, 2)},
        "LSTM": {"units": 3},
        "LayerNormalization": {},
        "LeakyReLU": {},
        "Masking": {},
        "MaxPooling1D": {},
        "MaxPooling2D": {},
        "MaxPooling3D": {},
        "Maximum": {},
        "Minimum": {},
        "MixUp": {},
        "Multiply": {},
        "Normalization": {},
        "PReLU": {},
        "Permute": {"dims": (2, 1, 3)},
        "RMSNormalization": {},
        "RandomBrightness": {"factor": 0.25},
        "RandomContrast": {"factor": 0.25},
        "RandomCrop": {"height": 4, "width": 5, "seed": 2},
        "RandomElasticTransform": {},
        "RandomErasing": {},
        "RandomFlip": {},
        "RandomRotation": {"factor": 0.25},
        "RandomShear": {},
        "RandomTranslation": {"height_factor": 0.25, "width_factor": 0.25},
        "RandomZoom": {"height_factor": 0.25},
        "ReLU": {},
        "RepeatVector": {"n": 2},
        "Resizing": {"height": 4, "width": 5},
        "Rescaling": {"scale": 0.5},
        "Reshape": {"target_shape": (8, 6)},
        "SeparableConv1D": {"filters": 4, "kernel_size": 3},
        "SeparableConv2D": {"filters": 4, "kernel_size": 3},
        "SimpleRNN": {"units": 3},
        "Softmax": {},
        "SpatialDropout1D": {"rate": 0.5},
        "SpatialDropout2D": {"rate": 0.5},
        "SpatialDropout3D": {"rate": 0.5},
        "SpectralNormalization": {"layer": lambda library: library.layers.Dense(3)},
        "Subtract": {},
        "TimeDistributed": {"layer": lambda library: library.layers.Dense(3)},
        "UnitNormalization": {},
        "UpSampling1D": {},
        "UpSampling2D": {},
        "UpSampling3D": {},
        "ZeroPadding1D": {},
        "ZeroPadding2D": {},
        "ZeroPadding3D": {},
    },
    "initializers": {
        name: {}
        for name in (
            "Zeros Ones Constant Orthogonal RandomUniform RandomNormal TruncatedNormal GlorotUniform GlorotNormal HeUniform "
            "HeNormal LecunUniform LecunNormal Identity VarianceScaling"
        ).split()
    },
    "constraints": {"MaxNorm": {}, "MinMaxNorm": {}, "NonNeg": {}, "UnitNorm": {}},
    "regularizers": {"L1": {}, "L2": {}, "L1L2": {}, "OrthogonalRegularizer": {}},
    "optimizers": {name: {} for name in "Adadelta Adagrad Adam AdamW Lion Nadam RMSprop SGD".split()},
    "optimizers.legacy": {name: {} for name in "Adadelta Adagrad Adam Nadam RMSprop SGD".split()},
    "optimizers.schedules": {
        "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
        "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
        "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
        "PiecewiseConstantDecay": {"boundaries": [1, 2], "values": [0.1, 0.2, 0.3]},
        "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
    },
    "losses": {
        name: {}
        for name in (
            "BinaryCrossentropy CategoricalCrossentropy Hinge Huber KLDivergence LogCosh MeanAbsoluteError "
            "MeanSquaredError SparseCategoricalCrossentropy"
        ).split()
    },
    "metrics": {
        name: {}
        for name in (
            "BinaryAccuracy CategoricalAccuracy F1Score MeanAbsoluteError MeanSquaredError Precision R2Score Recall "
            "SparseCategoricalAccuracy SparseTopKCategoricalAccuracy TopKCategoricalAccuracy"
        ).split()
    },
}

# Classes that tf_keras does not have.
ONLY_KERAS_3 = [*(f"Adaptive{kind}Pooling{axes}D" for kind in ("Average", "Max") for axes in (1, 2, 3)), "CutMix", "MixUp", "RMSNormalization", "RandomElasticTransform", "RandomErasing", "RandomShear"]

# Options that every layer takes through `kwargs`, with their defaults.
OF_LAYERS = {"activity_regularizer": None, "autocast": True}

# Other values, by class and option or by option alone. Each value of a list is a line.
OTHERS = {
    "Bidirectional.layer": [{"module": "keras.layers", "class_name": "GRU", "config": {"units": 4}, "registered_name": None}],
    "SpectralNormalization.layer": [{"module": "keras.layers", "class_name": "Dense", "config": {"units": 4}, "registered_name": None}],
    "TimeDistributed.layer": [{"module": "keras.layers", "class_name": "Dense", "config": {"units": 4}, "registered_name": None}],
    "backward_layer": [{"module": "keras.layers", "class_name": "GRU", "config": {"units": 4, "go_backwards": True},
                        "registered_name": None}],
    "BatchNormalization.axis": [1, 2],
    "Concatenate.axis": [1],
    "Conv1DTranspose.output_padding": [1],
    "Conv1DTranspose.strides": [2],
    "Conv2DTranspose.output_padding": [[1, 0]],
    "Conv2DTranspose.strides": [2],
    "Cropping1D.cropping": [[0, 1]],
    "Dot.axes": [[1, 2]],
    "Dot.normalize": [True],
    "Conv3DTranspose.output_padding": [[1, 0, 1]],
    "Conv3DTranspose.strides": [2],
    "Cropping3D.cropping": [[[0, 1], [1, 0], [2, 0]]],
    "Cropping2D.cropping": [[[0, 1], [1, 0]]],
    "F1Score.average": ["macro", "micro", "weighted"],
    "F1Score.threshold": [0.25],
    "LayerNormalization.axis": [1, [1, 2]],
    "GroupNormalization.axis": [1],
    "GroupNormalization.groups": [1],
    "Normalization.axis": [1, [1, 2], None],
    "Normalization.mean": [[0.5, 0.25]],
    "invert": [True],
    "variance": [[0.5, 0.25]],
    "MaxNorm.axis": [1, [0, 1]],
    "MinMaxNorm.axis": [1, [0, 1]],
    "UnitNorm.axis": [1, [0, 1]],
    "VarianceScaling.mode": ["fan_out", "fan_avg"],
    "VarianceScaling.scale": [0.5],
    "OrthogonalRegularizer.mode": ["columns"],
    "MinMaxNorm.min_value": [0.5],
    "power_iterations": [2],
    "R2Score.class_aggregation": [None, "variance_weighted_average"],
    "RMSNormalization.axis": [1],
    **{f"{name}.interpolation": ["nearest"] for name in (
        "RandomElasticTransform RandomRotation RandomShear RandomTranslation RandomZoom").split()},
    "RandomElasticTransform.scale": [0.5],
    "RandomErasing.fill_value": [0.5, [0.1, 0.2, 0.3]],
    "RandomErasing.scale": [0.5],
    "RandomFlip.mode": ["horizontal"],
    "ReLU.threshold": [0.25],
    "Rescaling.scale": [0.25],
    "Resizing.antialias": [True],
    "Resizing.crop_to_aspect_ratio": [True],
    "Resizing.fill_mode": ["reflect"],
    "Resizing.interpolation": ["nearest"],
    "Resizing.pad_to_aspect_ratio": [True],
    "Softmax.axis": [1, [1, 2]],
    "UnitNormalization.axis": [1, [1, 2]],
    "ZeroPadding1D.padding": [[0, 1]],
    "ZeroPadding3D.padding": [[[0, 1], [2, 3], [1, 0]]],
    "ZeroPadding2D.padding": [[[0, 1], [2, 3]]],
    "activation": ["tanh", "mish", "relu_six"],
    "adaptive_epsilon": [True],
    "activity_regularizer": ["l2"],
    "alpha": [0.25],
    "alpha_constraint": ["non_neg"],
    "alpha_regularizer": ["l2"],
    "amsgrad": [True],
    "autocast": [False],
    "axis": [0, 1],
    "batch_shape": [[None, 3, 6, 2]],
    "batch_input_shape": [[None, 3, 6, 2]],
    "batch_size": [2],
    "beta_1": [0.5],
    "beta_2": [0.5],
    "bias_constraint": ["non_neg"],
    "beta_constraint": ["non_neg"],
    "beta_regularizer": ["l2"],
    "bias_regularizer": ["l2"],
    "boundaries": [[1, 3]],
    "center": [False],
    "centered": [True],
    "class_id": [0, 1],
    "clipnorm": [1.0],
    "clipvalue": [1.0],
    "cycle": [True],
    "data_format": ["channels_first"],
    "decay": [0.5],
    "decay_rate": [0.25],
    "decay_steps": [20],
    "delta": [2.0],
    "depth_multiplier": [2],
    "depthwise_constraint": ["non_neg"],
    "depthwise_regularizer": ["l2"],
    "dilation_rate": [2],
    "dims": [[3, 1, 2]],
    "distribution": ["uniform", "untruncated_normal"],
    "dropout": [0.25],
    "dtype": ["float16", "mixed_float16", "float64"],
    "dynamic": [True],
    "ema_momentum": [0.5],
    "ema_overwrite_frequency": [2],
    "embeddings_constraint": ["non_neg"],
    "embeddings_regularizer": ["l2"],
    "end_learning_rate": [0.25],
    "epsilon": [0.5],
    "factor": [0.5],
    "fill_mode": ["wrap"],
    "fill_value": [0.5],
    "filters": [6],
    "fn": ["poisson"],
    "from_logits": [True],
    "from_sorted_ids": [True],
    "gain": [0.5],
    "gamma_constraint": ["non_neg"],
    "gamma_regularizer": ["l2"],
    "go_backwards": [True],
    "global_clipnorm": [1.0],
    "gradient_accumulation_steps": [2],
    "groups": [2],
    "ignore_class": [0, 1],
    "height": [6],
    "height_factor": [0.5, [0.1, 0.2]],
    "implementation": [1],
    "initial_accumulator_value": [0.5],
    "initial_learning_rate": [0.5],
    "input_axes": [0],
    "input_dim": [6],
    "input_length": [7],
    "interpolation": ["bilinear"],
    "is_legacy_optimizer": [True],
    "jit_compile": [True],
    "k": [3],
    "keepdims": [True],
    "kernel_constraint": ["non_neg"],
    "kernel_regularizer": ["l2"],
    "kernel_size": [2],
    "l1": [0.5],
    "l2": [0.5],
    "label_smoothing": [0.25],
    "learning_rate": [0.5],
    "lora_alpha": [2],
    "lora_rank": [2],
    "loss_scale_factor": [2.0],
    "mask_value": [0.5],
    "mask_zero": [True],
    "max_value": [6.0],
    "maxval": [0.5],
    "mean": [0.5],
    "merge_mode": ["sum", None],
    "minval": [-0.5],
    "momentum": [0.5],
    "n": [3],
    "name": ["other"],
    "negative_slope": [0.5],
    "nesterov": [True],
    "noise_shape": [[None, 1, 6, 1]],
    "num_regressors": [1],
    "offset": [0.5],
    "optional": [True],
    "output_axes": [1],
    "output_dim": [4],
    "output_size": [3],
    "padding": ["same"],
    "pointwise_constraint": ["non_neg"],
    "pointwise_regularizer": ["l2"],
    "pool_size": [3],
    "power": [2.0],
    "quantization_config": [{"class_name": "Int8QuantizationConfig", "config": {}}],
    "ragged": [True],
    "rate": [0.25],
    "recurrent_activation": ["tanh", "mish", "relu_six"],
    "recurrent_constraint": ["non_neg"],
    "recurrent_dropout": [0.25],
    "recurrent_regularizer": ["l2"],
    "reduction": ["sum", None, "mean_with_sample_weight"],
    "renorm": [True],
    "renorm_clipping": [{"rmax": 2.0}],
    "renorm_momentum": [0.5],
    "reset_after": [False],
    "return_sequences": [True],
    "return_state": [True],
    "rho": [0.5],
    "rms_scaling": [True],
    "rng_type": ["legacy_stateful"],
    "robust_masking": [True],
    "scale": [False],
    "seed": [0, 1],
    "shared_axes": [[1]],
    "size": [3],
    "sparse": [True],
    "staircase": [True],
    "stateful": [True],
    "stddev": [0.25],
    "strides": [3],
    "synchronized": [True],
    "target_shape": [[6, 8]],
    "threshold": [0.0, 0.25],
    "time_major": [True],
    "thresholds": [0.0, 0.25, [0.25, 0.5]],
    "top_k": [1],
    "trainable": [False],
    "unit_forget_bias": [False],
    "units": [4],
    "unroll": [True],
    "use_bias": [False],
    "use_cudnn": [True],
    "use_ema": [True],
    "value": [0.5],
    "value_range": [[0, 1]],
    "values": [[0.1, 0.2, 0.4]],
    "warmup_steps": [3],
    "warmup_target": [0.5],
    "width": [6],
    "width_factor": [0.5, [0.1, 0.2]],
    "x_factor": [0.5, [0.1, 0.2]],
    "y_factor": [0.5, [0.1, 0.2]],
    "zero_output_for_mask": [True],
    "weight_decay": [0.5],
    "weights": [[[0.5]]],
}

# The arguments of `compile`, and other values.
COMPILE = {
    "loss_weights": [[2.0], 0.5],
    "metrics": [["mae"]],
    "weighted_metrics": [["mae"]],
    "run_eagerly": [True],
    "steps_per_execution": [2],
    "jit_compile": [True],
    "auto_scale_loss": [False],
}

# Parameters of constructors that configurations cannot contain.
NOT_IN_FILES = {"self", "args", "kwargs", "shape", "input_shape", "input_tensor", "type_spec"}


def find(library, module, name):
    place = library
    for part in module.split("."):
        place = getattr(place, part)
    return getattr(place, name)


def config(library, made):
    return library.saving.serialize_keras_object(made)["config"]


def others(name, option):
    if option.endswith("_initializer"):
        return [{"module": "keras.initializers", "class_name": "Constant", "config": {"value": 0.25}, "registered_name": None}]
    return OTHERS.get(f"{name}.{option}") or OTHERS[option]


def changed(library, kind, required, option, other):
    """The value as the library writes it, if its constructor accepts it."""
    if option == "weights":
        return other
    try:
        written = config(library, kind(**{**required, option: other}))
    except Exception:
        return other
    return written.get(option, other)


def rows(library, module, name, required):
    kind = find(library, module, name)
    parameters = inspect.signature(kind.__init__).parameters
    required = {key: value(library) if callable(value) else value
                for key, value in required.items() if key in parameters or key == "input_shape"}
    default = config(library, kind(**required))
    default.pop("shared_object_id", None)
    for option, parameter in parameters.items():
        if option not in NOT_IN_FILES and parameter.default is not inspect.Parameter.empty:
            default.setdefault(option, parameter.default)
    if module == "layers" and name != "InputLayer":
        default = {**OF_LAYERS, **default}
    if not default:
        yield [library.__name__, module, name]
    for option, value in sorted(default.items()):
        for other in others(name, option):
            other = changed(library, kind, required, option, other)
            if other != value:
                yield [library.__name__, module, name, option, json.dumps(value), json.dumps(other)]


def compile_rows(library):
    model = library.Sequential([library.layers.Dense(1)])
    for option, parameter in inspect.signature(model.compile).parameters.items():
        if option not in ("optimizer", "loss") and option not in NOT_IN_FILES:
            default = None if parameter.default == "auto" else parameter.default
            for other in COMPILE.get(option, [True]):
                yield [library.__name__, "models", "Model", option, json.dumps(default), json.dumps(other)]


def main():
    lines = []
    for library in (keras, tf_keras):
        for module, classes in CLASSES.items():
            if module == "optimizers.legacy" and library is keras:
                continue
            for name, required in classes.items():
                if library is tf_keras and name in ONLY_KERAS_3:
                    continue
                lines += rows(library, module, name, required)
        lines += compile_rows(library)
    text = "".join("\t".join(line) + "\n" for line in lines)
    (HERE / "keras_options.txt").write_text(text)
    print(f"{len(lines)} lines")


if __name__ == "__main__":
    main()
