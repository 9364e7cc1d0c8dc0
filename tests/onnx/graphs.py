#!/usr/bin/env python3
"""Writes small graphs, their inputs, and the outputs of onnxruntime to graphs.bin.

    python tests/onnx/graphs.py        (onnx 1.22, onnxruntime 1.32)

graphs.bin has the form of nodes.bin, which pack.py writes: for each graph `model.onnx`, `input_0.pb`, …, `output_0.pb`, ….
"""
import pathlib
import struct

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
DRAWS = np.random.default_rng(11)
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def draw(*shape):
    return DRAWS.normal(size=shape).astype(np.float32)


def integers(*values):
    return np.array(values, np.int64)


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs.split(",") if inputs else [], outputs.split(","), **attributes)


def graph(nodes, inputs, outputs, known=None, opset=17):
    """`inputs` and `outputs` are names with shapes, and with an element type if it is not float."""
    info = lambda name, shape, kind=FLOAT: helper.make_tensor_value_info(name, kind, shape)
    known = [numpy_helper.from_array(np.asarray(array), name) for name, array in (known or {}).items()]
    made = helper.make_graph(nodes, "g", [info(*each) for each in inputs], [info(*each) for each in outputs], known)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(made, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets))


X = [("x", ["N", 4])]
Y = [("y", ["N", None])]
IMAGE = [("x", ["N", 2, 5, 6])]


