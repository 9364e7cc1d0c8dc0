#!/usr/bin/env python3
"""Writes the attributes in ONNX' schemas, and their effects.

    python tests/onnx/attributes.py        (onnx 1.22, onnxruntime 1.32)

attributes.txt  a line for each operator that gradus knows and each version of its schema, separated by tabs: the domain;
                the operator; the first operator set of the version; the attributes.
attributes.bin  for each attribute of each version a model of one node with another value than the default (`model.onnx`),
                its inputs, and its output as onnxruntime computes it; with the output of the same node without the
                attribute, where it may be left out (`base_0.pb`). It has the form of nodes.bin, which pack.py writes.
"""
import multiprocessing
import pathlib
import struct

import numpy as np
import onnx
import onnxruntime
import operators
from onnx import TensorProto, defs, helper, numpy_helper

# The operator set of ONNX 1.22.
NEWEST = 27
HERE = pathlib.Path(__file__).resolve().parent
DRAWS = np.random.default_rng(7)


def draw(*shape):
    return DRAWS.normal(size=shape).astype(np.float32)


X = draw(2, 3, 4)
IMAGES = draw(1, 4, 5, 6)
SQUARE = draw(2, 4, 5)
SHAPE = np.array([2, 3, 4], np.int64)


class Case:
    """Inputs of a node, of which those in `known` are initializers; attributes that it needs; others to try."""

    def __init__(self, inputs, others, needed=None, known=(), outputs=1, until=None):
        self.inputs, self.others, self.needed = inputs, others, needed or {}
        self.known, self.outputs, self.until = known, outputs, until


WINDOW = {"auto_pad": ["SAME_UPPER", "SAME_LOWER"], "pads": [[1, 0, 0, 1]], "strides": [[2, 1]], "dilations": [[2, 1]]}
POOL = {**WINDOW, "kernel_shape": [[2, 2]], "ceil_mode": [1]}
OLD_BROADCAST = {"broadcast": [1], "axis": [0, 1]}
REDUCE = {"axes": [[0], [1, -1]], "keepdims": [0], "noop_with_empty_axes": [1]}
NORMAL = [draw(4), draw(4), draw(4), np.abs(draw(4)) + 0.5]


def binary(first=None, second=None):
    return Case([X if first is None else first, draw(2, 3, 4) if second is None else second], OLD_BROADCAST)


POSITIVE = np.abs(X) + 0.5


def recurrent(gates, activations, others):
    """A recurrent node with four units. Parameters of activations belong to LeakyRelu and HardSigmoid.

    onnxruntime does not support another `layout`, which ONNX' tests of single nodes cover.
    """
    draws = np.random.default_rng(gates)
    draw = lambda *shape: draws.normal(size=shape).astype(np.float32)
    leaky = ["LeakyRelu" if name == "Tanh" else name for name in activations]
    case = Case(
        [draw(5, 2, 3), draw(1, gates * 4, 3), draw(1, gates * 4, 4)],
        {"activations": [["Relu" if name == "Tanh" else name for name in activations]], "activation_alpha": [[0.2] * leaky.count("LeakyRelu")],
         "activation_beta": [[0.25]], "clip": [0.5], "direction": ["reverse"], "hidden_size": [3], "layout": [], **others},
        {"hidden_size": 4},
        known=(1, 2),
    )
    case.with_parameters = {"activation_alpha": {"activations": leaky}, "activation_beta": {"activations": ["HardSigmoid", *activations[1:]]}}
    return case


TRUTH = X > 0

