"""ADD, SUB and MUL: broadcasting, fused activations, arbitrary scales and zero points."""

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType

from case import Case
from flatmodel import Net

NONE, RELU, RELU6 = ActivationFunctionType.NONE, ActivationFunctionType.RELU, ActivationFunctionType.RELU6
RELU_N1_TO_1 = ActivationFunctionType.RELU_N1_TO_1

SHAPES = {
    "same": ((2, 3, 5), (2, 3, 5)),
    "row": ((1, 3, 4, 5), (5,)),
    "row_first": ((5,), (1, 3, 4, 5)),
    "channel": ((2, 3, 3, 4), (1, 1, 1, 4)),
    "column": ((2, 3, 3, 4), (2, 3, 3, 1)),
    "crosswise": ((3, 1, 4), (1, 5, 1)),
    "scalar": ((2, 7), ()),
    "scalar_first": ((), (2, 7)),
    "one_value": ((1,), (1,)),
    "rank_5": ((2, 1, 3, 1, 4), (1, 2, 3, 2, 4)),
    "rank_6": ((2, 1, 3, 1, 2, 3), (1, 2, 3, 2, 1, 3)),
    "empty": ((0, 3), (1, 3)),
}

# name: (scale, zero point) of both inputs and the output.
QUANTIZATIONS = {
    "even": ((0.05, 0), (0.05, 0), (0.1, 0)),
    "odd_scales": ((0.0371, -13), (0.00913, 77), (0.0522, 5)),
    "wide_apart": ((1.7, 3), (0.0004, -100), (2.1, -9)),
    "saturating": ((0.5, -128), (0.3, 127), (0.01, 0)),
    "extreme_zero_points": ((0.02, 127), (0.03, -128), (0.05, 127)),
    "tiny_output": ((0.001, 1), (0.002, 2), (30.0, -3)),
}

OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}


def case(op, name, dtype, shapes, *, quantization=None, activation=NONE, note="", version=1):
    net = Net()
    first, second, out = ({}, {}, {})
    if quantization is not None:
        first, second, out = (dict(scale=scale, zero_point=point) for scale, point in quantization)
    left, right = net.input(shapes[0], dtype, **first), net.input(shapes[1], dtype, **second)
    net.op(op, [left, right], [net.output(None, dtype, **out)], OPTIONS[op], version=version, fusedActivationFunction=activation)
    return Case(op, f"{dtype}_{name}", dtype, net, note)


def constant_case(op):
    net = Net()
    x = net.input((1, 2, 3, 4), "int8", scale=0.05, zero_point=4)
    values = net.constant(np.array([-128, -1, 0, 127], np.int8), scale=0.03, zero_point=-2)
    y = net.output(None, "int8", scale=0.07, zero_point=1)
    net.op(op, [x, values], [y], OPTIONS[op], version=2, fusedActivationFunction=NONE)
    return Case(op, "int8_constant", "int8", net, "the second operand is a constant")


def cases():
    for op in OPTIONS:
        for name, shapes in SHAPES.items():
            yield case(op, name, "float32", shapes)
            yield case(op, name, "int8", shapes, quantization=QUANTIZATIONS["odd_scales"], version=2)
        for name, quantization in QUANTIZATIONS.items():
            yield case(op, f"scales_{name}", "int8", ((2, 40), (2, 40)), quantization=quantization, version=2)
        for name, activation in (("relu", RELU), ("relu6", RELU6), ("relu_n1_to_1", RELU_N1_TO_1)):
            yield case(op, name, "float32", ((2, 9), (2, 9)), activation=activation)
            yield case(op, name, "int8", ((2, 9), (2, 9)), quantization=QUANTIZATIONS["odd_scales"], activation=activation, version=2)
        yield constant_case(op)