def cases():
    x = draw(3, 4)
    image = draw(2, 2, 5, 6)
    yield "graph_layer", graph([node("Mul", "x,w", "y")], X, Y, {"w": draw(1, 4)}), [x]
    yield "constant_of_shape", graph([node("Shape", "x", "s"), node("ConstantOfShape", "s", "z", value=numpy_helper.from_array(np.array([2.5], np.float32))), node("Add", "x,z", "y")], X, Y), [x]
    yield "bias_of_rows", graph([node("MatMul", "x,w", "p"), node("Shape", "x", "s", start=0, end=1), node("ConstantOfShape", "s", "z", value=numpy_helper.from_array(np.array([1.5], np.float32))), node("Unsqueeze", "z,one", "c"), node("Add", "p,c", "y")], X, Y, {"w": draw(4, 2), "one": integers(1)}), [x]
    yield "two_constants", graph([node("Shape", "x", "s"), node("Add", "s,s", "t"), node("Mul", "s,t", "u"), node("Cast", "t", "a", to=FLOAT), node("Cast", "u", "b", to=FLOAT), node("Gather", "a,one", "c"), node("Gather", "b,one", "d"), node("Mul", "x,c", "e"), node("Add", "e,d", "y")], X, Y, {"one": integers(1)}), [x]
    yield "gather_65", graph([node("Gather", "x,i", "y", axis=1)], X, Y, {"i": integers(*(list(range(4)) * 17))}), [x]
    yield "gather_columns", graph([node("Gather", "x,i", "y", axis=2)], [("x", ["N", 3, 4])], [("y", ["N", 3, 2, 2])], {"i": integers(3, -1, 0, 1).reshape(2, 2)}), [draw(2, 3, 4)]
    yield "gather_computed", graph([node("ArgMax", "x", "i", axis=1, keepdims=0), node("Gather", "w,i", "y")], X, Y, {"w": draw(4, 3, 2)}), [x]
    yield "gather_negative", graph([node("ArgMax", "x", "i", axis=1, keepdims=0), node("Sub", "i,four", "j"), node("Gather", "w,j", "y")], X, Y, {"w": draw(4, 3), "four": integers(4)}), [x]
    yield "dropout_mask", graph([node("Dropout", "x", "y,m")], X, Y), [x]
    yield "dropout_mask_output", graph([node("Dropout", "x", "y,m")], X, [*Y, ("m", ["N", 4], TensorProto.BOOL)]), [x]
    yield "time_first", graph([node("Transpose", "x", "y", perm=[1, 0, 2])], [("x", ["N", 4, 3])], [("y", [4, "N", 3])]), [draw(2, 4, 3)]
    tied = np.array([[1, 3, 3, 2], [0, -1, 0, -1]], np.float32)
    for operator in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            yield f"{operator}_{last}", graph([node("Softmax", "x", "y"), node(operator, "x", "z", axis=-1, keepdims=last, select_last_index=last)], X, [*Y, ("z", None, INT64)]), [tied]
    for exclusive in (0, 1):
        for reverse in (0, 1):
            yield f"cumsum_{exclusive}{reverse}", graph([node("CumSum", "x,a", "y", exclusive=exclusive, reverse=reverse)], [("x", ["N", 7, 2])], [("y", ["N", 7, 2])], {"a": np.array(-2, np.int32)}), [draw(2, 7, 2)]
    yield "cumsum_infinite", graph([node("CumSum", "x,a", "y")], X, Y, {"a": np.array(1, np.int64)}), [np.array([[1, np.inf, 2, 3]], np.float32)]
    for name, (start, end, step) in {"backwards": (-1, -(2**40), -1), "strided": (0, 9, 2), "from_end": (3, 0, -2)}.items():
        yield f"slice_{name}", graph([node("Slice", "x,a,b,c,d", "y")], X, Y, {"a": integers(start), "b": integers(end), "c": integers(1), "d": integers(step)}), [x]
    yield "slice_image", graph([node("Conv", "x,w", "c", pads=[1, 1, 1, 1]), node("Slice", "c,a,b,c3,d", "y")], IMAGE, [("y", None)], {"w": draw(3, 2, 3, 3), "a": integers(1, -1), "b": integers(9, -99), "c3": integers(1, 3), "d": integers(1, -2)}), [image]
    yield "expand", graph([node("Shape", "x", "s"), node("Slice", "s,zero,one", "n"), node("Concat", "n,rest", "t", axis=0), node("Unsqueeze", "x,one", "u"), node("Expand", "u,t", "y")], X, [("y", ["N", 3, 4])], {"zero": integers(0), "one": integers(1), "rest": integers(3, 4)}), [x]
    yield "range", graph([node("Shape", "x", "s"), node("Gather", "s,one", "n"), node("Range", "zero,n,step", "r"), node("Cast", "r", "f", to=FLOAT), node("Add", "x,f", "y")], X, Y, {"one": np.int64(1), "zero": np.int64(0), "step": np.int64(1)}), [x]
    yield "two_outputs", graph([node("MatMul", "x,w", "y"), node("Relu", "y", "z")], X, [*Y, ("z", ["N", 2])], {"w": draw(4, 2)}), [x]
    yield "two_outputs_of_rows", graph([node("Shape", "x", "s"), node("ConstantOfShape", "s", "c"), node("Add", "x,c", "y"), node("Mul", "y,w", "z")], X, [*Y, ("z", ["N", 4])], {"w": draw(4)}), [x]
    yield "two_inputs", graph([node("Mul", "a,b", "m"), node("Pow", "m,two", "p"), node("Add", "p,a", "y")], [("a", ["N", 3]), ("b", ["N", 3])], [("y", ["N", 3])], {"two": np.float32(2)}), [draw(2, 3), draw(2, 3)]
    yield "words", graph([node("Gather", "w,i", "e"), node("ReduceMean", "e", "m", axes=[1], keepdims=0), node("Mul", "m,v", "y")], [("i", ["N", 4], INT64)], Y, {"w": draw(6, 3), "v": draw(1, 3)}), [integers(0, 5, 1, 1, 2, 3, 4, 5).reshape(2, 4)]
    yield "booleans", graph([node("Less", "x,zero", "a"), node("Greater", "x,one", "b"), node("Or", "a,b", "c"), node("Where", "c,x,w", "y")], X, Y, {"zero": np.float32(0), "one": np.float32(0.5), "w": draw(1, 4)}), [x]
    yield "fixed_rows_reshape", graph([node("Mul", "x,w", "m"), node("Reshape", "m,s", "r"), node("Transpose", "r", "y", perm=[0, 2, 1])], [("x", [3, 4])], [("y", [3, 2, 2])], {"w": draw(1, 4), "s": integers(3, 2, 2)}), [x]
    yield "image_scale", graph([node("Conv", "x,w", "c"), node("Mul", "c,s", "m"), node("MaxPool", "m", "y", kernel_shape=[2, 2], pads=[0, 1, 1, 0])], IMAGE, [("y", None)], {"w": draw(3, 2, 2, 2), "s": draw(3, 1, 1)}), [image]
    old = [node("Unsqueeze", "x", "a", axes=[1]), node("Squeeze", "a", "b", axes=[1]), node("Clip", "b", "c", min=-0.5, max=0.75), node("Slice", "c", "d", axes=[1], starts=[1], ends=[4]), node("Pad", "d", "e", pads=[0, 1, 0, 0], value=0.25), node("Softmax", "e", "f"), node("ReduceSum", "f", "g", axes=[1]), node("Split", "f", "h,i", axis=1), node("Mul", "h,g", "j"), node("Mul", "j,i", "k"), node("Mul", "k,w", "y")]
    yield "operator_set_9", graph(old, X, Y, {"w": draw(1, 2)}, opset=9), [x]
    yield "operator_set_24", graph([node("Swish", "x", "a", alpha=0.5), node("Mul", "a,w", "y")], X, Y, {"w": draw(1, 4)}, opset=24), [x]
    yield "shared_weight", graph([node("Mul", "x,w", "a"), node("Transpose", "w", "t", perm=[1, 0]), node("Mul", "a,w", "b"), node("MatMul", "b,t", "c"), node("Add", "c,b", "y")], [("x", ["N", 1])], [("y", ["N", 4])], {"w": draw(1, 4)}), [draw(3, 1)]
    yield "open_sizes", graph([node("Conv", "x,k", "c"), node("GlobalAveragePool", "c", "y")], [("x", ["N", 2, "H", "W"])], [("y", None)], {"k": draw(3, 2, 2, 2)}), [image]
    yield "open_sizes_of_two", graph([node("Add", "a,b", "c"), node("Mul", "c,w", "y")], [("a", ["N", "T", 2]), ("b", ["N", "T", 2])], [("y", None)], {"w": draw(1, 1, 2)}), [draw(2, 3, 2), draw(2, 3, 2)]
    yield "fixed_rows", graph([node("Mul", "x,w", "y")], [("x", [3, 4])], [("y", [3, 4])], {"w": draw(3, 4)}), [x]
    yield "unused_strings", graph([node("Mul", "x,w", "y"), node("Identity", "c", "z")], X, [*Y, ("z", None, TensorProto.STRING)], {"w": draw(1, 4), "c": np.array(["a", "b"], object)}), [x]


    for rows in [3, 1]:
        yield f"if_of_{rows}_columns", conditional(rows), [draw(2, rows)]
    before = [node("Concat", "widths,zeros", "list", axis=0), node("Reshape", "list,pairs", "table"), node("Slice", "table,last,first,axis,back", "turned"), node("Transpose", "turned", "sides", perm=[1, 0]), node("Reshape", "sides,all", "pads"), node("Pad", "x,pads", "y")]
    constants = {"zeros": integers(0, 0), "widths": integers(1, 2), "pairs": integers(-1, 2), "last": integers(-1), "first": integers(-9), "axis": integers(0), "back": integers(-1), "all": integers(-1)}
    yield "integers_of_two_axes", graph(before, X, Y, constants), [x]
    yield "instance_norm", graph([node("InstanceNormalization", "x,s,b", "y", epsilon=0.01)], IMAGE, [("y", None)], {"s": draw(2), "b": draw(2)}), [image]
    yield "group_norm", graph([node("GroupNormalization", "x,s,b", "y", num_groups=2)], [("x", ["N", 4, 3, 2])], [("y", None)], {"s": draw(4), "b": draw(4)}, opset=21), [draw(2, 4, 3, 2)]
    yield "depth_to_space", graph([node("DepthToSpace", "x", "a", blocksize=2, mode="CRD"), node("Relu", "a", "b"), node("SpaceToDepth", "b", "y", blocksize=3)], [("x", ["N", 4, 3, 6])], [("y", None)]), [draw(2, 4, 3, 6)]
    yield "rounding", graph([node("Mul", "x,four", "a"), node("Round", "a", "b"), node("Floor", "x", "c"), node("Ceil", "x", "d"), node("Sign", "x", "e"), node("ThresholdedRelu", "x", "f", alpha=0.5), node("Sum", "b,c,d,e,f", "y")], X, Y, {"four": np.float32(4)}), [x]
    yield "tile", graph([node("Tile", "x,two", "a"), node("Trilu", "a", "y")], [("x", ["N", 3, 2])], [("y", None)], {"two": integers(1, 2, 3)}), [draw(2, 3, 2)]


    yield from recurrent_cases()
    yield from shared_cases()
    yield "joined_softmax", graph([node("MatMul", "x,w", "a"), node("Softmax", "a", "y", axis=0)], X, Y, {"w": draw(4, 2)}), [x]
    yield "joined_mean", graph([node("ReduceMean", "x", "m", axes=[0]), node("Sub", "x,m", "y")], X, Y), [x]
    yield "joined_product", graph([node("Transpose", "x", "t", perm=[1, 0]), node("MatMul", "x,t", "p"), node("MatMul", "p,x", "y")], X, Y), [x]
    yield "joined_steps", graph([node("RNN", "x,w,r", "s", hidden_size=2), node("Squeeze", "s,one", "y")], [("x", ["N", 3, 4])], [("y", ["N", 3, 2])], {"w": draw(1, 2, 4), "r": draw(1, 2, 2), "one": integers(1)}), [draw(5, 3, 4)]
    rows = np.arange(20, dtype=np.float32).reshape(5, 4)
    joined = {"zero": integers(0), "one": integers(1), "last": integers(-1), "first": integers(-9), "back": integers(-1), "k": np.ones((1, 1, 3), np.float32), "four": integers(4, -1), "turn": integers(-1, 4), "pads": integers(1, 0, 0, 0), "start": integers(0), "end": integers(-1), "n": np.int64(0), "i": np.int64(1)}
    size = [node("Shape", "x", "shape"), node("Gather", "shape,n", "count")]
    for name, nodes in {
        "gather": [node("Gather", "x,zero", "f", name="f"), node("Sub", "x,f", "y")],
        "slice": [node("Slice", "x,last,first,zero,back", "r", name="r"), node("Add", "x,r", "y")],
        "part": [node("Slice", "x,start,end,zero", "part", name="part"), node("Pad", "part,pads", "y")],
        "reshape": [node("Reshape", "x,four", "r", name="r"), node("Transpose", "r", "t", perm=[1, 0]), node("Reshape", "t,turn", "y")],
        "count": [*size, node("Cast", "count", "c", to=FLOAT), node("Div", "x,c", "y", name="y")],
        "places": [*size, node("Range", "n,count,i", "p"), node("Cast", "p", "c", to=FLOAT), node("Unsqueeze", "c,one", "u"), node("Add", "x,u", "y", name="y")],
    }.items():
        yield f"joined_{name}", graph(nodes, X, Y, joined), [rows]
    signal = [node("Unsqueeze", "x,axes", "u"), node("Conv", "u,k", "c", pads=[1, 1], name="c"), node("Squeeze", "c,axes", "y")]
    yield "joined_conv", graph(signal, [("x", ["N"])], [("y", ["N"])], {"k": np.ones((1, 1, 3), np.float32), "axes": integers(0, 1)}), [np.ones(5, np.float32)]
    token = [node("Shape", "x", "s", start=0, end=1), node("Concat", "s,sizes", "t", axis=0), node("ConstantOfShape", "t", "z"), node("Concat", "z,x", "c", axis=1), node("Reshape", "c,flat", "f"), node("MatMul", "f,w", "p"), node("Reshape", "p,wide", "y")]
    yield "separate_rows", graph(token, [("x", ["N", 3, 4])], [("y", ["N", 4, 2])], {"sizes": integers(1, 4), "flat": integers(-1, 4), "wide": integers(-1, 4, 2), "w": draw(4, 2)}), [draw(5, 3, 4)]
    mask = [node("Cast", "i", "b", to=TensorProto.BOOL), node("Not", "b", "n"), node("Cast", "n", "f", to=FLOAT), node("Gather", "w,i", "e"), node("Unsqueeze", "f,last", "u"), node("Mul", "e,u", "y")]
    yield "mask_of_integers", graph(mask, [("i", ["N", 4], INT64)], [("y", ["N", 4, 3])], {"w": draw(6, 3), "last": integers(2)}), [integers(0, 5, 1, 0, 2, 3, 0, 5).reshape(2, 4)]


    yield from typed_cases()
    yield from shape_cases()
    yield from window_cases()