CASES = {
    "GRU": recurrent(3, ["Sigmoid", "Tanh"], {"linear_before_reset": [1]}),
    "LSTM": recurrent(4, ["Sigmoid", "Tanh", "Tanh"], {"input_forget": [1]}),
    "RNN": recurrent(1, ["Tanh"], {}),
    "ArgMax": Case([np.round(X)], {"axis": [1, -1], "keepdims": [0], "select_last_index": [1]}),
    "ArgMin": Case([np.round(X)], {"axis": [1, -1], "keepdims": [0], "select_last_index": [1]}),
    "Celu": Case([X], {"alpha": [2.0]}),
    "CumSum": Case([X, np.array(1, np.int64)], {"exclusive": [1], "reverse": [1]}, known=(1,)),
    "Clip": Case([X], {"max": [0.5], "min": [-0.5]}),
    "Elu": Case([X], {"alpha": [2.0]}),
    "Gelu": Case([X], {"approximate": ["tanh"]}),
    "HardSigmoid": Case([X], {"alpha": [0.5], "beta": [0.25]}),
    "LeakyRelu": Case([X], {"alpha": [0.5]}),
    "Selu": Case([X], {"alpha": [2.0], "gamma": [2.0]}),
    "Swish": Case([X], {"alpha": [2.0]}),
    "Add": binary(),
    "Sub": binary(),
    "Mul": binary(),
    "Div": binary(second=POSITIVE),
    "Pow": binary(first=POSITIVE),
    "Mod": Case([np.round(X * 5).astype(np.int64), np.full((3, 1), -3, np.int64)], {"fmod": [1]}),
    "And": binary(TRUTH, draw(2, 3, 4) > 0),
    "Or": binary(TRUTH, draw(2, 3, 4) > 0),
    "Equal": binary(np.sign(X).astype(np.int32), np.sign(draw(2, 3, 4)).astype(np.int32)),
    "Greater": binary(),
    "Less": binary(),
    "Conv": Case([IMAGES, draw(4, 4, 2, 2)], {**WINDOW, "group": [2], "kernel_shape": [[2, 2], [3, 3]]}, known=(1,)),
    "ConvTranspose": Case(
        [IMAGES, draw(4, 4, 3, 3)],
        {**WINDOW, "group": [2], "kernel_shape": [[3, 3], [2, 2]], "output_padding": [[1, 0]], "output_shape": [[8, 11]]},
        known=(1,),
    ),
    "AveragePool": Case([IMAGES], {**POOL, "count_include_pad": [1]}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "MaxPool": Case([IMAGES], {**POOL, "storage_order": [1]}, {"kernel_shape": [3, 3]}),
    "BatchNormalization": Case(
        [IMAGES, *NORMAL],
        {"epsilon": [0.5], "momentum": [0.5], "is_test": [0, 1], "spatial": [0], "training_mode": [1]},
        {"is_test": 1},
        known=(1, 2, 3, 4),
    ),
    "LayerNormalization": Case([X, draw(4)], {"axis": [1, -2], "epsilon": [0.5], "stash_type": [0]}, known=(1,)),
    "IsInf": Case([np.where(np.abs(X) < 0.5, np.sign(X) * np.float32("inf"), X)], {"detect_negative": [0], "detect_positive": [0]}),
    "ThresholdedRelu": Case([X], {"alpha": [0.5]}),
    "Trilu": Case([X], {"upper": [0]}),
    "DepthToSpace": Case([draw(1, 16, 2, 3)], {"blocksize": [4], "mode": ["CRD"]}, {"blocksize": 2}),
    "SpaceToDepth": Case([draw(1, 2, 4, 4)], {"blocksize": [4]}, {"blocksize": 2}),
    "Xor": binary(TRUTH, X > 0.5),
    "InstanceNormalization": Case([IMAGES, draw(4), draw(4)], {"epsilon": [0.5]}, known=(1, 2)),
    "LRN": Case([IMAGES], {"alpha": [0.5], "beta": [0.5], "bias": [2.0], "size": [5]}, {"alpha": 0.3, "size": 3}),
    "Concat": Case([X, draw(2, 3, 4)], {"axis": [0, 2, -1]}, {"axis": 1}),
    "Gather": Case([X, np.array([1, 0], np.int64)], {"axis": [1, -1]}, known=(1,)),
    "Range": Case([np.float32(1), np.float32(9), np.float32(2)], {"stash_type": [10]}, known=(0, 1, 2)),
    "Transpose": Case([X], {"perm": [[0, 2, 1], [1, 0, 2]]}),
    "Flatten": Case([X], {"axis": [0, 2, 3]}),
    "Shape": Case([X], {"start": [1, -2], "end": [2, -1]}),
    "Gemm": Case([draw(3, 3), draw(3, 3), draw(3, 3)], {"alpha": [0.5], "beta": [0.5], "transA": [1], "transB": [1], "broadcast": [1]}),
    "Dropout": Case([X], {"ratio": [0.25], "seed": [3], "is_test": [0, 1]}, {"is_test": 1}),
    "CastLike": Case([X, X], {"saturate": [0], "round_mode": ["down"]}),
    "Cast": Case([X], {"to": [TensorProto.INT64], "saturate": [0], "round_mode": ["down"]}, {"to": TensorProto.FLOAT}),
    "ConstantOfShape": Case([SHAPE], {"value": [numpy_helper.from_array(np.array([2.5], np.float32)), numpy_helper.from_array(np.array([3], np.int64))]}, known=(0,)),
    "Constant": Case(
        [],
        {
            "value_float": [2.5],
            "value_floats": [[1.5, 2.5]],
            "value_int": [3],
            "value_ints": [[3, 4]],
            "value_string": ["a"],
            "value_strings": [["a", "b"]],
            "sparse_value": [helper.make_sparse_tensor(numpy_helper.from_array(np.array([2.0], np.float32), "s"), numpy_helper.from_array(np.array([1], np.int64), "i"), [3])],
            "value": [numpy_helper.from_array(X)],
        },
    ),
    **{name: Case([POSITIVE], REDUCE) for name in ("ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare").split()},
}


def by_version(name, version):
    """Cases whose inputs depend on the operator set."""
    if name == "Pad" and version < 11:
        return Case([IMAGES], {"mode": ["reflect", "edge"], "value": [2.5], "pads": [[0, 0, 1, 0, 0, 0, 0, 2]]}, {"pads": [0, 0, 1, 1, 0, 0, 1, 1]})
    if name == "Pad":
        return Case([IMAGES, np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)], {"mode": ["reflect", "edge", "wrap"]}, known=(1,))
    if name == "GroupNormalization":
        others = {"epsilon": [0.5], "num_groups": [4], "stash_type": [10]}
        return Case([IMAGES, draw(4), draw(4)], others, {"num_groups": 2}, known=(1, 2))
    if name == "Upsample" and version < 9:
        return Case([IMAGES], {"mode": ["linear"], "scales": [[1.0, 1.0, 2.0, 3.0]]}, {"scales": [1.0, 1.0, 2.0, 2.0]})
    if name == "Upsample" or (name == "Resize" and version < 11):
        return Case([IMAGES, np.array([1, 1, 2, 2], np.float32)], {"mode": ["linear"]}, known=(1,))
    if name == "Resize":
        modes = ["align_corners", "asymmetric", "pytorch_half_pixel", "tf_crop_and_resize"]
        modes += ["tf_half_pixel_for_nn"] if version < 13 else []
        modes += ["half_pixel_symmetric"] if version >= 19 else []
        others = {
            "antialias": [1], "axes": [[2, 3]], "coordinate_transformation_mode": modes, "cubic_coeff_a": [-0.5],
            "exclude_outside": [1], "extrapolation_value": [5.0], "keep_aspect_ratio_policy": ["not_larger", "not_smaller"],
            "mode": ["linear", "cubic"], "nearest_mode": ["round_prefer_ceil", "floor", "ceil"],
        }
        empty = np.array([], np.float32)
        return Case([IMAGES, empty, np.array([1, 1, 1.7, 0.6], np.float32)], others, known=(1, 2))
    if name == "Slice":
        return Case([X], {"axes": [[1, 2]], "starts": [[1, 1]], "ends": [[1, 2]]}, {"starts": [0, 1], "ends": [2, 3]})
    if name == "Split" and version < 18:
        return Case([SQUARE[..., :4]], {"axis": [1, -2], "split": [[1, 3]]}, {"axis": 2}, outputs=2)
    if name == "Split":
        return Case([SQUARE], {"axis": [1, -2], "num_outputs": [3]}, {"axis": 2, "num_outputs": 2}, outputs=2)
    if name in ("Softmax", "LogSoftmax"):
        return Case([X], {"axis": [0, 1] if version >= 13 else [0, 2]})
    if name == "Squeeze":
        return Case([draw(2, 1, 3, 1)], {"axes": [[1]]})
    if name == "Unsqueeze":
        return Case([X], {"axes": [[0, 2]]}, {"axes": [0]})
    if name == "Reshape":
        return Case([X, np.array([0, 12], np.int64)], {"allowzero": [1]}, known=(1,))
    return CASES.get(name)


