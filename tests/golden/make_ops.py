#!/usr/bin/env python3
"""Writes the golden vectors of operations and layers, ops.txt and layers.txt, from Keras itself.

    target/oracle/bin/python tests/golden/make_ops.py            # writes the files
    target/oracle/bin/python tests/golden/make_ops.py --check    # compares with the committed files, writes nothing

Uses the writer of make.py, which documents target/oracle, the format, and --check.

ops     x (and a, b, … where there are several inputs), r; y = op(x); d<name> is the gradient of sum(y * r) with respect to
        <name>. The case's name is gradus' method or an earlier name of it, perhaps with a
        number after a dash.
recurrent  x (x0: the sequence, x1, … the initial states), perhaps `mask`, w0, w1, …, r; y: the outputs side by side, last
        axis joined; dx…, dw… as for layers.
layers  x (x0, x1, … where there are several inputs), the layer's weights in build order as w0, w1, …, r; y = layer(x), equal
        in inference and in training mode; dx…, dw… as for ops. Inputs that are indices have no dx.
"""
import make  # chooses Keras' backend, so it comes before Keras
import numpy as np
from keras import activations, layers, ops
from make import draw, gradients


def op_case(file, name, text, function, **inputs):
    """Writes y = function(*inputs) and the gradient of each input, for inputs drawn by the generator of the case."""
    rng = file.case(name, text)
    arrays = {key: given(rng) if callable(given) else given for key, given in inputs.items()}
    shape = np.shape(make.numpy(function(*[ops.convert_to_tensor(a) for a in arrays.values()])))
    r = draw(rng, shape)

    def run(*values):
        y = function(*values)
        return ops.sum(y * ops.convert_to_tensor(r, y.dtype)), [y]

    _, slopes, (y,) = gradients(run, *arrays.values())
    file.put(**arrays, r=r, y=y, **{f"d{key}": slope for key, slope in zip(arrays, slopes)})


def normal(*shape, center=0.0, scale=1.0):
    return lambda rng: draw(rng, shape, center, scale)


def positive(*shape):
    return lambda rng: rng.uniform(0.1, 4, shape).astype(np.float32)


