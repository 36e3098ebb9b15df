"""PAD, CONCATENATION, RESHAPE and SQUEEZE: nothing is computed, so floats are equal bit for bit."""

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType

from case import Case
from flatmodel import Net
from presets import ends

# Types that get every shape.
FULL = ("float32", "int8")

PADS = {
    "image": ((1, 3, 4, 2), [[0, 0], [1, 2], [0, 3], [0, 0]]),
    "channels": ((2, 2, 3), [[0, 0], [0, 0], [2, 1]]),
    "every_axis": ((2, 2, 2, 2), [[1, 0], [0, 1], [2, 2], [1, 1]]),
    "nothing": ((2, 3), [[0, 0], [0, 0]]),
    "rank_1": ((5,), [[2, 3]]),
    "rank_5": ((1, 2, 1, 2, 3), [[0, 1], [1, 0], [0, 0], [1, 1], [0, 2]]),
}

CONCATENATIONS = {
    "channels": (((1, 2, 3, 2), (1, 2, 3, 5)), 3),
    "negative_axis": (((2, 3), (2, 1), (2, 4)), -1),
    "first": (((1, 3), (2, 3)), 0),
    "middle": (((2, 1, 3), (2, 4, 3)), 1),
    "one_input": (((2, 3),), 1),
    "an_empty_input": (((2, 0), (2, 3)), 1),
    "rank_1": (((3,), (1,), (5,)), 0),
    "rank_6": (((1, 2, 1, 2, 1, 2), (1, 2, 3, 2, 1, 2)), 2),
}

RESHAPES = {
    "flatten": ((2, 3, 4), (2, 12)),
    "inferred": ((2, 3, 4), (-1, 6)),
    "to_rank_1": ((2, 3), (6,)),
    "to_scalar": ((1, 1), ()),
    "grow": ((6,), (1, 2, 1, 3)),
    "same": ((3, 4), (3, 4)),
}

SQUEEZES = {
    "all": ((1, 3, 1, 4), []),
    "some": ((1, 3, 1, 4), [0]),
    "negative": ((1, 3, 1, 4), [-2]),
    "both": ((1, 3, 1, 4), [2, 0]),
    "to_scalar": ((1, 1), []),
}


def case(op, name, dtype, build, note=""):
    net = Net()
    build(net, dtype, ends(dtype, 0.04, -11))
    return Case(op, f"{dtype}_{name}", dtype, net, note)


def pad(shape, paddings, index_dtype="int32"):
    def build(net, dtype, quantization):
        x = net.input(shape, dtype, **quantization)
        amounts = net.constant(np.array(paddings, index_dtype), name="paddings")
        version = 1 if dtype == "float32" else 2
        net.op("PAD", [x, amounts], [net.output(None, dtype, **quantization)], "PadOptions", version=version)

    return build


def concatenation(shapes, axis):
    def build(net, dtype, quantization):
        inputs = [net.input(shape, dtype, **quantization) for shape in shapes]
        y = net.output(None, dtype, **quantization)
        fields = dict(axis=axis, fusedActivationFunction=ActivationFunctionType.NONE)
        net.op("CONCATENATION", inputs, [y], "ConcatenationOptions", version=1 if dtype == "float32" else 2, **fields)

    return build


def reshape(shape, target, *, as_option=False):
    def build(net, dtype, quantization):
        inputs = [net.input(shape, dtype, **quantization)]
        if not as_option:
            inputs.append(net.constant(np.array(target, np.int32), name="shape"))
        y = net.output(None, dtype, **quantization)
        net.op("RESHAPE", inputs, [y], "ReshapeOptions", newShape=list(target) if as_option else None)

    return build


def squeeze(shape, dims):
    def build(net, dtype, quantization):
        x = net.input(shape, dtype, **quantization)
        net.op("SQUEEZE", [x], [net.output(None, dtype, **quantization)], "SqueezeOptions", squeezeDims=dims)

    return build


OTHERS = ("uint8", "int16", "int32", "int64", "bool")


def other_types():
    """The same movements; the bytes of an element are more or fewer."""
    for dtype in OTHERS:
        yield case("PAD", "image", dtype, pad(*PADS["image"]))
        yield case("CONCATENATION", "channels", dtype, concatenation(*CONCATENATIONS["channels"]))
        yield case("RESHAPE", "inferred", dtype, reshape(*RESHAPES["inferred"]))
        yield case("SQUEEZE", "some", dtype, squeeze(*SQUEEZES["some"]))


def other_scales(dtype):
    """Inputs of other scales than the output are requantized (uint8 only)."""
    net = Net()
    scales = ((0.05, 131), (0.021, 17), (0.1, 200))
    inputs = [net.input((2, 3, 7), dtype, scale=scale, zero_point=point) for scale, point in scales]
    y = net.output(None, dtype, scale=0.07, zero_point=120)
    fields = dict(axis=2, fusedActivationFunction=ActivationFunctionType.NONE)
    net.op("CONCATENATION", inputs, [y], "ConcatenationOptions", version=1, **fields)
    return Case("CONCATENATION", f"{dtype}_other_scales", dtype, net)


def cases():
    yield from other_types()
    yield other_scales("uint8")
    for dtype in FULL:
        for name, (shape, paddings) in PADS.items():
            yield case("PAD", name, dtype, pad(shape, paddings))
        yield case("PAD", "int64_paddings", dtype, pad(*PADS["image"], "int64"))
        for name, (shapes, axis) in CONCATENATIONS.items():
            yield case("CONCATENATION", name, dtype, concatenation(shapes, axis))
        for name, (shape, target) in RESHAPES.items():
            yield case("RESHAPE", name, dtype, reshape(shape, target))
        yield case("RESHAPE", "shape_in_options", dtype, reshape((2, 6), (3, -1), as_option=True))
        for name, (shape, dims) in SQUEEZES.items():
            yield case("SQUEEZE", name, dtype, squeeze(shape, dims))