BOOL, FLOAT16 = TensorProto.BOOL, TensorProto.FLOAT16


def typed_cases():
    """Inputs and constants of other types than floats of 32 bits."""
    x, mask = draw(3, 4), DRAWS.integers(0, 2, size=(3, 4)).astype(bool)
    known = {"w": draw(1, 4), "one": integers(1), "zero": integers(0), "four": integers(4), "flags": np.array([[True, False, True, True]])}
    for name, nodes in {
        "where": [node("Where", "m,x,w", "y")],
        "not": [node("Not", "m", "n"), node("Where", "n,x,w", "y")],
        "cast": [node("Cast", "m", "f", to=FLOAT), node("Mul", "x,f", "y")],
        "moved": [node("Unsqueeze", "m,one", "i"), node("Squeeze", "i,one", "k"), node("And", "k,flags", "a"), node("Where", "a,x,w", "y")],
        "compared": [node("Less", "x,w", "l"), node("Equal", "l,m", "e"), node("Where", "e,x,w", "y")],
        "joined": [node("Less", "x,w", "l"), node("Concat", "l,m", "c", axis=1), node("Xor", "m,flags", "b"), node("Slice", "c,zero,four,one", "s"), node("And", "s,b", "a"), node("Where", "a,x,w", "y")],
        "expanded": [node("Shape", "x", "s"), node("Expand", "flags,s", "e"), node("Or", "e,m", "o"), node("Where", "o,x,w", "y")],
        "both": [node("Cast", "m", "f", to=FLOAT), node("Mul", "x,f", "a"), node("Where", "m,a,w", "y")],
    }.items():
        yield f"boolean_{name}", graph(nodes, [*X, ("m", ["N", 4], BOOL)], [("y", ["N", 4])], known), [x, mask]
    indices = integers(*range(6), *range(6)).reshape(3, 4)
    yield "boolean_indices", graph([node("Where", "m,i,z", "k"), node("Gather", "w,k", "y")], [("i", ["N", 4], INT64), ("m", ["N", 4], BOOL)], [("y", ["N", 4, 2])], {"w": draw(6, 2), "z": integers(5)}), [indices, mask]
    whole = lambda *shape: DRAWS.integers(-4, 5, size=shape).astype(np.float16)
    yield "half_precision", graph([node("MatMul", "x,w", "a"), node("Constant", "", "k", value=numpy_helper.from_array(whole(2))), node("Mul", "a,k", "b"), node("Relu", "b", "y")], [("x", ["N", 4], FLOAT16)], [("y", ["N", 2], FLOAT16)], {"w": whole(4, 2)}), [whole(3, 4)]
    yield "half_precision_weights", graph([node("Cast", "w", "v", to=FLOAT), node("MatMul", "x,v", "a"), node("Cast", "a", "h", to=FLOAT16), node("Cast", "h", "y", to=FLOAT)], X, Y, {"w": whole(4, 2)}), [whole(3, 4).astype(np.float32)]
    bytes_ = DRAWS.integers(0, 256, size=(3, 4)).astype(np.uint8)
    yield "bytes", graph([node("Cast", "x", "f", to=FLOAT), node("Mul", "f,w", "y")], [("x", ["N", 4], TensorProto.UINT8)], Y, {"w": draw(1, 4)}), [bytes_]