def operations(file):
    wide = normal(4, 6, scale=3.0)
    for name in ("elu", "erf", "exp", "gelu", "gelu_tanh", "hard_sigmoid", "leaky_relu", "log_softmax", "selu", "silu",
                 "softplus", "softsign", "absolute", "hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "mish", "soft_shrink",
                 "sparse_plus", "sparse_sigmoid", "squareplus", "tanh_shrink"):
        function = {"gelu": lambda x: ops.gelu(x, approximate=False), "gelu_tanh": ops.gelu, "mish": activations.mish}.get(name)
        function = function or getattr(ops, name)
        text = {"gelu": "ops.gelu(x, approximate=False)", "gelu_tanh": "ops.gelu(x, approximate=True)",
                "mish": "activations.mish(x)"}
        op_case(file, name, text.get(name, f"ops.{name}(x)"), function, x=wide)
    op_case(file, "elu-1", "ops.elu(x, alpha=0.5)", lambda x: ops.elu(x, alpha=0.5), x=wide)
    op_case(file, "leaky_relu-1", "ops.leaky_relu(x, 0.3)", lambda x: ops.leaky_relu(x, 0.3), x=wide)
    op_case(file, "threshold", "ops.threshold(x, 0.2, -1.5)", lambda x: ops.threshold(x, 0.2, -1.5), x=wide)
    op_case(file, "ln", "ops.log(x)", ops.log, x=positive(4, 5))
    op_case(file, "sqrt", "ops.sqrt(x)", ops.sqrt, x=positive(4, 5))
    op_case(file, "power", "ops.power(x, 3)", lambda x: ops.power(x, 3.0), x=wide)
    op_case(file, "power-1", "ops.power(x, -1.5)", lambda x: ops.power(x, -1.5), x=positive(4, 5))
    op_case(file, "power_by", "ops.power(x, a)", ops.power, x=positive(4, 5), a=normal(5))
    op_case(file, "add", "ops.add(x, a)", ops.add, x=normal(2, 1, 3), a=normal(4, 1))
    op_case(file, "subtract", "ops.subtract(x, a)", ops.subtract, x=normal(2, 1, 3), a=normal(4, 1))
    op_case(file, "multiply", "ops.multiply(x, a)", ops.multiply, x=normal(2, 1, 3), a=normal(4, 1))
    op_case(file, "divide", "ops.divide(x, a)", ops.divide, x=normal(2, 1, 3), a=positive(4, 1))
    op_case(file, "scale", "ops.multiply(x, -1.5)", lambda x: ops.multiply(x, -1.5), x=normal(4, 5))
    few = lambda *shape: lambda rng: rng.integers(0, 3, shape).astype(np.float32)
    op_case(file, "equal", "ops.cast(ops.equal(x, a), x.dtype)", lambda x, a: ops.cast(ops.equal(x, a), x.dtype),
            x=few(4, 5), a=few(5))
    op_case(file, "less", "ops.cast(ops.less(x, a), x.dtype)", lambda x, a: ops.cast(ops.less(x, a), x.dtype),
            x=few(4, 5), a=few(4, 1))
    op_case(file, "kept", "ops.where(a != 0, x, 0)", lambda x, a: ops.where(ops.not_equal(a, 0), x, 0.0),
            x=normal(4, 5), a=few(4, 5))
    op_case(file, "truncate", "ops.trunc(x)", ops.trunc, x=wide)
    op_case(file, "sum", "ops.sum(x)", ops.sum, x=normal(4, 5))
    op_case(file, "mean", "ops.mean(x)", ops.mean, x=normal(4, 5))
    op_case(file, "reshape", "ops.reshape(x, (3, 8))", lambda x: ops.reshape(x, (3, 8)), x=normal(2, 3, 4))
    op_case(file, "flatten", "ops.reshape(x, (2, -1))", lambda x: ops.reshape(x, (2, -1)), x=normal(2, 3, 4))
    op_case(file, "maximum", "ops.maximum(x, a)", ops.maximum, x=normal(4, 5), a=normal(5))
    op_case(file, "minimum", "ops.minimum(x, a)", ops.minimum, x=normal(4, 5), a=normal(4, 1))
    op_case(file, "clip", "ops.clip(x, -1, 0.5)", lambda x: ops.clip(x, -1.0, 0.5), x=wide)
    op_case(file, "softmax_over", "ops.softmax(x, axis=1)", lambda x: ops.softmax(x, axis=1), x=normal(2, 3, 4))
    op_case(file, "log_softmax_over", "ops.log_softmax(x, axis=0)", lambda x: ops.log_softmax(x, axis=0), x=normal(5, 3))
    op_case(file, "transpose", "ops.transpose(x, (2, 0, 1))", lambda x: ops.transpose(x, (2, 0, 1)), x=normal(2, 3, 4))
    op_case(file, "concatenate", "ops.concatenate([x, a], axis=1)", lambda *all: ops.concatenate(all, axis=1),
            x=normal(2, 3, 2), a=normal(2, 1, 2))
    op_case(file, "slice", "ops.slice(x, (1, 0, 2), (1, 3, 2))", lambda x: ops.slice(x, (1, 0, 2), (1, 3, 2)),
            x=normal(2, 4, 5))
    op_case(file, "repeat", "ops.repeat(x, 3, axis=1)", lambda x: ops.repeat(x, 3, axis=1), x=normal(2, 3, 2))
    op_case(file, "pad", "ops.pad(x, ((1, 0), (0, 2)), constant_values=0.5)",
            lambda x: ops.pad(x, ((1, 0), (0, 2)), constant_values=0.5), x=normal(2, 3))
    op_case(file, "sum_over", "ops.sum(x, axis=(0, 2))", lambda x: ops.sum(x, axis=(0, 2)), x=normal(3, 4, 5))
    op_case(file, "mean_over", "ops.mean(x, axis=-2, keepdims=True)", lambda x: ops.mean(x, axis=-2, keepdims=True),
            x=normal(3, 4, 5))
    op_case(file, "matmul", "ops.matmul(x, a), two stacks", ops.matmul, x=normal(3, 2, 4), a=normal(3, 4, 5))
    op_case(file, "matmul-1", "ops.matmul(x, a), a matrix on the right", ops.matmul, x=normal(2, 3, 4), a=normal(4, 2))
    op_case(file, "matmul-2", "ops.matmul(x, a), stacks that broadcast", ops.matmul, x=normal(2, 1, 3, 4),
            a=normal(3, 4, 2))
    op_case(file, "resample", 'ops.image.resize(x, (5, 3), "bilinear")',
            lambda x: ops.image.resize(x, (5, 3), "bilinear"), x=normal(2, 3, 4, 2))
    op_case(file, "conv2d_transpose", "ops.conv_transpose(x, a, 2)", lambda x, a: ops.conv_transpose(x, a, 2),
            x=normal(2, 3, 4, 3), a=normal(3, 2, 4, 3, scale=0.5))
    images = normal(2, 5, 6, 3)
    for padding in ("valid", "same"):
        op_case(file, f"average_pool2d-{padding}", f'ops.average_pool(x, (3, 2), (2, 1), "{padding}")',
                lambda x: ops.average_pool(x, (3, 2), (2, 1), padding), x=images)
        op_case(file, f"max_pool2d-{padding}", f'ops.max_pool(x, (3, 2), (2, 1), "{padding}")',
                lambda x: ops.max_pool(x, (3, 2), (2, 1), padding), x=images)
    op_case(file, "global_max_pool2d", "ops.max(x, axis=(1, 2))", lambda x: ops.max(x, axis=(1, 2)), x=images)
    op_case(file, "conv2d-dilated", 'ops.conv(x, a, padding="valid", dilation_rate=(2, 1))',
            lambda x, a: ops.conv(x, a, padding="valid", dilation_rate=(2, 1)), x=images, a=normal(2, 3, 3, 2, scale=0.5))
    op_case(file, "conv2d-grouped", 'ops.conv(x, a, strides=2, padding="same"), three groups',
            lambda x, a: ops.conv(x, a, strides=2, padding="same"), x=images, a=normal(3, 2, 1, 6, scale=0.5))
    op_case(file, "layer_norm", "ops.layer_normalization(x, a, b, epsilon=0.001)",
            lambda x, a, b: ops.layer_normalization(x, a, b, axis=-1, epsilon=1e-3), x=normal(4, 7, center=1.0, scale=2.0),
            a=normal(7), b=normal(7))
    rng = file.case("embedding", "ops.take(a, x, axis=0)")
    indices, table = rng.integers(0, 4, (3, 2)), draw(rng, (5, 3))
    r = draw(rng, (3, 2, 3))
    run = lambda a: (ops.sum(ops.take(a, indices, axis=0) * ops.convert_to_tensor(r, a.dtype)),
                     [ops.take(a, indices, axis=0)])
    _, (slope,), (y,) = gradients(run, table)
    file.put(x=indices, a=table, r=r, y=y, da=slope)


