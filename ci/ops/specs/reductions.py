"""Operators along axes: sums, extremes, products, logic, positions of extremes, running sums, norms. MEAN's wider types."""

import numpy as np
from ai_edge_litert.schema_py_generated import TensorType

from case import Case, Tolerance, noise
from flatmodel import DTYPES, Net
from presets import QUANTIZED, ends

SUM = Tolerance(relative=2e-6, absolute=2e-6)
LIBRARY = Tolerance(relative=1e-6, absolute=2e-6)

# name: (input shape, axes, keep dims)
AXES = {
    "image": ((2, 3, 5, 4), [1, 2], True),
    "image_dropped": ((2, 3, 5, 4), [1, 2], False),
    "negative_axes": ((2, 3, 5, 4), [-3, -1], False),
    "last": ((3, 4, 7), [2], True),
    "first": ((5, 4), [0], False),
    "all": ((2, 3, 4), [0, 1, 2], False),
    "repeated_axis": ((2, 3, 4), [1, 1], True),
    "no_axis": ((2, 3), [], False),
    "rank_1": ((9,), [0], True),
    "rank_5": ((2, 2, 3, 2, 2), [1, 3], False),
    "scalar_axis": ((3, 4), 1, False),
}
FEW = ("image", "last", "all")

NUMBERS = ("float32", "int8", "uint8", "int16", "int32", "int64")
REDUCERS = {
    "SUM": NUMBERS,
    "REDUCE_MAX": (*NUMBERS, "bool"),
    "REDUCE_MIN": (*NUMBERS, "bool"),
    "REDUCE_PROD": ("float32", "int8", "int16", "int32", "int64"),
    "REDUCE_ANY": ("bool",),
    "REDUCE_ALL": ("bool",),
    "MEAN": ("uint8", "int16", "int32", "int64"),
}
# The reference kernel of LiteRT 2.3.0 adds to memory that it never wrote: its sums of int16 differ from run to run, those
# of int8 are -1 nearly everywhere. The other set without delegates adds right.
UNWRITTEN = ("int8", "int16")
OPTIMIZED = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
SAME_QUANTIZATION = ("REDUCE_MAX", "REDUCE_MIN")


def reduce(op, name, dtype, shape, axes, keep_dims, start=(0.05, 7), end=(0.083, -4)):
    net = Net()
    if op in SAME_QUANTIZATION:
        end = start
    x = net.input(shape, dtype, **ends(dtype, *start))
    axes = net.constant(np.array(axes, np.int32), name="axes")
    y = net.output(None, dtype, **ends(dtype, *end))
    net.op(op, [x, axes], [y], "ReducerOptions", version=2 if dtype in QUANTIZED else 1, keepDims=keep_dims)
    case = Case(op, f"{dtype}_{name}", dtype, net, tolerance=SUM if dtype == "float32" and op in ("SUM", "REDUCE_PROD") else None)
    if op == "SUM" and dtype in UNWRITTEN:
        case.kernels = OPTIMIZED
    values = noise(case.random(), shape, dtype)
    if dtype == "bool":
        values = case.random().random(shape) < (0.85 if op in ("REDUCE_ALL", "REDUCE_MIN") else 0.15)
    if op == "REDUCE_PROD":
        values = small_factors(values, dtype)
    case.steps = [[values]]
    return case


def small_factors(values, dtype):
    """Products that stay inside the type."""
    if dtype == "float32":
        return np.where(np.abs(values) < 0.3, 1.0, values * 0.5).astype(np.float32)
    return values if dtype in QUANTIZED else (values % 3 + 1).astype(values.dtype)


def reducers():
    for op, types in REDUCERS.items():
        for dtype in types:
            names = AXES if dtype in ("float32", "int8", "bool") else FEW
            for name in names:
                yield reduce(op, name, dtype, *AXES[name])
    image = ((1, 7, 7, 5), [1, 2], True)
    for op in ("SUM", "MEAN", "REDUCE_PROD"):
        for dtype in ("int8", "uint8", "int16"):
            if dtype not in REDUCERS[op]:
                continue
            yield reduce(op, "same_scale", dtype, *image, (0.05, 7), (0.05, 7))
            yield reduce(op, "saturating", dtype, *image, (0.05, -7), (0.003, 0))
            yield reduce(op, "coarse", dtype, *image, (0.01, 127), (0.9, 100) if op == "SUM" else (0.03, 100))