def shape_cases():
    """Shapes and numbers that follow from shapes, and operators on computed integers."""
    x, tokens = draw(3, 4), draw(2, 3, 4)
    known = {"k0": np.int64(0), "k1": np.int64(1), "k3": np.int64(3), "k9": np.int64(9), "zero": integers(0), "one": integers(1), "three": integers(3), "four": integers(4), "minus": integers(-1), "minus_one": np.int64(-1), "w": draw(4, 2), "token": draw(1, 1, 4), "third": np.float32(3)}
    join = [node("Concat", "e,x", "c", axis=1), node("MatMul", "c,w", "y")]
    T, of_tokens = [("x", ["N", 3, 4])], [("y", ["N", 4, 2])]
    yield "token_where", graph([node("Shape", "x", "s"), node("Gather", "s,k0", "n"), node("Unsqueeze", "n,zero", "u"), node("Concat", "u,minus,minus", "t", axis=0), node("Shape", "t", "ts"), node("ConstantOfShape", "ts", "ones", value=numpy_helper.from_array(integers(1))), node("Mul", "ones,minus_one", "m"), node("Equal", "t,m", "eq"), node("Where", "eq,ones,t", "to"), node("Expand", "token,to", "e"), *join], T, of_tokens, known), [tokens]
    yield "token_slice", graph([node("Shape", "x", "s"), node("Slice", "s,zero,one", "n"), node("Concat", "n,one,four", "t", axis=0), node("Expand", "token,t", "e"), *join], T, of_tokens, known), [tokens]
    column = [node("Shape", "x", "s"), node("Gather", "s,k1", "n")]
    last = [node("Cast", "r", "f", to=FLOAT), node("Mul", "x,f", "y")]
    for fmod in (0, 1):
        yield f"mod_{fmod}_of_shape", graph([*column, node("Sub", "n,k9", "d"), node("Mod", "d,k3", "r", fmod=fmod), *last], X, Y, known), [x]
        rows = integers(-7, -1, 0, 2, 5, 7, 8, 9).reshape(2, 4)
        yield f"mod_{fmod}", graph([node("Mod", "i,m", "j", fmod=fmod), node("Cast", "j", "y", to=FLOAT)], [("i", ["N", 4], INT64)], Y, {"m": integers(3, -3, 5, -2)}), [rows]
    yield "mod_of_floats", graph([node("Mod", "x,m", "y", fmod=1)], X, Y, {"m": np.float32(-0.7)}), [x]
    part = [node("Shape", "x", "s"), node("Slice", "s,one,three", "t")]
    for operator in ("ReduceL1", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"):
        yield f"{operator}_of_shape", graph([*part, node(operator, "t", "r", keepdims=0), *last], T, [("y", ["N", 3, 4])], known), [tokens]
    yield "reshape_by_product", graph([*part, node("ReduceProd", "t", "p"), node("Concat", "minus,p", "r", axis=0), node("Reshape", "x,r", "y")], T, [("y", ["N", 12])], known), [tokens]
    for operator in ("ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum"):
        yield f"{operator}_of_integers", graph([node(operator, *(["i,one", "s"] if operator == "ReduceSum" else ["i", "s"]), keepdims=1, **({} if operator == "ReduceSum" else {"axes": [1]})), node("Cast", "s", "y", to=FLOAT)], [("i", ["N", 4], INT64)], Y, known), [rows]
    for keep in (0, 1):
        yield f"ReduceProd_{keep}", graph([node("ReduceProd", "x", "p", axes=[1, 2], keepdims=keep), node("Relu", "p", "y")], T, [("y", None)]), [np.round(draw(2, 3, 4) * 2)]
        yield f"ReduceProd_{keep}_of_columns", graph([node("ReduceProd", "x", "y", axes=[1], keepdims=keep)], T, [("y", None)]), [tokens]
    yield "limits_of_shape", graph([*column, node("Min", "n,k3", "a"), node("Max", "n,k9", "b"), node("Neg", "a", "c"), node("Abs", "c", "d"), node("Add", "b,d", "r"), *last], X, Y, known), [x]
    yield "rounded_shape", graph([*column, node("Cast", "n", "f", to=FLOAT), node("Div", "f,third", "g"), node("Floor", "g", "h"), node("Cast", "h", "i", to=INT64), node("Unsqueeze", "i,zero", "u"), node("Concat", "minus,u,four", "t", axis=0), node("Reshape", "x,t", "y")], X, [("y", None)], known), [x]
    yield "split_shape", graph([node("Shape", "x", "s"), node("Split", "s", "a,b,c"), node("Mul", "b,c", "p"), node("Concat", "a,p", "r", axis=0), node("Reshape", "x,r", "y")], T, [("y", ["N", 12])], opset=13), [tokens]


def window_cases():
    """Padding, pooling, resizing, and softmax over several axes."""
    image = draw(2, 2, 5, 6)
    for mode in ("constant", "edge", "reflect"):
        yield f"negative_pads_{mode}", graph([node("Conv", "x,w", "c"), node("Pad", "c,p", "y", mode=mode)], IMAGE, [("y", None)], {"w": draw(3, 2, 2, 2), "p": integers(0, 0, -1, 1, 0, 0, 2, -2)}), [image]
    yield "joined_pads", graph([node("Pad", "x,p", "y", name="y")], X, Y, {"p": integers(1, 0, -1, 0)}), [draw(3, 4)]
    yield "pads_of_integers", graph([node("Pad", "i,p", "j"), node("Concat", "i,j", "k", axis=1), node("Split", "k,parts", "a,b", axis=1), node("Gather", "w,b", "y")], [("i", ["N", 4], INT64)], [("y", None)], {"p": integers(0, -1, 0, 2), "parts": integers(3, 6), "w": draw(6, 2)}), [integers(0, 5, 1, 1, 2, 3, 4, 5).reshape(2, 4)]
    large = draw(2, 2, 7, 9)
    L = [("x", ["N", 2, 7, 9])]
    windows = {"kernel_shape": [2, 3], "dilations": [2, 2], "pads": [1, 1, 0, 1], "strides": [1, 2]}
    yield "dilated_maxima", graph([node("MaxPool", "x", "y", **windows)], L, [("y", None)]), [large]
    for padding in (0, 1):
        yield f"dilated_means_{padding}", graph([node("AveragePool", "x", "y", **windows, count_include_pad=padding)], L, [("y", None)], opset=19), [large]
    yield "dilated_steps", graph([node("MaxPool", "x", "y", kernel_shape=[3], dilations=[3], strides=[2], ceil_mode=1)], [("x", ["N", 2, 12])], [("y", None)]), [draw(2, 2, 12)]
    yield "dilated_volumes", graph([node("MaxPool", "x", "y", kernel_shape=[2, 2, 2], dilations=[1, 2, 3])], [("x", ["N", 2, 4, 5, 6])], [("y", None)]), [draw(2, 2, 4, 5, 6)]
    yield "largest_strides", graph([node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2**31 - 1] * 2)], L, [("y", None)]), [large]
    for mode in ("nearest", "linear"):
        for opset, scales in ((7, [1, 1, 2, 2]), (9, [1, 1, 2, 3]), (9, [1, 1, 1.5, 2.5]), (10, [1, 1, 1.5, 3])):
            operator, name = "Resize" if opset == 10 else "Upsample", "_".join(str(scale) for scale in scales[2:])
            resize = node(operator, "x", "y", mode=mode, scales=[float(scale) for scale in scales]) if opset == 7 else node(operator, "x,s", "y", mode=mode)
            yield f"{operator}_{opset}_{mode}_{name}", graph([resize], IMAGE, [("y", None)], {} if opset == 7 else {"s": np.array(scales, np.float32)}, opset=opset), [image]
    yield "clip_in_the_wrong_order", graph([node("Clip", "x,low,high", "y")], L, [("y", None)], {"low": np.float32([0.5])[0], "high": np.float32([-0.5])[0]}), [large]
    for operator in ("Softmax", "LogSoftmax"):
        yield f"{operator}_of_axes", graph([node(operator, "x", "y")], [("x", ["N", 3, 4])], [("y", None)], opset=11), [draw(2, 3, 4)]
    yield "softmax_of_image", graph([node("Conv", "x,w", "c"), node("Softmax", "c", "y", axis=1)], IMAGE, [("y", None)], {"w": draw(3, 2, 2, 2)}, opset=11), [image]


