"""Corners that no family owns: NaN and infinities, tensors without elements, integers without scales, graphs whose tensors
are used in unusual ways, and combinations of types that few models have."""

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType

from case import Case, Tolerance
from flatmodel import Net
from presets import ends

NONE, RELU = ActivationFunctionType.NONE, ActivationFunctionType.RELU
FLOAT = Tolerance(relative=2e-6, absolute=4e-6)
NAN, INF = np.nan, np.inf
LEFT = np.array([NAN, 1, NAN, INF, -INF, INF, 0.0, -0.0, 2, -INF], np.float32)
RIGHT = np.array([1, NAN, NAN, INF, INF, 1, -0.0, 0.0, -INF, NAN], np.float32)


def one(op, name, dtype, inputs, output, options=None, *, steps=None, tolerance=None, version=1, note="", **fields):
    """A node whose inputs are (shape, type) of model inputs or arrays of constants."""
    net = Net()
    tensors = []
    for given in inputs:
        if isinstance(given, np.ndarray):
            tensors.append(net.constant(given))
        else:
            tensors.append(net.input(*given[:2], **(given[2] if len(given) > 2 else {})))
    kind, quantization = output if isinstance(output, tuple) else (output, {})
    net.op(op, tensors, [net.output(None, kind, **quantization)], options, version=version, **fields)
    return Case(op, f"{dtype}_{name}", dtype, net, note, steps=steps, tolerance=tolerance)


PAIRS = {
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
    "EQUAL": "EqualOptions",
    "NOT_EQUAL": "NotEqualOptions",
    "GREATER": "GreaterOptions",
    "GREATER_EQUAL": "GreaterEqualOptions",
    "LESS": "LessOptions",
    "LESS_EQUAL": "LessEqualOptions",
}
ARITHMETIC = ("ADD", "SUB", "MUL", "DIV")


def not_numbers():
    shape = LEFT.shape
    for op, options in PAIRS.items():
        output = "bool" if "EQUAL" in op or op in ("GREATER", "LESS") else "float32"
        inputs = [(shape, "float32"), (shape, "float32")]
        yield one(op, "not_numbers", "float32", inputs, output, options, steps=[[LEFT, RIGHT]])
        if op in ARITHMETIC:
            fields = dict(fusedActivationFunction=RELU)
            yield one(op, "not_numbers_relu", "float32", inputs, "float32", options, steps=[[LEFT, RIGHT]], **fields)
    rows = np.array([[1, NAN, 3], [NAN, 2, 1], [INF, -INF, 0], [3, 1, NAN]], np.float32)
    for op in ("REDUCE_MAX", "REDUCE_MIN", "SUM", "MEAN"):
        inputs = [((4, 3), "float32"), np.array([1], np.int32)]
        yield one(op, "not_numbers", "float32", inputs, "float32", "ReducerOptions", steps=[[rows]])
    for op, options in (("ARG_MAX", "ArgMaxOptions"), ("ARG_MIN", "ArgMinOptions")):
        inputs = [((4, 3), "float32"), np.array([1], np.int32)]
        yield one(op, "not_numbers", "float32", inputs, "int32", options, steps=[[rows]], outputType=2)
    image = rows.reshape(1, 4, 3, 1)
    fields = dict(filterHeight=2, filterWidth=2, strideH=1, strideW=1)
    for op in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        yield one(op, "not_numbers", "float32", [(image.shape, "float32")], "float32", "Pool2DOptions", steps=[[image]], **fields)


def without_elements():
    """A dimension of 0."""
    vector = np.array([1, 2, 3], np.float32)
    yield one("SUB", "no_elements_broadcast", "float32", [((0, 3), "float32"), vector], "float32", "SubOptions")
    yield one("TRANSPOSE", "no_elements", "float32", [((2, 0, 3), "float32"), np.array([2, 0, 1], np.int32)], "float32", "TransposeOptions")
    yield one("EXP", "no_elements", "float32", [((0,), "float32")], "float32", "ExpOptions")
    yield one("CAST", "no_elements", "float32", [((0, 2), "float32")], "int32", "CastOptions", inDataType=0, outDataType=2)
    yield one("CONCATENATION", "one_without_elements", "int32", [((2, 0), "int32"), ((2, 3), "int32")], "int32", "ConcatenationOptions", axis=1)
    yield one("PAD", "no_elements", "float32", [((0, 2), "float32"), np.array([[1, 1], [0, 1]], np.int32)], "float32", "PadOptions")
    yield one("RESHAPE", "no_elements", "float32", [((0, 4), "float32"), np.array([2, 0], np.int32)], "float32", "ReshapeOptions")
    yield one("SLICE", "to_no_elements", "float32", [((3, 4), "float32"), np.array([1, 1], np.int32), np.array([0, 2], np.int32)], "float32", "SliceOptions")
    yield one("SUM", "of_no_elements", "float32", [((2, 0), "float32"), np.array([1], np.int32)], "float32", "ReducerOptions")
    yield one("REDUCE_MAX", "of_no_elements", "float32", [((2, 0), "float32"), np.array([1], np.int32)], "float32", "ReducerOptions")
    yield one("GATHER", "no_indices", "float32", [((4, 2), "float32"), np.zeros(0, np.int32)], "float32", "GatherOptions", axis=0)


