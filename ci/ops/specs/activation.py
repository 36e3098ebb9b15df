"""SOFTMAX, LOGISTIC, RELU, RELU6 and HARD_SWISH."""

import numpy as np

from case import Case, Tolerance
from flatmodel import Net
from presets import ends, every_value

SHAPES = {"row": (1, 9), "image": (2, 3, 3, 5), "rank_1": (7,), "rank_3": (2, 3, 4), "one_value": (1, 1)}
# name: (scale, zero point) of the input and of a free output.
QUANTIZATIONS = {
    "odd_scales": ((0.0471, -13), (0.0322, 5)),
    "fine": ((0.004, 100), (0.003, -20)),
    "coarse": ((0.6, -128), (0.05, -128)),
    "extreme_zero_points": ((0.1, 127), (0.05, 127)),
}
EVERY_INT8 = np.arange(-128, 128, dtype=np.int8).reshape(2, 128)

# Outputs that LiteRT's int8 kernels prescribe.
PROBABILITIES = (1 / 256, -128)

EXPONENTIAL = Tolerance(relative=1e-6, absolute=1e-7)
RAMP = np.array([-np.inf, -90, -20, -6, -3.5, -3, -1.5, -1e-8, -0.0, 0, 1e-8, 0.5, 1, 3, 3.5, 6, 6.5, 20, 90, np.inf], np.float32)


def case(op, name, dtype, shape, *, quantization=(None, None), tolerance=None, options=None, steps=None, version=1, **fields):
    net = Net()
    ends = [{} if end is None else dict(scale=end[0], zero_point=end[1]) for end in quantization]
    x = net.input(shape, dtype, **ends[0])
    net.op(op, [x], [net.output(None, dtype, **ends[1])], options, version=version, **fields)
    return Case(op, f"{dtype}_{name}", dtype, net, steps=steps, tolerance=tolerance)


def pointwise(op, tolerance=None, output=None, version=2, types=("uint8", "int16")):
    for name, shape in (SHAPES | {"scalar": (), "empty": (0, 4)}).items():
        yield case(op, name, "float32", shape, tolerance=tolerance)
    ramp = RAMP if op != "HARD_SWISH" else RAMP[1:-1]
    yield case(op, "ramp", "float32", ramp.shape, tolerance=tolerance, steps=[[ramp]])
    for dtype in types:
        yield from wider(op, dtype, output, version)
    for name, (start, end) in QUANTIZATIONS.items():
        quantization = (start, output or end)
        yield case(op, f"every_value_{name}", "int8", (2, 128), quantization=quantization, steps=[[EVERY_INT8]], version=version)


# What LOGISTIC and SOFTMAX prescribe for the other types.
WIDER_PROBABILITIES = {"uint8": (1 / 256, 0), "int16": (1 / 32768, 0)}


def wider(op, dtype, output, version):
    """The quantized types beside int8."""
    for name, (start, end) in QUANTIZATIONS.items():
        values = every_value(dtype)
        ends_of = [ends(dtype, *start), ends(dtype, *end)]
        ends_of = [(quantization["scale"], quantization["zero_point"]) for quantization in ends_of]
        if output:
            ends_of[1] = WIDER_PROBABILITIES[dtype]
        yield case(op, f"every_value_{name}", dtype, values.shape, quantization=ends_of, steps=[[values]], version=version)


def wider_softmax(options):
    for dtype, output in WIDER_PROBABILITIES.items():
        for name, (start, _) in QUANTIZATIONS.items():
            start = ends(dtype, *start)
            quantization = ((start["scale"], start["zero_point"]), output)
            yield case("SOFTMAX", f"scales_{name}", dtype, (3, 37), quantization=quantization, version=2, beta=1.0, **options)
        yield case("SOFTMAX", "image", dtype, (2, 3, 3, 5), quantization=((0.001, 0), output), version=2, beta=1.0, **options)


def softmax():
    options = dict(options="SoftmaxOptions")
    for name, shape in SHAPES.items():
        yield case("SOFTMAX", name, "float32", shape, tolerance=EXPONENTIAL, beta=1.0, **options)
        quantization = ((0.0471, -13), PROBABILITIES)
        yield case("SOFTMAX", name, "int8", shape, quantization=quantization, version=2, beta=1.0, **options)
    yield case("SOFTMAX", "beta_half", "float32", (2, 11), tolerance=EXPONENTIAL, beta=0.5, **options)
    large = np.array([[1e4, 1e4 - 1, 0.0], [-1e4, -1e4, -1e4 + 2]], np.float32)
    yield case("SOFTMAX", "large", "float32", (2, 3), tolerance=EXPONENTIAL, steps=[[large]], beta=1.0, **options)
    for name, (start, _) in QUANTIZATIONS.items():
        ends = (start, PROBABILITIES)
        yield case("SOFTMAX", f"scales_{name}", "int8", (3, 37), quantization=ends, version=2, beta=1.0, **options)
    ends = ((0.0471, -13), PROBABILITIES)
    yield from wider_softmax(options)
    yield case("SOFTMAX", "beta_1.7", "int8", (3, 37), quantization=ends, version=2, beta=1.7, **options)


def cases():
    yield from softmax()
    yield from pointwise("LOGISTIC", EXPONENTIAL, PROBABILITIES)
    yield from pointwise("RELU")
    yield from pointwise("RELU6")
    yield from pointwise("HARD_SWISH", Tolerance(relative=1e-6), version=1, types=("uint8",))