STEPS, UNITS = 5, 3
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(operator, directions, given="", **attributes):
    """A node whose sequence and states are outputs. `given` lists its inputs: b(iases), l(engths), s(tates), p(eepholes)."""
    columns = GATES[operator] * UNITS
    known = {"w": draw(directions, columns, 2), "r": draw(directions, columns, UNITS), "shape": integers(0, 0, -1)}
    inputs, arrays, names = [("x", ["N", STEPS, 2])], [draw(3, STEPS, 2)], ["t", "w", "r", "", "", "", "", ""]
    nodes = [node("Transpose", "x", "t", perm=[1, 0, 2])]
    if "b" in given:
        known["b"], names[3] = draw(directions, 2 * columns), "b"
    if "l" in given:
        inputs, arrays, names[4] = [*inputs, ("l", ["N"], TensorProto.INT32)], [*arrays, np.array([5, 1, 3], np.int32)], "l"
    if "p" in given:
        known["p"], names[7] = draw(directions, 3 * UNITS), "p"
    states = ["h", "c"] if operator == "LSTM" else ["h"]
    if "s" in given:
        for place, state in enumerate(states):
            inputs, arrays = [*inputs, (state, ["N", directions, UNITS])], [*arrays, draw(3, directions, UNITS)]
            nodes.append(node("Transpose", state, f"{state}0", perm=[1, 0, 2]))
            names[5 + place] = f"{state}0"
    nodes.append(node(operator, ",".join(names).rstrip(","), ",".join(["s", *(f"{state}1" for state in states)]), hidden_size=UNITS, **attributes))
    nodes += [node("Transpose", "s", "rows", perm=[2, 0, 1, 3]), node("Reshape", "rows,shape", "y")]
    nodes += [node("Transpose", f"{state}1", f"{state}y", perm=[1, 0, 2]) for state in states]
    outputs = [("y", ["N", STEPS, directions * UNITS]), *((f"{state}y", ["N", directions, UNITS]) for state in states)]
    return graph(nodes, inputs, outputs, known), arrays