def layer_case(file, name, text, layer, *shapes, indices=None, output=None):
    rng = file.case(name, text)
    xs = [draw(rng, shape) for shape in shapes] if indices is None else [rng.integers(0, indices, shapes[0])]
    layer.build([x.shape for x in xs] if len(xs) > 1 else xs[0].shape)
    weights = [draw(rng, v.shape, 0.3, 0.5) for v in layer.trainable_variables]
    shape = output or layer.compute_output_shape([x.shape for x in xs] if len(xs) > 1 else xs[0].shape)
    r = draw(rng, shape)

    def run(*arrays):
        given, parameters = (arrays[:len(xs)], arrays[len(xs):]) if indices is None else (xs, arrays)
        y, _ = layer.stateless_call(list(parameters), [], list(given) if len(xs) > 1 else given[0])
        return ops.sum(y * ops.convert_to_tensor(r, y.dtype)), [y]

    differentiable = weights if indices is not None else xs + weights
    _, slopes, (y,) = gradients(run, *differentiable) if differentiable else (None, [], [make.numpy(layer(*xs))])
    x_names = [f"x{i}" for i in range(len(xs))] if len(xs) > 1 else ["x"]
    w_names = [f"w{i}" for i in range(len(weights))]
    names = (x_names if indices is None else []) + w_names
    file.put(**dict(zip(x_names, xs)), **dict(zip(w_names, weights)), r=r, y=y)
    file.put(**{f"d{key}": slope for key, slope in zip(names, slopes)})


