"""Element-wise operators on the rarer of their types, int16 above all, and what LiteRT refuses to compute."""

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType

from case import Case, noise
from flatmodel import Net
from presets import BROADCASTS, ends, every_value

SHAPES = {name: BROADCASTS[name] for name in ("same", "row", "scalar_first")}
# Where the quotient of the scales is near 1 or below, LiteRT's DIV shifts by more than 31 bits, which has no defined
# result.
PAIRS = {"odd_scales": (0.0371, 0.00913, 0.0522), "fine_output": (0.5, 0.3, 0.01)}
RELATIONS = {
    "EQUAL": "EqualOptions",
    "NOT_EQUAL": "NotEqualOptions",
    "GREATER": "GreaterOptions",
    "GREATER_EQUAL": "GreaterEqualOptions",
    "LESS": "LessOptions",
    "LESS_EQUAL": "LessEqualOptions",
}


def roots(op):
    """Of no negative value; the scales of every_value's range."""
    values = every_value("int16")
    for name, (start, end) in {"odd_scale": (0.000371, 0.00052), "coarse": (0.5, 0.01), "fine": (1e-6, 0.25)}.items():
        net = Net()
        x = net.input(values.shape, "int16", scale=start, zero_point=0)
        net.op(op, [x], [net.output(None, "int16", scale=end, zero_point=0)], version=2)
        yield Case(op, f"int16_{name}", "int16", net, steps=[[np.abs(values.astype(np.int32)).clip(1, 32767)]])


def quotients(dtype):
    for name, shapes in SHAPES.items():
        yield quotient(f"{dtype}_{name}", dtype, shapes, PAIRS["odd_scales"])
    for name, scales in PAIRS.items():
        yield quotient(f"{dtype}_scales_{name}", dtype, ((2, 40), (2, 40)), scales)
        yield quotient(f"{dtype}_scales_{name}_row", dtype, ((3, 20), (20,)), scales)
    yield quotient(f"{dtype}_relu6", dtype, ((2, 9), (2, 9)), PAIRS["odd_scales"], ActivationFunctionType.RELU6)


def quotient(name, dtype, shapes, scales, activation=ActivationFunctionType.NONE):
    net = Net()
    points = (-13, 77, 5) if dtype == "int8" else (0, 0, 0)
    first, second, out = (dict(scale=scale, zero_point=point) for scale, point in zip(scales, points, strict=True))
    inputs = [net.input(shapes[0], dtype, **first), net.input(shapes[1], dtype, **second)]
    net.op("DIV", inputs, [net.output(None, dtype, **out)], "DivOptions", version=2, fusedActivationFunction=activation)
    case = Case("DIV", name, dtype, net)
    left, right = (noise(case.random(), tensor.shape, dtype) for tensor in net.inputs)
    right = np.where(right == points[1], right + 1, right).astype(dtype)
    case.steps = [[left, right]]
    return case


def relation(op, name, scales):
    net = Net()
    first, second = ({} if scale is None else dict(scale=scale, zero_point=0) for scale in scales)
    inputs = [net.input((4, 20), "int16", **first), net.input((4, 20), "int16", **second)]
    net.op(op, inputs, [net.output(None, "bool")], RELATIONS[op])
    case = Case(op, f"int16_{name}", "int16", net)
    case.steps = [[noise(case.random(), (4, 20), "int16") % 5 for _ in inputs]]
    return case


def plain_int16(op, options):
    net = Net()
    inputs = [net.input((3, 8), "int16"), net.input((8,), "int16")]
    net.op(op, inputs, [net.output(None, "int16")], options, version=4)
    return Case(op, "int16_without_scales", "int16", net, "integers that wrap")


def requantized():
    net = Net()
    x = net.input((2, 128), "uint8", **ends("uint8", 0.0371, -13))
    net.op("QUANTIZE", [x], [net.output(None, "int16", scale=0.0002, zero_point=0)])
    return Case("QUANTIZE", "int16_uint8_to_int16", "int16", net, steps=[[every_value("uint8")]])


def probabilities(dtype):
    net = Net()
    x = net.input((4, 20), dtype, **ends(dtype, 0.0471, -13))
    net.op("SOFTMAX", [x], [net.output(None, "int16", scale=1 / 65536, zero_point=-32768)], "SoftmaxOptions", version=2, beta=1.0)
    return Case("SOFTMAX", f"{dtype}_to_int16", dtype, net)


def refused(op, dtype, values, options=None):
    """LiteRT prepares the model and refuses the values."""
    net = Net()
    inputs = [net.input(value.shape, dtype) for value in values]
    net.op(op, inputs, [net.output(values[0].shape, dtype)], options)
    return Case(op, f"{dtype}_refused", dtype, net, steps=[values], refused=True)


def cases():
    for op in ("SQRT", "RSQRT", "LOG"):
        yield from roots(op)
    for dtype in ("int8", "int16"):
        yield from quotients(dtype)
    for op in RELATIONS:
        # LiteRT leaves the output of NOT_EQUAL as it was.
        if op != "NOT_EQUAL":
            yield relation(op, "without_scales", (None, None))
        yield relation(op, "scales", (0.25, 0.125))
    yield plain_int16("ADD", "AddOptions")
    yield plain_int16("MUL", "MulOptions")
    yield requantized()
    for dtype in ("int8", "uint8"):
        yield probabilities(dtype)
    one, zero = np.array([4, 1], np.int32), np.array([2, 0], np.int32)
    yield refused("DIV", "int32", [one, zero], "DivOptions")
    yield refused("FLOOR_DIV", "int32", [one, zero])
    yield refused("FLOOR_MOD", "int32", [one, zero])
    yield refused("FLOOR_DIV", "float32", [one.astype(np.float32), zero.astype(np.float32)])