def recurrent_cases():
    for operator in GATES:
        yield f"recurrent_{operator}", *recurrent(operator, 1, "b")
        yield f"recurrent_{operator}_reverse", *recurrent(operator, 1, "", direction="reverse")
        yield f"recurrent_{operator}_both", *recurrent(operator, 2, "bs", direction="bidirectional")
        yield f"recurrent_{operator}_lengths", *recurrent(operator, 2, "bl", direction="bidirectional")
        yield f"recurrent_{operator}_clip", *recurrent(operator, 1, "b", clip=0.5)
    yield "recurrent_LSTM_peepholes", *recurrent("LSTM", 2, "bp", direction="bidirectional")
    yield "recurrent_GRU_after", *recurrent("GRU", 2, "bs", direction="bidirectional", linear_before_reset=1)
    yield "recurrent_RNN_relu", *recurrent("RNN", 1, "b", activations=["Relu"])
    for operator, gates in GATES.items():
        known = {"w": draw(1, gates * UNITS, 2), "r": draw(1, gates * UNITS, UNITS), "b": draw(1, 2 * gates * UNITS), "one": integers(1), "zero": integers(0)}
        states = ["h", "c"] if operator == "LSTM" else ["h"]
        last = [f"{state}n" for state in states]
        before, after = [node("Transpose", "x", "t", perm=[1, 0, 2])], [node("Squeeze", "s,one", "q"), node("Transpose", "q", "y", perm=[1, 0, 2])]
        run = lambda names, outputs: node(operator, ",".join(["t,w,r,b,", *names]), ",".join(["s", *outputs]), hidden_size=UNITS)
        x, y = [("x", ["N", STEPS, 2])], [("y", ["N", STEPS, UNITS])]
        # The states in the layout of PyTorch, whose rows are the second axis.
        yield f"states_{operator}", graph([*before, run(states, []), *after], [*x, *((state, [1, "N", UNITS]) for state in states)], y, known), [draw(2, STEPS, 2), *(draw(1, 2, UNITS) for _ in states)]
        rows_first = [node("Unsqueeze", f"{state},zero", f"{state}0") for state in states]
        yield f"states_{operator}_rows", graph([*before, *rows_first, run([f"{state}0" for state in states], last), *after, node("Squeeze", "hn,zero", "hy")], [*x, *((state, ["N", UNITS]) for state in states)], [*y, ("hy", ["N", UNITS])], known), [draw(2, STEPS, 2), *(draw(2, UNITS) for _ in states)]
        yield f"states_{operator}_of_one_row", graph([*before, run(states, last), *after], [("x", [1, STEPS, 2]), *((state, [1, 1, UNITS]) for state in states)], [("y", [1, STEPS, UNITS]), *((name, [1, 1, UNITS]) for name in last)], known), [draw(1, STEPS, 2), *(draw(1, 1, UNITS) for _ in states)]
        zeros = [node("Shape", "x", "sh"), node("Slice", "sh,zero,one", "n"), node("Concat", "one,n,units", "st", axis=0), node("ConstantOfShape", "st", "z")]
        yield f"states_{operator}_zeros", graph([*before, *zeros, run(["z"] * len(states), []), *after], x, y, {**known, "units": integers(UNITS)}), [draw(2, STEPS, 2)]
    hard = ["HardSigmoid", "Tanh", "Tanh"]
    yield "recurrent_LSTM_hard", *recurrent("LSTM", 1, "b", activations=hard, activation_alpha=[0.2], activation_beta=[0.5])
    yield "recurrent_LSTM_functions", *recurrent("LSTM", 2, "b", direction="bidirectional", activations=["HardSigmoid", "LeakyRelu", "Elu", "HardSigmoid", "ThresholdedRelu", "ScaledTanh"], activation_alpha=[0.3, 0.1, 0.7, 0.25, 0.4, 1.5], activation_beta=[0.4, 0.6, 0.5])
    yield "recurrent_GRU_affine", *recurrent("GRU", 1, "b", activations=["HardSigmoid", "Affine"], activation_alpha=[0.2, 0.5], activation_beta=[0.5, 0.1])
    yield "recurrent_RNN_leaky", *recurrent("RNN", 1, "b", activations=["LeakyRelu"], activation_alpha=[0.3])
    sequence = [node("Transpose", "x", "t", perm=[1, 0, 2]), node("GRU", "t,w,r", "s", hidden_size=3), node("Squeeze", "s,one", "q"), node("Transpose", "q", "y", perm=[1, 0, 2])]
    yield "recurrent_sequence", graph(sequence, [("x", ["N", 5, 2])], [("y", ["N", 5, 3])], {"w": draw(1, 9, 2), "r": draw(1, 9, 3), "one": integers(1)}), [draw(3, 5, 2)]
    stack = [node("Transpose", "x", "t", perm=[1, 0, 2]), node("RNN", "t,w,r", "s", hidden_size=4), node("Squeeze", "s,one", "q"), node("RNN", "q,w,r", ",h", hidden_size=4), node("Squeeze", "h,zero", "y")]
    yield "recurrent_shared", graph(stack, [("x", ["N", 5, 4])], Y, {"w": draw(1, 4, 4), "r": draw(1, 4, 4), "one": integers(1), "zero": integers(0)}), [draw(3, 5, 4)]