def model(name, version, case, attributes, outputs):
    names = [f"x{number}" for number in range(len(case.inputs))]
    node = helper.make_node(name, names, [f"y{number}" for number in range(outputs)], **attributes)
    info = lambda name, array: helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
    given = [info(name, array) for number, (name, array) in enumerate(zip(names, case.inputs)) if number not in case.known]
    known = [numpy_helper.from_array(case.inputs[number], names[number]) for number in case.known]
    results = [onnx.ValueInfoProto(name=f"y{number}") for number in range(outputs)]
    graph = helper.make_graph([node], name, given, results, known)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8 if version < 20 else 11)


def old_broadcast(name, attributes, a, b):
    """Before operator set 7, which onnxruntime does not run."""
    functions = {
        "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power, "And": np.logical_and,
        "Or": np.logical_or, "Xor": np.logical_xor, "Equal": np.equal, "Greater": np.greater, "Less": np.less,
    }
    if not attributes.get("broadcast") and a.shape != b.shape:
        raise ValueError("shapes differ")
    if "axis" in attributes:
        b = b.reshape(b.shape + (1,) * (a.ndim - attributes["axis"] - b.ndim))
    return [functions[name](a, b)]


def run(name, version, case, attributes, outputs):
    """The results of onnxruntime. It has no operator sets before 7, which differ only in these attributes."""
    if version < 7 and name in ("Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"):
        return old_broadcast(name, attributes, *case.inputs)
    if version < 7:
        if attributes.get("is_test") == 0 or attributes.get("spatial") == 0:
            raise ValueError("of training, or of older statistics")
        version, attributes = 7, {key: value for key, value in attributes.items() if key not in ("consumed_inputs", "is_test", "spatial", "broadcast")}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    written = model(name, version, case, attributes, outputs).SerializeToString()
    session = onnxruntime.InferenceSession(written, options, providers=["CPUExecutionProvider"])
    given = {f"x{number}": array for number, array in enumerate(case.inputs) if number not in case.known}
    return session.run(None, given)


