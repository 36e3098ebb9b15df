"""AVERAGE_POOL_2D, MAX_POOL_2D and MEAN."""

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, Padding

from case import Case, Tolerance
from flatmodel import Net
from presets import ends

NONE, RELU, RELU6 = ActivationFunctionType.NONE, ActivationFunctionType.RELU, ActivationFunctionType.RELU6
SAME, VALID = Padding.SAME, Padding.VALID
SUM = Tolerance(relative=1e-6, absolute=1e-6)

# name: (input NHWC, window (height, width), stride (height, width), padding, fused activation)
WINDOWS = {
    "whole_image": ((1, 5, 7, 3), (5, 7), (1, 1), VALID, NONE),
    "valid_2x2": ((1, 6, 7, 4), (2, 2), (2, 2), VALID, NONE),
    "same_3x3": ((1, 5, 7, 3), (3, 3), (1, 1), SAME, NONE),
    "same_3x3_stride_2": ((1, 8, 7, 3), (3, 3), (2, 2), SAME, RELU),
    "same_2x3_stride_3_1": ((2, 7, 5, 2), (2, 3), (3, 1), SAME, RELU6),
    "window_over_image": ((1, 2, 3, 5), (5, 5), (1, 1), SAME, NONE),
    "wide": ((1, 4, 4, 37), (2, 2), (2, 2), VALID, NONE),
}

# name: (input shape, axes, keep dims)
MEANS = {
    "image": ((2, 3, 5, 4), [1, 2], True),
    "image_dropped": ((2, 3, 5, 4), [1, 2], False),
    "negative_axes": ((2, 3, 5, 4), [-3, -2], False),
    "last": ((3, 4, 7), [2], True),
    "first": ((5, 4), [0], False),
    "all": ((2, 3, 4), [0, 1, 2], False),
    "repeated_axis": ((2, 3, 4), [1, 1], True),
    "no_axis": ((2, 3), [], False),
    "rank_1": ((9,), [0], True),
    "rank_5": ((2, 2, 3, 2, 2), [1, 3], False),
}


def pool(op, name, dtype, window, **quantization):
    shape, (height, width), (stride_h, stride_w), padding, activation = window
    net = Net()
    x = net.input(shape, dtype, **quantization)
    fields = dict(filterHeight=height, filterWidth=width, strideH=stride_h, strideW=stride_w, padding=padding)
    fields |= dict(fusedActivationFunction=activation)
    version = 1 if dtype == "float32" else 2
    net.op(op, [x], [net.output(None, dtype, **quantization)], "Pool2DOptions", version=version, **fields)
    return Case(op, f"{dtype}_{name}", dtype, net, tolerance=SUM if dtype == "float32" and op == "AVERAGE_POOL_2D" else None)


def mean(name, dtype, shape, axes, keep_dims, start=(0.05, 7), end=(0.03, -4)):
    net = Net()
    ends = [{} if dtype == "float32" else dict(scale=scale, zero_point=point) for scale, point in (start, end)]
    x = net.input(shape, dtype, **ends[0])
    axes = net.constant(np.array(axes, np.int32), name="axes")
    net.op("MEAN", [x, axes], [net.output(None, dtype, **ends[1])], "ReducerOptions", version=2, keepDims=keep_dims)
    return Case("MEAN", f"{dtype}_{name}", dtype, net, tolerance=SUM if dtype == "float32" else None)


def cases():
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for name, window in WINDOWS.items():
            yield pool(op, name, "float32", window)
            yield pool(op, name, "int8", window, scale=0.043, zero_point=-9)
        for dtype in ("uint8", "int16"):
            for name in ("whole_image", "same_3x3_stride_2", "same_2x3_stride_3_1", "window_over_image"):
                yield pool(op, name, dtype, WINDOWS[name], **ends(dtype, 0.043, -9))
        yield pool(op, "extreme_zero_point", "int8", WINDOWS["same_3x3_stride_2"], scale=0.02, zero_point=-128)
    for name, (shape, axes, keep_dims) in MEANS.items():
        yield mean(name, "float32", shape, axes, keep_dims)
        yield mean(name, "int8", shape, axes, keep_dims)
    image = ((1, 7, 7, 5), [1, 2], True)
    yield mean("same_scale", "int8", *image, start=(0.05, 7), end=(0.05, 7))
    yield mean("saturating", "int8", *image, start=(0.05, -7), end=(0.003, 0))
    yield mean("coarse", "int8", *image, start=(0.01, 127), end=(0.1, 100))