def all_layers(file):
    case = lambda name, text, *shapes, **more: layer_case(file, name, text, eval(f"layers.{text}"), *shapes, **more)
    for word in ("leaky_relu", "elu", "selu", "softplus", "softsign", "gelu", "silu", "hard_sigmoid", "log_softmax",
                 "exponential", "softmax", "linear", "relu", "sigmoid", "tanh", "celu", "hard_shrink", "hard_silu", "hard_tanh",
                 "log_sigmoid", "mish", "relu6", "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus",
                 "tanh_shrink"):
        case(f"activation-{word}", f'Activation("{word}")', (3, 5))
    case("activation-glu", 'Activation("glu")', (3, 6), output=(3, 3))
    case("dense-gelu", 'Dense(4, activation="gelu")', (3, 5))
    case("dense", "Dense(4)", (2, 3, 5))
    case("dense-1", 'Dense(3, activation="softmax")', (2, 3, 2, 4))
    case("dense-2", 'Dense(3, activation="tanh", use_bias=False)', (2, 3, 4))
    case("leaky_relu", "LeakyReLU()", (3, 5))
    case("elu", "ELU(0.5)", (3, 5))
    case("softmax", "Softmax(axis=1)", (2, 3, 4))
    case("add", "Add()", (2, 3, 2), (2, 3, 2), (2, 1, 2))
    case("concatenate", "Concatenate()", (2, 3, 2), (2, 3, 1))
    case("concatenate-1", "Concatenate(axis=1)", (2, 3, 2), (2, 1, 2))
    case("average_pool2d", "AveragePooling2D(2)", (2, 5, 4, 2))
    case("average_pool2d-same", 'AveragePooling2D((3, 2), strides=(2, 1), padding="same")', (2, 5, 4, 2))
    case("max_pool2d-same", 'MaxPooling2D(2, padding="same")', (2, 5, 3, 2))
    case("global_average_pool2d", "GlobalAveragePooling2D()", (2, 3, 4, 3))
    case("global_max_pool2d", "GlobalMaxPooling2D()", (2, 3, 4, 3))
    case("zero_padding2d", "ZeroPadding2D()", (2, 2, 3, 2))
    case("zero_padding2d-1", "ZeroPadding2D(((1, 0), (2, 3)))", (2, 2, 3, 2))
    case("conv2d-dilated", 'Conv2D(4, (3, 2), padding="same", dilation_rate=(2, 3))', (2, 5, 6, 2))
    case("conv2d-grouped", 'Conv2D(6, (2, 3), strides=(2, 1), groups=2, activation="relu")', (2, 5, 6, 4))
    case("layer_norm", "LayerNormalization()", (4, 6))
    case("layer_norm-1", "LayerNormalization(epsilon=1e-5, center=False)", (2, 3, 5))
    case("layer_norm-2", "LayerNormalization(scale=False)", (2, 5))
    case("layer_norm-3", "LayerNormalization(axis=[1, 2])", (2, 3, 5))
    case("layer_norm-4", "LayerNormalization(axis=1, center=False)", (2, 3, 5))
    case("average", "Average()", (2, 3, 2), (2, 3, 2), (2, 1, 2))
    case("multiply", "Multiply()", (2, 3, 2), (2, 3, 2), (2, 1, 2))
    case("subtract", "Subtract()", (2, 3, 2), (2, 1, 2))
    case("maximum", "Maximum()", (2, 3, 2), (2, 3, 2))
    case("minimum", "Minimum()", (2, 3, 2), (2, 3, 2))
    case("identity", "Identity()", (2, 3))
    case("permute", "Permute((3, 1, 2))", (2, 3, 2, 4))
    case("repeat_vector", "RepeatVector(3)", (2, 4))
    case("up_sampling1d", "UpSampling1D(3)", (2, 3, 2))
    case("up_sampling2d", "UpSampling2D((2, 3))", (2, 3, 2, 2))
    case("cropping1d", "Cropping1D((1, 2))", (2, 5, 3))
    case("cropping2d", "Cropping2D(((1, 0), (0, 2)))", (2, 3, 4, 2))
    case("zero_padding1d", "ZeroPadding1D((1, 2))", (2, 3, 2))
    case("normalization", "Normalization(mean=[0.5, -0.25], variance=[4.0, 0.25])", (2, 3, 2))
    case("normalization-1", "Normalization(axis=1, mean=[0.5, 0.25, 0.75], variance=[4.0, 0.25, 0.0], invert=True)", (2, 3, 2))
    case("rescaling", "Rescaling(0.5, offset=-1.0)", (3, 4))
    case("relu", "ReLU(max_value=0.8, negative_slope=0.1, threshold=0.2)", (3, 5))
    case("relu-1", "ReLU()", (3, 5))
    case("p_relu", "PReLU()", (2, 3, 2))
    case("p_relu-1", "PReLU(shared_axes=[1])", (2, 3, 2))
    case("unit_normalization", "UnitNormalization()", (2, 3, 4))
    case("unit_normalization-1", "UnitNormalization(axis=1)", (2, 3, 4))
    case("unit_normalization-2", "UnitNormalization(axis=[1, 2])", (2, 3, 4))
    case("rms_normalization-1", "RMSNormalization(axis=[1, 2], epsilon=1e-3)", (2, 3, 5))
    case("group_normalization-2", "GroupNormalization(3, axis=1)", (2, 3, 2, 4))
    case("rms_normalization", "RMSNormalization(epsilon=1e-3)", (2, 3, 5))
    case("group_normalization", "GroupNormalization(2)", (2, 3, 2, 4))
    case("group_normalization-1", "GroupNormalization(-1, epsilon=0.1, center=False)", (2, 5, 3))
    case("max_pool1d", "MaxPooling1D(2)", (2, 5, 3))
    case("max_pool1d-same", 'MaxPooling1D(3, strides=2, padding="same")', (2, 6, 2))
    case("average_pool1d", 'AveragePooling1D(3, strides=1, padding="same")', (2, 5, 3))
    case("global_max_pool1d", "GlobalMaxPooling1D()", (2, 5, 3))
    case("global_average_pool1d", "GlobalAveragePooling1D()", (2, 5, 3))
    case("conv1d", "Conv1D(4, 3)", (2, 6, 2))
    case("conv1d-1", 'Conv1D(4, 3, strides=2, padding="same", groups=2, activation="relu")', (2, 6, 4))
    case("depthwise_conv2d", "DepthwiseConv2D(3)", (2, 5, 6, 3))
    case("depthwise_conv2d-1", 'DepthwiseConv2D((3, 2), strides=2, padding="same", depth_multiplier=2, activation="relu")',
         (2, 6, 5, 3))
    case("separable_conv1d", 'SeparableConv1D(4, 3, padding="same", depth_multiplier=2)', (2, 6, 3))
    case("separable_conv2d", 'SeparableConv2D(4, (3, 2), depth_multiplier=2, activation="tanh")', (2, 5, 6, 3))
    case("conv1d-causal", 'Conv1D(4, 3, padding="causal", dilation_rate=2)', (2, 6, 2))
    case("conv1d_transpose", "Conv1DTranspose(4, 3, strides=2)", (2, 4, 3))
    case("conv1d_transpose-1", 'Conv1DTranspose(4, 5, strides=2, padding="same", activation="relu")', (2, 4, 3))
    case("conv2d_transpose", "Conv2DTranspose(4, 3)", (2, 3, 4, 2))
    case("conv2d_transpose-1", 'Conv2DTranspose(4, (3, 4), strides=(2, 3), padding="same", activation="tanh")', (2, 3, 4, 2))
    case("conv2d_transpose-2", "Conv2DTranspose(2, (1, 2), strides=(2, 3), use_bias=False)", (2, 3, 2, 3))
    case("conv2d_transpose-3", 'Conv2DTranspose(2, 3, strides=2, padding="valid", output_padding=(1, 0))', (2, 3, 2, 3))
    case("conv2d_transpose-4", "Conv2DTranspose(2, 2, dilation_rate=(2, 3))", (2, 3, 4, 3))
    case("depthwise_conv1d", "DepthwiseConv1D(3, depth_multiplier=2)", (2, 6, 3))
    case("depthwise_conv1d-1", 'DepthwiseConv1D(3, strides=2, padding="same", activation="relu")', (2, 6, 3))
    case("dot", "Dot(1)", (2, 4), (2, 4))
    case("dot-1", "Dot((1, 2))", (2, 3, 2), (2, 4, 3))
    case("dot-2", "Dot((-1, 1), normalize=True)", (2, 3, 4), (2, 4, 2, 3))
    case("resizing", "Resizing(5, 3)", (2, 4, 6, 2))
    case("resizing-1", 'Resizing(3, 4, interpolation="lanczos3", antialias=True)', (2, 5, 6, 2))
    case("resizing-2", 'Resizing(3, 2, interpolation="nearest", crop_to_aspect_ratio=True)', (2, 5, 6, 2))
    case("resizing-3", "Resizing(8, 4, pad_to_aspect_ratio=True, fill_value=0.5, antialias=True)", (2, 3, 5, 2))
    case("center_crop", "CenterCrop(2, 3)", (2, 5, 4, 2))
    case("center_crop-1", "CenterCrop(4, 5)", (2, 3, 7, 2))
    case("softmax-1", "Softmax(axis=[1, 2])", (2, 3, 4, 2))
    case("conv3d", "Conv3D(4, (2, 3, 2))", (2, 4, 5, 4, 3))
    case("conv3d-1", 'Conv3D(4, 3, strides=(2, 1, 2), padding="same", groups=2, activation="tanh")', (2, 5, 3, 4, 4))
    case("conv3d-dilated", 'Conv3D(2, 2, padding="same", dilation_rate=(2, 1, 2), use_bias=False)', (2, 4, 3, 4, 2))
    case("conv3d_transpose", "Conv3DTranspose(3, (2, 3, 2))", (2, 3, 2, 3, 2))
    case("conv3d_transpose-1", 'Conv3DTranspose(2, 3, strides=2, padding="same", activation="relu")', (2, 2, 3, 2, 2))
    case("conv3d_transpose-2", "Conv3DTranspose(2, 2, strides=(3, 1, 2), use_bias=False)", (2, 2, 3, 2, 2))
    case("max_pool3d", "MaxPooling3D(2)", (2, 5, 4, 3, 2))
    case("max_pool3d-same", 'MaxPooling3D((3, 2, 2), strides=(2, 1, 2), padding="same")', (2, 4, 3, 5, 2))
    case("average_pool3d", "AveragePooling3D((1, 2, 3))", (2, 3, 4, 6, 2))
    case("average_pool3d-same", 'AveragePooling3D((3, 2, 2), strides=(2, 1, 2), padding="same")', (2, 4, 3, 5, 2))
    case("global_max_pool3d", "GlobalMaxPooling3D()", (2, 3, 2, 4, 3))
    case("global_average_pool3d", "GlobalAveragePooling3D(keepdims=True)", (2, 3, 2, 4, 3))
    case("adaptive_average_pool1d", "AdaptiveAveragePooling1D(3)", (2, 7, 2))
    case("adaptive_average_pool2d", "AdaptiveAveragePooling2D((2, 5))", (2, 5, 4, 2))
    case("adaptive_average_pool3d", "AdaptiveAveragePooling3D((2, 3, 4))", (2, 4, 5, 3, 2))
    case("adaptive_max_pool1d", "AdaptiveMaxPooling1D(3)", (2, 7, 2))
    case("adaptive_max_pool2d", "AdaptiveMaxPooling2D((2, 3))", (2, 5, 6, 2))
    case("adaptive_max_pool3d", "AdaptiveMaxPooling3D((2, 3, 2))", (2, 4, 5, 3, 2))
    case("up_sampling3d", "UpSampling3D((1, 2, 3))", (2, 2, 3, 2, 2))
    case("cropping3d", "Cropping3D(((1, 0), (0, 2), (1, 1)))", (2, 3, 4, 5, 2))
    case("zero_padding3d", "ZeroPadding3D(((1, 0), (0, 2), (1, 1)))", (2, 2, 3, 2, 2))
    case("up_sampling2d-1", 'UpSampling2D((2, 3), interpolation="bilinear")', (2, 3, 2, 2))
    case("up_sampling2d-2", 'UpSampling2D((2, 4), interpolation="bicubic")', (2, 3, 4, 2))
    case("up_sampling2d-3", 'UpSampling2D((2, 3), interpolation="lanczos5")', (2, 6, 7, 1))
    case("masking", "Masking()", (2, 3, 2))
    case("embedding", "Embedding(5, 3)", (2, 4), indices=5)