def small(name, version, case, attribute, value):
    """Gives the second operand the axes of a broadcast before operator set 7."""
    if attribute in ("axis", "broadcast") and name in CASES and CASES[name].others is OLD_BROADCAST:
        first, second = case.inputs
        second = second[0] if attribute == "broadcast" else (second[:, 0, 0] if value == 0 else second[0, :, 0])
        return Case([first, np.ascontiguousarray(second)], case.others), {"broadcast": 1}
    if attribute == "ceil_mode":
        return case, {"strides": [2, 2]}
    if attribute in getattr(case, "with_parameters", {}):
        return case, case.with_parameters[attribute]
    if name == "Resize" and attribute in ("cubic_coeff_a", "exclude_outside"):
        return case, {"mode": "cubic"}
    if name == "Resize" and attribute == "antialias":
        return case, {"mode": "linear"}
    # Sizes for which these values differ from the defaults: halves between two elements, and a single element.
    scales = {"round_prefer_ceil": [1, 1, 0.5, 0.5], "pytorch_half_pixel": [1, 1, 0.2, 0.2]}
    if name == "Resize" and isinstance(value, str) and value in scales:
        return Case([*case.inputs[:2], np.array(scales[value], np.float32)], case.others, known=(1, 2)), {}
    if name == "Resize" and attribute == "axes":
        return Case([IMAGES, case.inputs[1], case.inputs[2][2:]], case.others, known=(1, 2)), {}
    if name == "Resize" and attribute == "keep_aspect_ratio_policy":
        sizes = np.array([1, 4, 8, 8], np.int64)
        return Case([IMAGES, case.inputs[1], case.inputs[1], sizes], case.others, known=(1, 2, 3)), {}
    if name == "ConvTranspose" and attribute in ("output_padding", "auto_pad"):
        return case, {"strides": [2, 2]}
    if name == "ConvTranspose" and attribute == "output_shape":
        return case, {"strides": [2, 2]}
    if name == "Conv" and attribute == "group":
        return Case([case.inputs[0], case.inputs[1][:, :2]], case.others, known=(1,)), {}
    if name == "LayerNormalization" and attribute == "axis" and value != 0:
        return Case([X, draw(3, 4)], case.others, known=(1,)), {}
    if name == "Split" and value == 3:
        return Case(case.inputs, case.others, case.needed, outputs=3), {}
    return case, {}


