"""CONV_3D and its transpose, windows and neighbourhoods that few models have, elements as bits, and elements spread out."""

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, Padding, ReduceWindowFunction

from case import Case, Tolerance
from flatmodel import DTYPES, Net
from presets import BROADCASTS, SPECIAL_FLOATS

FLOAT = Tolerance(relative=2e-6, absolute=4e-6)
SAME, VALID = Padding.SAME, Padding.VALID
STEPS = dict(strideD=1, strideH=1, strideW=1, dilationDFactor=1, dilationHFactor=1, dilationWFactor=1)

# name: (input, filter, output channels, has a bias, options)
VOLUMES = {
    "valid": ((1, 3, 4, 5, 2), (2, 2, 3), 3, True, dict(padding=VALID)),
    "same": ((2, 3, 4, 3, 2), (2, 3, 3), 2, True, dict(padding=SAME)),
    "no_bias": ((1, 3, 3, 3, 1), (2, 2, 2), 2, False, dict(padding=VALID)),
    "strides": ((1, 5, 6, 7, 2), (2, 3, 2), 2, True, dict(padding=SAME, strideD=2, strideH=3, strideW=2)),
    "dilated": ((1, 5, 5, 6, 1), (2, 2, 2), 3, True, dict(padding=VALID, dilationDFactor=2, dilationHFactor=3, dilationWFactor=2)),
    "relu": ((1, 2, 2, 2, 2), (1, 1, 1), 4, True, dict(padding=VALID, fusedActivationFunction=ActivationFunctionType.RELU)),
}


def convolution(name, shape, kernel, channels, bias, fields):
    net = Net()
    case = Case("CONV_3D", f"float32_{name}", "float32", net, tolerance=FLOAT)
    random = case.random()
    weights = random.normal(0, 0.5, (*kernel, shape[-1], channels)).astype(np.float32)
    inputs = [net.input(shape, "float32"), net.constant(weights), None]
    if bias:
        inputs[2] = net.constant(random.normal(0, 0.5, channels).astype(np.float32))
    net.op("CONV_3D", inputs, [net.output(None, "float32")], "Conv3DOptions", **(STEPS | fields))
    return case


# name: (output shape, kernel, input shape, options)
TRANSPOSED = {
    "valid": ((1, 4, 5, 7, 2), (2, 2, 3), (1, 3, 4, 5, 3), True, dict(padding=VALID)),
    "same": ((1, 3, 4, 5, 2), (2, 3, 3), (1, 3, 4, 5, 2), False, dict(padding=SAME)),
    "strides": ((2, 6, 7, 5, 1), (2, 3, 2), (2, 3, 4, 3, 2), True, dict(padding=SAME, strideD=2, strideH=2, strideW=2)),
}


def transposed(name, wide, kernel, shape, bias, fields):
    net = Net()
    case = Case("CONV_3D_TRANSPOSE", f"float32_{name}", "float32", net, tolerance=FLOAT)
    random = case.random()
    weights = random.normal(0, 0.5, (*kernel, wide[-1], shape[-1])).astype(np.float32)
    inputs = [net.constant(np.array(wide, np.int32)), net.constant(weights), net.input(shape, "float32")]
    if bias:
        inputs.append(net.constant(random.normal(0, 0.5, wide[-1]).astype(np.float32)))
    net.op("CONV_3D_TRANSPOSE", inputs, [net.output(None, "float32")], "Conv3DOptions", **(STEPS | fields))
    return case


def one(op, name, dtype, inputs, output, options=None, *, tolerance=None, steps=None, **fields):
    net = Net()
    tensors = [net.input(*given) if isinstance(given, tuple) else net.constant(given) for given in inputs]
    net.op(op, tensors, [net.output(None, output)], options, **fields)
    return Case(op, f"{dtype}_{name}", dtype, net, steps=steps, tolerance=tolerance)


def neighbourhoods():
    for name, fields in {
        "valid": dict(padding=VALID, filterHeight=2, filterWidth=3, strideH=1, strideW=2),
        "same": dict(padding=SAME, filterHeight=3, filterWidth=3, strideH=2, strideW=1),
        "relu6": dict(padding=VALID, filterHeight=1, filterWidth=1, strideH=1, strideW=1, fusedActivationFunction=ActivationFunctionType.RELU6),
    }.items():
        yield one("L2_POOL_2D", name, "float32", [((2, 5, 6, 3), "float32")], "float32", "Pool2DOptions", tolerance=FLOAT, **fields)
    for name, fields in {
        "usual": dict(radius=2, bias=1.0, alpha=0.5, beta=0.75),
        "wide": dict(radius=20, bias=2.0, alpha=4.0, beta=0.5),
        "alone": dict(radius=0, bias=1.0, alpha=1.0, beta=1.0),
    }.items():
        options = "LocalResponseNormalizationOptions"
        yield one("LOCAL_RESPONSE_NORMALIZATION", name, "float32", [((1, 2, 2, 7), "float32")], "float32", options, tolerance=FLOAT, **fields)
    for name, fields in {
        "bits_8": dict(min=-1.0, max=1.5, numBits=8, narrowRange=False),
        "bits_4": dict(min=0.0, max=6.0, numBits=4, narrowRange=False),
        "bits_16": dict(min=-3.0, max=0.5, numBits=16, narrowRange=False),
    }.items():
        yield one("FAKE_QUANT", name, "float32", [((2, 30), "float32")], "float32", "FakeQuantOptions", tolerance=FLOAT, **fields)


