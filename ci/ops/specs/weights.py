"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED with the other kinds of weights: legacy uint8, int16 activations,
4-bit weights, half floats, groups. Rows of the table: int4 is int8 activations with 4-bit weights, hybrid-int4 float ones."""

from math import sqrt

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, BlockwiseQuantizationT, TensorType

from case import Case, Tolerance
from flatmodel import Net, packed, packed_quarters
from specs.convolution import CONV, CONV_2D, DEPTHWISE, DEPTHWISE_CONV_2D, FLOAT

# Standard deviation of values spread evenly over a type, and that of an output which fills it.
DEVIATION = {"uint8": 73.0, "int8": 73.0, "int16": 18900.0, "int4": 4.3}
FILLING = {"uint8": 60.0, "int8": 60.0, "int16": 9000.0}

CONVOLUTIONS = ("pointwise", "same_3x3", "valid_3x2", "same_stride_2_even", "same_dilation_2", "batch_3", "wide_3x3")
DEPTHWISES = ("same_3x3", "valid_3x3", "same_stride_2", "multiplier_2", "multiplier_8_one_channel", "same_dilation_2", "wide")

# name: (input shape, outputs, options)
ROWS = {
    "row": ((1, 13), 7, {}),
    "batch_3": ((3, 10), 4, dict(fusedActivationFunction=ActivationFunctionType.RELU)),
    "wide": ((2, 68), 33, dict(fusedActivationFunction=ActivationFunctionType.RELU6)),
    "keeps_dims": ((2, 3, 9), 5, dict(keepNumDims=True)),
}


class Site:
    """One weighted operator: its geometry, and the net in the making."""

    def __init__(self, op, name, dtype, input_shape, weights_shape, axis, options, fields, note=""):
        self.net = Net()
        self.case = Case(op, f"{dtype}_{name}", dtype, self.net, note)
        self.random = self.case.random()
        self.op, self.input_shape, self.weights_shape, self.axis = op, input_shape, weights_shape, axis
        self.options, self.fields = options, fields

    @property
    def channels(self):
        return self.weights_shape[self.axis]

    @property
    def taps(self):
        return int(np.prod(self.weights_shape)) // self.channels

    def finish(self, inputs, output, version, **more):
        self.net.op(self.op, inputs, [output], self.options, version=version, **(self.fields | more))
        return self.case


def convolution(family, name, dtype, geometry, label, note=""):
    input_shape, filters, kernel, fields = geometry
    weights = family.filter_shape(input_shape, filters, kernel)
    fields = family.fields(input_shape, filters, fields)
    site = Site(family.op, f"{name}{label}", dtype, input_shape, weights, family.filter_axis, family.options, fields, note)
    return site


def row(name, dtype, label, note=""):
    input_shape, outputs, fields = ROWS[name]
    fields = dict(fusedActivationFunction=ActivationFunctionType.NONE) | fields
    weights = (outputs, input_shape[-1])
    return Site("FULLY_CONNECTED", f"{name}{label}", dtype, input_shape, weights, 0, "FullyConnectedOptions", fields, note)


def sites(dtype, label="", note=""):
    """Every geometry that the kinds of weights are tried on."""
    for name in CONVOLUTIONS:
        yield convolution(CONV_2D, name, dtype, CONV[name], label, note)
    for name in DEPTHWISES:
        yield convolution(DEPTHWISE_CONV_2D, name, dtype, DEPTHWISE[name], label, note)
    for name in ROWS:
        yield row(name, dtype, label, note)


def output_scale(site, input_scale, weight_scale, activations, weights):
    products = DEVIATION[activations] * DEVIATION[weights] * sqrt(site.taps)
    return input_scale * weight_scale * products / FILLING[activations]


def uint8(site, *, points=(117, 133, 121), gain=1.0):
    """Before per-channel weights: all uint8, the weights with a zero point of their own."""
    net, random = site.net, site.random
    input_scale, weight_scale = random.uniform(0.01, 0.1), random.uniform(0.002, 0.02)
    x = net.input(site.input_shape, "uint8", scale=input_scale, zero_point=points[0])
    values = random.integers(0, 256, site.weights_shape).astype(np.uint8)
    weights = net.constant(values, name="weights", scale=weight_scale, zero_point=points[1])
    limit = int(5000 * sqrt(site.taps))
    values = random.integers(-limit, limit, site.channels).astype(np.int32)
    bias = net.constant(values, name="bias", scale=np.float32(input_scale) * np.float32(weight_scale))
    scale = output_scale(site, input_scale, weight_scale, "uint8", "uint8") / gain
    return site.finish([x, weights, bias], net.output(None, "uint8", scale=scale, zero_point=points[2]), 1)


def int16(site, *, bias_type="int64", gain=1.0, per_channel=True):
    """int16 activations without zero points, int8 weights, sums of 64 bits."""
    net, random = site.net, site.random
    input_scale = random.uniform(1e-4, 1e-3)
    scales = random.uniform(0.002, 0.02, site.channels if per_channel else 1)
    x = net.input(site.input_shape, "int16", scale=input_scale, zero_point=0)
    values = random.integers(-127, 128, site.weights_shape).astype(np.int8)
    weights = net.constant(values, name="weights", scale=scales, axis=site.axis if per_channel else 0)
    limit = int(1e6 * sqrt(site.taps))
    values = random.integers(-limit, limit, site.channels)
    bias = net.constant(values, bias_type, name="bias", scale=np.float32(input_scale) * np.float32(scales))
    y = net.output(None, "int16", scale=output_scale(site, input_scale, scales.mean(), "int16", "int8") / gain, zero_point=0)
    more = {} if site.op == "DEPTHWISE_CONV_2D" or bias_type == "int64" else dict(quantizedBiasType=TensorType.INT32)
    return site.finish([x, weights, bias], y, VERSIONS["int16"][site.op], **more)


def nibbles(site):
    return packed(site.random.integers(-7, 8, site.weights_shape))


def int4(site):
    """int8 activations, 4-bit weights."""
    net, random = site.net, site.random
    input_scale = random.uniform(0.01, 0.1)
    scales = random.uniform(0.02, 0.2, site.channels)
    x = net.input(site.input_shape, "int8", scale=input_scale, zero_point=-7)
    weights = net.constant(nibbles(site), "int4", shape=site.weights_shape, name="weights", scale=scales, axis=site.axis)
    limit = int(300 * sqrt(site.taps))
    values = random.integers(-limit, limit, site.channels).astype(np.int32)
    bias = net.constant(values, name="bias", scale=np.float32(input_scale) * np.float32(scales))
    scale = output_scale(site, input_scale, scales.mean(), "int8", "int4")
    return site.finish([x, weights, bias], net.output(None, "int8", scale=scale, zero_point=11), VERSIONS["int4"][site.op])


def hybrid_int4(site, *, per_channel=True):
    """Float activations, 4-bit weights."""
    net, random = site.net, site.random
    scales = random.uniform(0.02, 0.2, site.channels if per_channel else 1)
    x = net.input(site.input_shape, "float32")
    axis = site.axis if per_channel else 0
    weights = net.constant(nibbles(site), "int4", shape=site.weights_shape, name="weights", scale=scales, axis=axis)
    bias = net.constant(random.normal(0, 0.5, site.channels).astype(np.float32), name="bias")
    site.case.tolerance = FLOAT
    more = dict(asymmetricQuantizeInputs=True) if site.op == "FULLY_CONNECTED" else {}
    return site.finish([x, weights, bias], net.output(None, "float32"), VERSIONS["int4"][site.op], **more)


def int2(site, activations):
    """2-bit weights under float, int8 or int16 activations."""
    net, random = site.net, site.random
    scales = random.uniform(0.02, 0.2, site.channels)
    packed_weights = packed_quarters(random.integers(-2, 2, site.weights_shape))
    if activations == "float32":
        x, y = net.input(site.input_shape, "float32"), net.output(None, "float32")
        bias = net.constant(random.normal(0, 0.5, site.channels).astype(np.float32), name="bias")
        site.case.tolerance = FLOAT
    else:
        point = 0 if activations == "int16" else -7
        x = net.input(site.input_shape, activations, scale=0.02, zero_point=point)
        y = net.output(None, activations, scale=0.05 if activations == "int8" else 0.1, zero_point=-point)
        values = random.integers(-300, 300, site.channels).astype(np.int32 if activations == "int8" else np.int64)
        bias = net.constant(values, name="bias", scale=np.float32(0.02) * np.float32(scales))
    weights = net.constant(packed_weights, "int2", shape=site.weights_shape, name="weights", scale=scales)
    return site.finish([x, weights, bias], y, 14)


# XNNPACK keeps scales with 8 bits, so these have no more; the inputs are steps that its quantization meets.
BLOCKS = {"blocks_of_32": ((3, 96), 5, 32), "blocks_of_64": ((1, 128), 33, 64), "one_row_of_blocks": ((2, 64), 4, 32)}
BLOCK_NOTE = "LiteRT's reference kernels take no scales of blocks: XNNPACK gives the answer"


def blockwise(name, input_shape, outputs, block):
    """4-bit weights with a half float as scale for each block of a row."""
    net = Net()
    case = Case("FULLY_CONNECTED", f"hybrid-int4_{name}", "hybrid-int4", net, BLOCK_NOTE, kernels="BUILTIN")
    random, depth = case.random(), input_shape[-1]
    x = net.input(input_shape, "float32")
    scales = net.constant((random.integers(1, 128, (outputs, depth // block)) / 512).astype(np.float16), name="scales")
    details = BlockwiseQuantizationT()
    details.scales, details.zeroPoints, details.blockSize = scales.index, -1, block
    values = packed(random.integers(-8, 8, (outputs, depth)))
    weights = net.constant(values, "int4", shape=(outputs, depth), name="weights", details=details)
    bias = net.constant(random.normal(0, 0.5, outputs).astype(np.float32), name="bias")
    net.op("FULLY_CONNECTED", [x, weights, bias], [net.output(None, "float32")], "FullyConnectedOptions", version=13)
    steps = random.integers(-128, 128, input_shape) / 64
    steps[:, 0], steps[:, 1] = -128 / 64, 127 / 64
    case.steps = [[steps.astype(np.float32)]]
    case.tolerance = Tolerance(relative=1e-5, absolute=1e-4)
    return case


def float16(site):
    """Weights and bias are stored as half floats; a DEQUANTIZE of a constant stands in front of each."""
    net, random = site.net, site.random
    inputs = [net.input(site.input_shape, "float32")]
    for name, shape in (("weights", site.weights_shape), ("bias", (site.channels,))):
        half = net.constant(random.normal(0, 0.5, shape).astype(np.float16), name=f"{name}16")
        inputs.append(net.tensor(shape, "float32", name=name))
        net.op("DEQUANTIZE", [half], [inputs[-1]], "DequantizeOptions", version=3)
    site.case.tolerance = FLOAT
    return site.finish(inputs, net.output(None, "float32"), 1)


# First versions of LiteRT's operators that have the type.
VERSIONS = {
    "int16": {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "FULLY_CONNECTED": 7},
    # Files say 7 for DEPTHWISE_CONV_2D, which LiteRT's set of reference kernels does not list though it computes it.
    "int4": {"CONV_2D": 7, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 10},
}

GROUPED = {
    "groups_2": (((1, 5, 4, 4), 6, (3, 3)), 2),
    "groups_3": (((2, 4, 4, 6), 3, (2, 2)), 3),
    "groups_of_one": (((1, 4, 5, 3), 6, (3, 3)), 3),
}


def grouped():
    """CONV_2D whose filters see a part of the channels each."""
    for name, ((input_shape, filters, kernel), groups) in GROUPED.items():
        weights = (filters, *kernel, input_shape[3] // groups)
        fields = CONV_2D.fields(input_shape, filters, {})
        for dtype, build in (("float32", CONV_2D.floats), ("int8", CONV_2D.int8)):
            case = Case("CONV_2D", f"{dtype}_{name}", dtype, Net(), tolerance=FLOAT if dtype == "float32" else None)
            build(case, input_shape, weights, fields)
            yield case
        yield int16(Site("CONV_2D", name, "int16", input_shape, weights, 0, "Conv2DOptions", fields))


def cases():
    for site in sites("uint8"):
        yield uint8(site)
    for site in sites("int16"):
        yield int16(site)
    for site in sites("int4"):
        yield int4(site)
    for site in sites("hybrid-int4"):
        if site.op != "DEPTHWISE_CONV_2D":  # LiteRT has no such kernel
            yield hybrid_int4(site)
    for site in sites("float16"):
        if site.case.name in ("float16_same_3x3", "float16_row"):
            yield float16(site)
    for name in ROWS:
        yield int2(row(name, "hybrid-int2", ""), "float32")
        yield int2(row(name, "int2", ""), "int8")
    yield int2(row("wide", "int2", "_int16"), "int16")
    for name, (input_shape, outputs, block) in BLOCKS.items():
        yield blockwise(name, input_shape, outputs, block)
    for kind in ("int4", "int2"):
        yield embedding(kind)
    yield from grouped()
    yield from special()


def embedding(kind):
    """A table of small integers, read as floats."""
    net = Net()
    case = Case("EMBEDDING_LOOKUP", f"hybrid-{kind}_rows", f"hybrid-{kind}", net, tolerance=FLOAT)
    random, pack = case.random(), packed if kind == "int4" else packed_quarters
    # LiteRT goes from row to row in whole bytes of 2-bit values.
    values = random.integers(-2, 2, (5, 7 if kind == "int4" else 8))
    scales = random.uniform(0.02, 0.2, 5)
    table = net.constant(pack(values), kind, shape=values.shape, name="table", scale=scales)
    net.op("EMBEDDING_LOOKUP", [net.input((4,), "int32"), table], [net.output(None, "float32")], version=4)
    case.steps = [[np.array([4, 0, 2, 4])]]
    return case


def special():
    for family, geometries in ((CONV_2D, CONV), (DEPTHWISE_CONV_2D, DEPTHWISE)):
        small = geometries["same_3x3"]
        yield uint8(convolution(family, "extreme_zero_points", "uint8", small, ""), points=(0, 255, 255))
        yield uint8(convolution(family, "saturating", "uint8", small, ""), gain=8.0)
        yield uint8(convolution(family, "scaled_up", "uint8", small, ""), gain=5e5)
        yield int16(convolution(family, "saturating", "int16", small, ""), gain=8.0)
        if family is CONV_2D:  # LiteRT's depthwise takes int64 only
            yield int16(convolution(family, "int32_bias", "int16", small, ""), bias_type="int32")
        yield int16(convolution(family, "per_tensor", "int16", small, ""), per_channel=False)
    yield uint8(row("row", "uint8", "_extreme_zero_points"), points=(0, 255, 255))
    yield uint8(row("wide", "uint8", "_saturating"), gain=8.0)
    yield int16(row("wide", "int16", "_saturating"), gain=8.0)
    yield int16(row("row", "int16", "_int32_bias"), bias_type="int32")
    yield int16(row("row", "int16", "_per_tensor"), per_channel=False)
    yield hybrid_int4(row("batch_3", "hybrid-int4", "_per_tensor"), per_channel=False)