MASK = [[1, 1, 1, 1, 1], [0, 1, 0, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]


def recurrent_case(file, name, text, steps=5, states=(), mask=None, features=3):
    rng, layer = file.case(name, text), eval(f"layers.{text}")
    sizes = lambda size: size if isinstance(size, tuple) else (size,)
    xs = [draw(rng, (4, steps, *sizes(features)))] + [draw(rng, (4, *sizes(size))) for size in states]
    layer.build(xs[0].shape)
    weights = [draw(rng, v.shape, 0.0, 0.5) for v in layer.trainable_variables]
    others = [v.value for v in layer.non_trainable_variables]
    given = None if mask is None else np.asarray(mask, bool)

    def outputs(arrays):
        x, *initial = arrays[:len(xs)]
        options = {"initial_state": initial} if initial else {}
        if given is not None:
            options["mask"] = ops.convert_to_tensor(given)
        y, _ = layer.stateless_call(list(arrays[len(xs):]), others, x, **options)
        return ops.concatenate(y, axis=-1) if isinstance(y, (tuple, list)) else y

    shape = np.shape(make.numpy(outputs([ops.convert_to_tensor(array, "float64") for array in xs + weights])))
    r = draw(rng, shape)

    def run(*arrays):
        y = outputs(arrays)
        return ops.sum(y * ops.convert_to_tensor(r, y.dtype)), [y]

    _, slopes, (y,) = gradients(run, *xs, *weights)
    x_names = [f"x{i}" for i in range(len(xs))] if len(xs) > 1 else ["x"]
    names = x_names + [f"w{i}" for i in range(len(weights))]
    file.put(**dict(zip(names, xs + weights)), r=r, y=y)
    if mask is not None:
        file.put(mask=np.asarray(mask))
    file.put(**{f"d{key}": slope for key, slope in zip(names, slopes)})


def recurrent(file):
    for name, kind, states in (("simple_rnn", "SimpleRNN(4{})", 1), ("lstm", "LSTM(3{})", 2), ("gru", "GRU(3{})", 1),
                               ("gru-before", "GRU(3, reset_after=False{})", 1)):
        units = int(kind[kind.index("(") + 1])
        case = lambda suffix, options, name=name, kind=kind, **more: recurrent_case(
            file, f"{name}{suffix}", kind.format(options), **more)
        case("", "")
        case("-sequences", ", return_sequences=True, go_backwards=True")
        case("-states", ", return_state=True", states=[units] * states)
        case("-one_step", ", use_bias=False", steps=1)
        case("-masked", ", return_sequences=True", mask=MASK)
        case("-masked_last", ", return_state=True", mask=MASK)
        case("-masked_backwards", ", go_backwards=True, return_sequences=True", mask=MASK)
        case("-masked_states", ", return_state=True", mask=np.array(MASK) | np.eye(4, 5, -2, int), states=[units] * states)
        case("-zeros", ", zero_output_for_mask=True, return_sequences=True", mask=MASK)
    recurrent_case(file, "lstm-activations", 'LSTM(3, activation="gelu", recurrent_activation="hard_sigmoid")')
    recurrent_case(file, "gru-activations", 'GRU(3, activation="softsign", recurrent_activation="softmax")')
    recurrent_case(file, "lstm-more_activations", 'LSTM(3, activation="hard_tanh", recurrent_activation="sparse_sigmoid")')
    recurrent_case(file, "simple_rnn-activations", 'SimpleRNN(3, activation="elu")')
    recurrent_case(file, "bidirectional", "Bidirectional(layers.GRU(3))")
    recurrent_case(file, "bidirectional-masked", 'Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode="sum")',
                   mask=MASK)
    recurrent_case(file, "bidirectional-masked_last", 'Bidirectional(layers.SimpleRNN(2), merge_mode="mul")', mask=MASK)
    recurrent_case(file, "bidirectional-states", 'Bidirectional(layers.LSTM(2, return_state=True), merge_mode="ave")',
                   states=[2, 2, 2, 2])
    recurrent_case(file, "bidirectional-separate", "Bidirectional(layers.GRU(2, return_sequences=True), merge_mode=None)")
    recurrent_case(file, "bidirectional-two", "Bidirectional(layers.LSTM(2), backward_layer=layers.GRU(3, go_backwards=True))")
    images = {"steps": 5, "features": (4, 3, 2)}
    recurrent_case(file, "conv_lstm2d", 'ConvLSTM2D(2, (2, 3), padding="same", strides=(2, 1), return_state=True)',
                   states=[(2, 3, 2), (2, 3, 2)], **images)
    recurrent_case(file, "conv_lstm2d-sequences", "ConvLSTM2D(2, 2, return_sequences=True, go_backwards=True)", **images)
    recurrent_case(file, "conv_lstm2d-dilated", "ConvLSTM2D(2, 2, dilation_rate=2, use_bias=False)", **images)
    recurrent_case(file, "time_distributed", 'TimeDistributed(layers.Dense(4, activation="tanh"))')


if __name__ == "__main__":
    make.main({"ops": operations, "layers": all_layers, "recurrent": recurrent}, "make_ops.py")