def without_scales():
    """Plain 8-bit integers: what only moves them does not need a scale."""
    for dtype in ("int8", "uint8"):
        x = ((2, 3, 4), dtype)
        yield one("TRANSPOSE", "no_scale", dtype, [x, np.array([2, 0, 1], np.int32)], dtype, "TransposeOptions")
        yield one("SLICE", "no_scale", dtype, [x, np.array([0, 1, 1], np.int32), np.array([2, 1, 3], np.int32)], dtype, "SliceOptions")
        yield one("GATHER", "no_scale", dtype, [x, np.array([1, 0], np.int32)], dtype, "GatherOptions", axis=1)
        yield one("RESHAPE", "no_scale", dtype, [x, np.array([4, 6], np.int32)], dtype, "ReshapeOptions")
        yield one("CONCATENATION", "no_scale", dtype, [x, x], dtype, "ConcatenationOptions", axis=1)
        yield one("TILE", "no_scale", dtype, [x, np.array([1, 2, 1], np.int32)], dtype, "TileOptions")
        yield one("CAST", "no_scale", dtype, [x], "int32", "CastOptions", inDataType=9 if dtype == "int8" else 3, outDataType=2)
        yield one("PACK", "no_scale", dtype, [x, x], dtype, "PackOptions", axis=0, valuesCount=2)
        yield one("SELECT_V2", "no_scale", dtype, [((2, 3, 4), "bool"), x, x], dtype, "SelectV2Options")
        yield one("ARG_MAX", "no_scale", dtype, [x, np.array([2], np.int32)], "int32", "ArgMaxOptions", outputType=2)
        yield one("SPACE_TO_DEPTH", "no_scale", dtype, [((1, 4, 2, 3), dtype)], dtype, "SpaceToDepthOptions", blockSize=2)


def types():
    """Types of input and output that differ."""
    quantized = ends("int8", 0.05, -7)
    wide = dict(scale=1 / 65536, zero_point=-32768)
    yield one("SOFTMAX", "int16_output", "int8", [((3, 11), "int8", quantized)], ("int16", wide), "SoftmaxOptions", version=2, beta=1.0)
    inputs = [((2, 3, 5), "int8", quantized), ((2, 5, 4), "int8", ends("int8", 0.02, 0))]
    yield one("BATCH_MATMUL", "int32_output", "int8", inputs, ("int32", dict(scale=0.001)), "BatchMatMulOptions", version=2)
    yield embedding()


def embedding():
    """A table of int8 rows, read as floats."""
    net = Net()
    table = net.constant(np.arange(-30, 30, dtype=np.int8).reshape(5, 12), name="table", scale=0.013)
    indices = net.input((4,), "int32")
    net.op("EMBEDDING_LOOKUP", [indices, table], [net.output(None, "float32")], version=2)
    return Case("EMBEDDING_LOOKUP", "hybrid_rows", "hybrid", net, steps=[[np.array([4, 0, 2, 4])]], tolerance=FLOAT)


def graphs():
    """Rows of the table named GRAPH: nothing about an operator, all about how tensors are wired."""
    for name, build in GRAPHS.items():
        net = Net()
        build(net)
        yield Case("GRAPH", f"float32_{name}", "float32", net)


def same_tensor_twice(net):
    x = net.input((2, 3), "float32")
    net.op("ADD", [x, x], [net.output((2, 3), "float32")], "AddOptions")


def input_is_output(net):
    x = net.input((2, 3), "float32")
    net.op("RELU", [x], [net.output((2, 3), "float32")])
    net.outputs.append(x)


def output_twice(net):
    x = net.input((4,), "float32")
    y = net.output((4,), "float32")
    net.op("RELU", [x], [y])
    net.outputs.append(y)


def constant_output(net):
    x = net.input((4,), "float32")
    net.op("RELU", [x], [net.output((4,), "float32")])
    net.outputs.append(net.constant(np.array([1.5, -2], np.float32)))


def unused_input(net):
    net.input((7,), "int32")
    x = net.input((4,), "float32")
    net.op("RELU", [x], [net.output((4,), "float32")])


def middle_is_output(net):
    x, middle = net.input((4,), "float32"), net.output((4,), "float32")
    net.op("RELU", [x], [middle])
    net.op("ADD", [middle, x], [net.output((4,), "float32")], "AddOptions")


def views_of_views(net):
    x = net.input((2, 6), "float32")
    middle, flat = net.tensor((3, 4), "float32"), net.tensor((12,), "float32")
    net.op("RESHAPE", [x, net.constant(np.array([3, 4], np.int32))], [middle], "ReshapeOptions")
    net.op("RESHAPE", [middle, net.constant(np.array([12], np.int32))], [flat], "ReshapeOptions")
    net.op("RELU", [flat], [net.output((12,), "float32")])
    net.op("ADD", [x, x], [net.output((2, 6), "float32")], "AddOptions")


def view_of_input_is_output(net):
    x = net.input((2, 6), "float32")
    net.op("RESHAPE", [x, net.constant(np.array([12], np.int32))], [net.output((12,), "float32")], "ReshapeOptions")


def constants_only(net):
    net.input((1,), "float32")
    left, right = (net.constant(np.array(values, np.float32)) for values in ([1, 2], [0.5, -4]))
    net.op("MUL", [left, right], [net.output((2,), "float32")], "MulOptions")


def dead_node(net):
    x = net.input((4,), "float32")
    net.op("EXP", [x], [net.tensor((4,), "float32")], "ExpOptions")
    net.op("RELU", [x], [net.output((4,), "float32")])


GRAPHS = {
    "same_tensor_twice": same_tensor_twice,
    "input_is_output": input_is_output,
    "output_twice": output_twice,
    "constant_output": constant_output,
    "unused_input": unused_input,
    "middle_is_output": middle_is_output,
    "views_of_views": views_of_views,
    "view_of_input_is_output": view_of_input_is_output,
    "constants_only": constants_only,
    "dead_node": dead_node,
}


def cases():
    yield from not_numbers()
    yield from without_elements()
    yield from without_scales()
    yield from types()
    yield from graphs()
