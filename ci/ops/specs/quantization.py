"""QUANTIZE and DEQUANTIZE. The type of a case is that of the integers; of a requantization, that of the output."""

import numpy as np

from case import Case
from flatmodel import Net

# name: (scale, zero point) for int8; other types take the same scale.
QUANTIZATIONS = {"odd": (0.0371, -13), "power_of_two": (0.125, 0), "coarse": (1.7, 127), "fine": (0.0004, -128)}
# (from, to): quantizations of a requantization.
REQUANTIZATIONS = {
    "int8_to_int8": (("int8", 0.0371, -13), ("int8", 0.0522, 5)),
    "int8_to_int8_finer": (("int8", 0.5, 127), ("int8", 0.013, -128)),
    "int8_to_int8_same": (("int8", 0.05, 3), ("int8", 0.05, 3)),
    "int8_to_uint8": (("int8", 0.05, 3), ("uint8", 0.05, 131)),
    "int8_to_uint8_other_scale": (("int8", 0.05, 3), ("uint8", 0.031, 17)),
    "uint8_to_int8": (("uint8", 0.05, 131), ("int8", 0.05, 3)),
    "uint8_to_int8_other_scale": (("uint8", 0.05, 131), ("int8", 0.077, 40)),
    "uint8_to_uint8": (("uint8", 0.05, 131), ("uint8", 0.077, 40)),
    "int8_to_int16": (("int8", 0.05, 3), ("int16", 0.0003, 0)),
    "int16_to_int8": (("int16", 0.0003, 0), ("int8", 0.05, 3)),
    "int16_to_int16": (("int16", 0.0003, 0), ("int16", 0.00071, 0)),
    "int32_to_int8": (("int32", 0.003, 0), ("int8", 0.05, 3)),
    "int32_to_int16": (("int32", 0.003, 0), ("int16", 0.0007, 0)),
}


def point(dtype, zero_point):
    return {"int8": zero_point, "uint8": zero_point + 128, "int16": 0}[dtype]


def halves(scale):
    """Values on steps, halfway between them and outside. Beyond 2^31 steps LiteRT's answer depends on the CPU (a cast
    from float to int that C++ does not define), so there is nothing to be equal to."""
    steps = np.arange(-140, 140, 0.5, dtype=np.float32) * np.float32(scale)
    far = np.array([1e5, -1e5, 0.0, -0.0], np.float32) * np.float32(scale)
    return np.concatenate([steps, far])


def quantize(name, dtype, scale, zero_point):
    net = Net()
    values = halves(scale)
    x = net.input(values.shape, "float32")
    y = net.output(None, dtype, scale=scale, zero_point=point(dtype, zero_point))
    net.op("QUANTIZE", [x], [y], "QuantizeOptions")
    return Case("QUANTIZE", f"{dtype}_from_float32_{name}", dtype, net, steps=[[values]])


def requantize(name, start, end):
    net = Net()
    x = net.input((3, 90), start[0], scale=start[1], zero_point=start[2])
    net.op("QUANTIZE", [x], [net.output(None, end[0], scale=end[1], zero_point=end[2])], "QuantizeOptions", version=2)
    return Case("QUANTIZE", f"{end[0]}_{name}", end[0], net)


def dequantize(name, dtype, scale, zero_point):
    net = Net()
    x = net.input((2, 3, 43), dtype, scale=scale, zero_point=point(dtype, zero_point))
    net.op("DEQUANTIZE", [x], [net.output(None, "float32")], "DequantizeOptions", version=3 if dtype == "int16" else 2)
    return Case("DEQUANTIZE", f"{dtype}_{name}", dtype, net)


def float16():
    """Half floats that are not constant; LiteRT takes them as well."""
    net = Net()
    values = np.array([0, -0.0, 1, -1.5, 65504, -65504, 6e-8, 6.1e-5, np.inf, -np.inf, 0.1, 3.14159], np.float16)
    net.op("DEQUANTIZE", [net.input(values.shape, "float16")], [net.output(None, "float32")], "DequantizeOptions", version=3)
    return Case("DEQUANTIZE", "float16_special_values", "float16", net, steps=[[values]])


def per_channel(dtype):
    net = Net()
    x = net.input((2, 3, 4), dtype, scale=[0.1, 0.02, 0.3], zero_point=[0, 0, 0], axis=1)
    net.op("DEQUANTIZE", [x], [net.output(None, "float32")], "DequantizeOptions", version=5)
    return Case("DEQUANTIZE", f"{dtype}_per_channel", dtype, net)


def cases():
    yield float16()
    yield per_channel("int8")
    for dtype in ("int8", "uint8", "int16"):
        for name, (scale, zero_point) in QUANTIZATIONS.items():
            yield quantize(name, dtype, scale, zero_point)
            yield dequantize(name, dtype, scale, zero_point)
    for name, (start, end) in REQUANTIZATIONS.items():
        yield requantize(name, start, end)