POSITIONS = {
    "last": ((2, 3, 7), 2),
    "channels": ((1, 3, 4, 5), 3),
    "middle": ((2, 5, 3), 1),
    "negative": ((4, 6), -2),
    "rank_1": ((11,), 0),
}


def position(op, name, dtype, output, shape, axis, *, ties=False):
    net = Net()
    x = net.input(shape, dtype, **ends(dtype, 0.05, 3))
    axis = net.constant(np.array(axis, np.int32), name="axis")
    options = "ArgMaxOptions" if op == "ARG_MAX" else "ArgMinOptions"
    net.op(op, [x, axis], [net.output(None, output)], options, version=2, outputType=getattr(TensorType, DTYPES[output][0]))
    case = Case(op, f"{dtype}_{name}", dtype, net, "equal values: the first counts" if ties else "")
    if ties:
        case.steps = [[noise(case.random(), shape, "int8").astype(np.int64).__mod__(3).astype(x.numpy)]]
    return case


def positions():
    for op in ("ARG_MAX", "ARG_MIN"):
        for dtype in ("float32", "int8", "uint8", "int32", "bool"):
            for name, (shape, axis) in POSITIONS.items():
                if dtype in ("float32", "int8") or name == "channels":
                    yield position(op, name, dtype, "int32", shape, axis)
            yield position(op, "int64_output", dtype, "int64", (2, 9), 1)
            yield position(op, "ties", dtype, "int32", (3, 8), 1, ties=True)


def cumsum(name, dtype, shape, axis, **fields):
    net = Net()
    x = net.input(shape, dtype)
    axis = net.constant(np.array(axis, np.int32), name="axis")
    net.op("CUMSUM", [x, axis], [net.output(None, dtype)], "CumsumOptions", **fields)
    return Case("CUMSUM", f"{dtype}_{name}", dtype, net, tolerance=SUM if dtype == "float32" else None)


def cumsums():
    for dtype in ("float32", "int32", "int64"):
        yield cumsum("last", dtype, (2, 3, 5), 2)
        yield cumsum("middle_exclusive", dtype, (2, 4, 3), 1, exclusive=True)
        yield cumsum("first_reverse", dtype, (5, 2), 0, reverse=True)
        yield cumsum("negative_both", dtype, (2, 6), -1, exclusive=True, reverse=True)


L2_OUTPUT = {"float32": {}, "int8": dict(scale=1 / 128, zero_point=0), "uint8": dict(scale=1 / 128, zero_point=128)}
LOG_OUTPUT = {"float32": {}, "int8": dict(scale=16 / 256, zero_point=127), "uint8": dict(scale=16 / 256, zero_point=255)}


def along_last(op, name, dtype, shape, output, options, scale=0.05, zero_point=-11):
    net = Net()
    x = net.input(shape, dtype, **ends(dtype, scale, zero_point))
    net.op(op, [x], [net.output(None, dtype, **output[dtype])], options, version=1 if dtype == "float32" else 2)
    return Case(op, f"{dtype}_{name}", dtype, net, tolerance=LIBRARY if dtype == "float32" else None)


def norms():
    for dtype in ("float32", "int8", "uint8"):
        for name, shape in (("row", (1, 9)), ("image", (2, 3, 2, 5)), ("wide", (2, 61)), ("one_value", (2, 1))):
            yield along_last("L2_NORMALIZATION", name, dtype, shape, L2_OUTPUT, "L2NormOptions")
            yield along_last("LOG_SOFTMAX", name, dtype, shape, LOG_OUTPUT, "LogSoftmaxOptions")
        if dtype != "float32":
            yield along_last("L2_NORMALIZATION", "extreme_zero_point", dtype, (4, 13), L2_OUTPUT, "L2NormOptions", 0.3, -128)
            yield along_last("LOG_SOFTMAX", "fine", dtype, (4, 13), LOG_OUTPUT, "LogSoftmaxOptions", 0.004, 127)
            yield along_last("LOG_SOFTMAX", "coarse", dtype, (4, 13), LOG_OUTPUT, "LogSoftmaxOptions", 0.9, 0)
    zeros = along_last("L2_NORMALIZATION", "zeros", "float32", (2, 4), L2_OUTPUT, "L2NormOptions")
    zeros.steps = [[np.zeros((2, 4), np.float32)]]
    yield zeros


def cases():
    yield from reducers()
    yield from positions()
    yield from cumsums()
    yield from norms()