def packed(case, files):
    return [struct.pack("<II", len(f"{case}/{name}".encode()), len(content)) + f"{case}/{name}".encode() + content for name, content in files]


def tensor(array):
    return numpy_helper.from_array(np.asarray(array)).SerializeToString()


def attempt(*arguments):
    """The results of onnxruntime, if it accepts the model. Some models that it should reject end its process."""
    here, there = multiprocessing.Pipe()

    def send():
        try:
            there.send(run(*arguments))
        except Exception:
            there.send(None)

    child = multiprocessing.get_context("fork").Process(target=send)
    child.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        return None
    finally:
        child.join()


def main():
    schemas = [schema for schema in defs.get_all_schemas_with_history() if not schema.deprecated]
    schemas = [schema for schema in schemas if schema.domain != "" or schema.since_version <= NEWEST]
    known = {"": operators.own(), "ai.onnx.ml": operators.of_scikit_learn()}
    listed = sorted((schema.domain, schema.name, schema.since_version, sorted(schema.attributes)) for schema in schemas if schema.name in known.get(schema.domain, ()))
    (HERE / "attributes.txt").write_text("".join("\t".join([domain, name, str(since), " ".join(attributes)]) + "\n" for domain, name, since, attributes in listed))
    defaults = {(schema.domain, schema.name, schema.since_version): {key: value.default_value for key, value in schema.attributes.items() if value.default_value.name} for schema in schemas}
    parts, count, without = [], 0, []
    newest = {(domain, name): since for domain, name, since, _ in listed}
    before = {}
    for domain, name, since, attributes in listed:
        # Later versions often differ only in the types of elements.
        same = before.get((domain, name)) == attributes
        before[domain, name] = attributes
        if since > 13 and since != newest[domain, name] and same:
            continue
        # Older forms are rejected.
        # The tests of single nodes cover the branches of If.
        for attribute in attributes if domain == "" and name != "If" and since >= known[""][name] else []:
            case = by_version(name, since)
            if attribute == "consumed_inputs":
                case = Case([], {attribute: [[0]]}) if case is None else Case(case.inputs, {attribute: [[0]]}, case.needed, case.known)
                if not case.inputs:
                    case.inputs = [POSITIVE] * (2 if name in ("Max", "Min", "Mean", "Sum") else 1)
            default = helper.get_attribute_value(defaults[domain, name, since][attribute]) if attribute in defaults[domain, name, since] else None
            for number, value in enumerate(case.others[attribute]):
                if value == (default.decode() if isinstance(default, bytes) else default) and attribute != "is_test":
                    continue
                used, more = small(name, since, case, attribute, value)
                needed = {key: value for key, value in used.needed.items() if key in attributes}
                if attribute == "auto_pad":
                    needed.pop("pads", None)
                changed = {**needed, **more, attribute: value}
                # Attributes without a default are required.
                without_it = {key: other for key, other in changed.items() if key != attribute or key in needed}
                without_it.update({key: other for key, other in needed.items() if key == attribute})
                base = attempt(name, since, used, without_it, used.outputs)
                found = attempt(name, since, used, changed, used.outputs)
                if found is None:
                    without.append(f"{name}-{since} {attribute}={value if not hasattr(value, 'DESCRIPTOR') else '…'}")
                files = [("model.onnx", model(name, since, used, changed, used.outputs).SerializeToString())]
                inputs = [array for at, array in enumerate(used.inputs) if at not in used.known]
                files += [(f"input_{at}.pb", tensor(array)) for at, array in enumerate(inputs)]
                if found is not None and all(np.asarray(array).dtype.kind != "U" for array in found):
                    files += [(f"output_{at}.pb", tensor(array)) for at, array in enumerate(found)]
                files += [(f"base_{at}.pb", tensor(array)) for at, array in enumerate(base or [])]
                parts += packed(f"{name}-{since}-{attribute}-{number}", files)
                count += 1
    (HERE / "attributes.bin").write_bytes(b"".join(parts))
    print(f"{count} cases, {sum(map(len, parts))} bytes; without a result of onnxruntime:")
    print("\n".join(without))


if __name__ == "__main__":
    main()