def shared_cases():
    """Constants that several nodes read."""
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    statistics = [node("Conv", "x,k", "c"), node("BatchNormalization", "c,ones,zeros,zeros,ones", "b"), node("Relu", "b", "d"), node("BatchNormalization", "d,ones,zeros,zeros,ones", "y")]
    yield "shared_statistics", graph(statistics, IMAGE, [("y", None)], {"k": draw(3, 2, 3, 3), "ones": ones, "zeros": zeros}), [draw(2, 2, 5, 6)]
    copies = [node("Identity", "ones", "i"), node("Identity", "zeros", "j"), node("Conv", "x,k", "c"), node("BatchNormalization", "c,ones,zeros,j,i", "b"), node("Relu", "b", "y")]
    yield "copied_statistics", graph(copies, IMAGE, [("y", None)], {"k": draw(3, 2, 3, 3), "ones": ones, "zeros": zeros}), [draw(2, 2, 5, 6)]
    tied = [node("Gather", "e,i", "a"), node("ReduceMean", "a", "m", axes=[1], keepdims=0), node("Transpose", "e", "t", perm=[1, 0]), node("MatMul", "m,t", "y")]
    yield "tied_embedding", graph(tied, [("i", ["N", 3], INT64)], Y, {"e": draw(7, 4)}), [integers(0, 6, 2, 3, 3, 1).reshape(2, 3)]
    yield "tied_kernel", graph([node("Gemm", "x,w,b", "a"), node("Relu", "a", "c"), node("Gemm", "c,w,b", "y", transB=1)], X, Y, {"w": draw(4, 4), "b": draw(4)}), [draw(3, 4)]
    yield "two_orders", graph([node("Mul", "x,p", "a"), node("Conv", "a,k", "c"), node("Mul", "c,p", "y")], [("x", ["N", 3, 4, 4])], [("y", None)], {"p": draw(3, 4, 4), "k": draw(3, 3, 1, 1)}), [draw(2, 3, 4, 4)]
    yield "names_with_signs", graph([node("Mul", "x,s@10", "a"), node("Floor", "a", "b"), node("Add", "b,s", "y")], X, Y, {"s@10": draw(4), "s": draw(4)}), [draw(3, 4)]
    yield "fixed_constant", graph([node("Constant", "", "k", value=numpy_helper.from_array(draw(4))), node("Floor", "x", "a"), node("Mul", "a,k", "b"), node("MatMul", "b,w", "y")], X, Y, {"w": draw(4, 2)}), [draw(3, 4)]