def windows():
    functions = {"add": ReduceWindowFunction.ADD, "mul": ReduceWindowFunction.MUL, "minimum": ReduceWindowFunction.MINIMUM, "maximum": ReduceWindowFunction.MAXIMUM}
    for name, function in functions.items():
        for dtype in ("float32", "int8", "int32", "int64", "uint8", "int16"):
            start = np.array(3, DTYPES[dtype][1])
            sides = [np.array(values, np.int64) for values in ([2, 1, 3], [1, 2, 1], [2, 1, 2])]
            inputs = [((4, 3, 6), dtype), start, *sides]
            yield one("REDUCE_WINDOW", name, dtype, inputs, dtype, "ReduceWindowOptions", tolerance=FLOAT if dtype == "float32" else None, reduceFunction=function)
    for name, function in {"all": ReduceWindowFunction.ALL, "any": ReduceWindowFunction.ANY}.items():
        sides = [np.array(values, np.int64) for values in ([2, 2], [1, 1], [1, 1])]
        yield one("REDUCE_WINDOW", name, "bool", [((4, 5), "bool"), np.array(name == "all"), *sides], "bool", "ReduceWindowOptions", reduceFunction=function)


def bits():
    for dtype in ("int8", "uint8", "int16", "int32"):
        for name, (left, right) in BROADCASTS.items():
            if dtype == "int8" or name in ("same", "channel"):
                yield one("BITWISE_XOR", name, dtype, [(left, dtype), (right, dtype)], dtype, "BitwiseXorOptions")
        values = np.array([-100, -1, 0, 1, 77, 127] if dtype != "uint8" else [0, 1, 2, 100, 200, 255], DTYPES[dtype][1])
        by = np.array([[0], [1], [7], [3]], DTYPES[dtype][1])
        yield one("RIGHT_SHIFT", "places", dtype, [(values.shape, dtype), (by.shape, dtype)], dtype, "RightShiftOptions", steps=[[values, by]])
        if dtype != "uint8":
            far = np.array([[-1], [31], [100]], DTYPES[dtype][1])
            yield one("RIGHT_SHIFT", "too_far", dtype, [(values.shape, dtype), (far.shape, dtype)], dtype, "RightShiftOptions", steps=[[values, far]])
    for name, shape, source, target in (
        ("float_to_int", (2, 3), "float32", "int32"),
        ("int_to_float", (2, 3), "int32", "float32"),
        ("to_parts", (2, 3), "int32", "int8"),
        ("to_halves", (5,), "int64", "float32"),
        ("from_parts", (2, 3, 4), "uint8", "int32"),
        ("from_halves", (3, 2), "int16", "float32"),
    ):
        yield one("BITCAST", name, source, [(shape, source)], target, "BitcastOptions")


def angles():
    shape = (5, 6)
    yield one("ATAN2", "noise", "float32", [(shape, "float32"), (shape, "float32")], "float32", "ATan2Options", tolerance=FLOAT)
    values = np.array(SPECIAL_FLOATS)
    left, right = np.meshgrid(values, values)
    yield one("ATAN2", "odd", "float32", [(left.shape, "float32")] * 2, "float32", "ATan2Options", tolerance=FLOAT, steps=[[left, right]])


def spread():
    for dtype in ("float32", "int8", "uint8", "int16", "int32", "int64", "bool"):
        between = np.array(1, DTYPES[dtype][1])
        inputs = [((2, 3, 2), dtype), np.array([2, 1, 3], np.int32), between]
        yield one("DILATE", "apart", dtype, inputs, dtype, "DilateOptions")
    for dtype in ("float32", "int8", "uint8", "int32", "int64"):
        places, sides = np.array([[0, 1], [2, 0], [2, 2]], np.int32), np.array([3, 3], np.int32)
        numbers = np.array([5, 6, 7], DTYPES[dtype][1])
        inputs = [places, sides, (numbers.shape, dtype), np.array(9, DTYPES[dtype][1])]
        yield one("SPARSE_TO_DENSE", "places", dtype, inputs, dtype, "SparseToDenseOptions", steps=[[numbers]])
    inputs = [np.array([4, 0], np.int64), np.array([6], np.int64), ((), "float32"), np.array(0, np.float32)]
    yield one("SPARSE_TO_DENSE", "one_value", "float32", inputs, "float32", "SparseToDenseOptions")


def basic_rnn():
    for dtype in ("float32", "hybrid"):
        net = Net()
        case = Case("RNN", f"{dtype}_steps", dtype, net, "the state is kept from step to step", tolerance=FLOAT)
        random = case.random()
        x = net.input((2, 5), "float32")
        if dtype == "float32":
            weights = [net.constant(random.normal(0, 0.5, shape).astype(np.float32)) for shape in ((4, 5), (4, 4))]
        else:
            weights = [net.constant(random.integers(-127, 128, shape).astype(np.int8), scale=0.01) for shape in ((4, 5), (4, 4))]
        bias = net.constant(random.normal(0, 0.5, 4).astype(np.float32))
        state = net.variable((2, 4), "float32")
        fields = dict(fusedActivationFunction=ActivationFunctionType.TANH, asymmetricQuantizeInputs=False)
        net.op("RNN", [x, *weights, bias, state], [net.output(None, "float32")], "RNNOptions", **fields)
        case.steps = [[random.normal(0, 1, (2, 5)).astype(np.float32)] for _ in range(3)]
        yield case


def cases():
    for name, arguments in VOLUMES.items():
        yield convolution(name, *arguments)
    for name, arguments in TRANSPOSED.items():
        yield transposed(name, *arguments)
    for family in (neighbourhoods, windows, bits, angles, spread, basic_rnn):
        yield from family()