def conditional(columns):
    """Nested branches that are selected by the number of columns, and read values of the outer graph."""
    branch = lambda nodes, known=None: helper.make_graph(nodes, "b", [], [helper.make_tensor_value_info("out", FLOAT, None)], [numpy_helper.from_array(array, name) for name, array in (known or {}).items()])
    inner = [branch([node("Mul", "h,w", "t"), node("Add", "t,x", "out")], {"w": draw(columns)}), branch([node("Neg", "h", "out")])]
    outer = [branch([node("Tanh", "x", "h"), node("If", "same", "out", then_branch=inner[0], else_branch=inner[1])]), branch([node("Identity", "x", "out")])]
    nodes = [node("Shape", "x", "s"), node("Gather", "s,one", "n"), node("Equal", "n,three", "is"), node("Not", "is", "not"), node("Equal", "is,is", "same"), node("If", "is", "y", then_branch=outer[0], else_branch=outer[1])]
    return graph(nodes, [("x", ["N", columns])], [("y", None)], {"one": np.array(1, np.int64), "three": np.array(3, np.int64)})


def problems():
    """Files that cannot be read or imported."""
    missing = [node("Hardmax", "x", "a"), node("Det", "x", "b"), node("Squeeze", "a", "c"), node("Add", "b,c", "y")]
    yield "problems_import", graph(missing, [("x", ["N", "T", 4])], Y, {"w": draw(1, 8, 4), "r": draw(1, 8, 2)})
    yield "problems_names", graph([node("Det", "x", "a"), node("Add", "a,nothing", "y"), node("Relu", "x", "y")], X, [*Y, ("z", None)])
    newer = graph([node("Det", "x", "y")], X, Y)
    newer.opset_import[0].version = 99
    yield "problems_version", newer


def main():
    parts, count = [], 0
    for name, model in problems():
        path, content = f"{name}/model.onnx".encode(), model.SerializeToString()
        parts.append(struct.pack("<II", len(path), len(content)) + path + content)
    for name, model, inputs in cases():
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        outputs = session.run(None, {given.name: array for given, array in zip(model.graph.input, inputs)})
        files = [("model.onnx", model.SerializeToString())]
        files += [(f"input_{at}.pb", numpy_helper.from_array(array).SerializeToString()) for at, array in enumerate(inputs)]
        numeric = [array for array in outputs if array.dtype.kind not in "OU"]
        files += [(f"output_{at}.pb", numpy_helper.from_array(array).SerializeToString()) for at, array in enumerate(numeric)]
        for file, content in files:
            path = f"{name}/{file}".encode()
            parts.append(struct.pack("<II", len(path), len(content)) + path + content)
        count += 1
    (HERE / "graphs.bin").write_bytes(b"".join(parts))
    print(f"{count} graphs, {sum(map(len, parts))} bytes")


if __name__ == "__main__":
    main()
