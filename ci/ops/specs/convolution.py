"""CONV_2D and DEPTHWISE_CONV_2D: float32, int8 per channel and per tensor, hybrid."""

from math import sqrt

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, Padding

from case import Case, Tolerance
from flatmodel import Net

NONE, RELU, RELU6 = ActivationFunctionType.NONE, ActivationFunctionType.RELU, ActivationFunctionType.RELU6
RELU_N1_TO_1 = ActivationFunctionType.RELU_N1_TO_1
SAME, VALID = Padding.SAME, Padding.VALID

# Sums of at most a few hundred products, in another order than LiteRT's.
FLOAT = Tolerance(relative=2e-6, absolute=4e-6)
# Standard deviation of a product of two values spread evenly over int8, by that of an output which fills int8.
SPREAD = 73.0 * 73.0 / 60.0


def geometry(input_shape, filters, kernel, **fields):
    """(input NHWC, number of output channels, (height, width) of the kernel, options)."""
    return input_shape, filters, kernel, fields


# Odd sizes, strides, dilations, both paddings, every fused activation.
CONV = {
    "pointwise": geometry((1, 5, 7, 3), 5, (1, 1)),
    "same_3x3": geometry((1, 5, 7, 3), 4, (3, 3)),
    "valid_3x2": geometry((1, 7, 5, 2), 3, (3, 2), padding=VALID),
    "same_stride_2": geometry((1, 7, 9, 3), 4, (3, 3), strideH=2, strideW=2),
    "same_stride_2_even": geometry((1, 8, 6, 3), 4, (3, 3), strideH=2, strideW=2, fusedActivationFunction=RELU6),
    "valid_stride_3_1": geometry((1, 9, 7, 2), 2, (2, 3), strideH=3, strideW=1, padding=VALID),
    "same_dilation_2": geometry((1, 7, 7, 2), 3, (3, 3), dilationHFactor=2, dilationWFactor=2),
    "valid_dilation_2_3": geometry((1, 9, 9, 1), 2, (3, 2), dilationHFactor=2, dilationWFactor=3, padding=VALID),
    "batch_3": geometry((3, 4, 3, 2), 3, (2, 2), fusedActivationFunction=RELU),
    "kernel_over_image": geometry((1, 2, 3, 2), 3, (5, 5)),
    # No tap of any row lies in an image.
    "beside_the_image": geometry((2, 1, 5, 3), 18, (2, 1), dilationHFactor=3),
    "one_pixel": geometry((1, 1, 1, 7), 9, (1, 1), fusedActivationFunction=RELU_N1_TO_1),
    "wide": geometry((1, 3, 3, 19), 33, (1, 1), fusedActivationFunction=RELU6),
    "wide_3x3": geometry((1, 4, 4, 17), 18, (3, 3), fusedActivationFunction=RELU),
}

# The number of filters of a depthwise convolution is channels x multiplier.
DEPTHWISE = {
    "same_3x3": geometry((1, 5, 7, 5), 5, (3, 3)),
    "valid_3x3": geometry((1, 7, 5, 4), 4, (3, 3), padding=VALID),
    "same_stride_2": geometry((1, 7, 9, 3), 3, (3, 3), strideH=2, strideW=2, fusedActivationFunction=RELU6),
    "same_stride_2_even": geometry((1, 8, 6, 8), 8, (3, 3), strideH=2, strideW=2),
    "multiplier_2": geometry((1, 5, 4, 3), 6, (3, 2), fusedActivationFunction=RELU),
    "multiplier_8_one_channel": geometry((1, 9, 5, 1), 8, (5, 4), strideH=2, strideW=2),
    "same_dilation_2": geometry((1, 7, 7, 3), 3, (3, 3), dilationHFactor=2, dilationWFactor=2),
    "valid_dilation_3_2": geometry((1, 9, 7, 2), 2, (3, 3), dilationHFactor=3, dilationWFactor=2, padding=VALID),
    "same_5x5": geometry((1, 6, 5, 4), 4, (5, 5), fusedActivationFunction=RELU_N1_TO_1),
    "batch_2": geometry((2, 4, 5, 3), 3, (3, 3)),
    "wide": geometry((1, 4, 4, 35), 35, (3, 3), fusedActivationFunction=RELU6),
    "kernel_over_image": geometry((1, 2, 2, 3), 3, (5, 5)),
    "beside_the_image": geometry((2, 1, 9, 17), 17, (2, 1), dilationHFactor=3),
}


class Convolution:
    """What CONV_2D and DEPTHWISE_CONV_2D do not share."""

    def __init__(self, op, options, geometries, filter_axis, per_channel_hybrid_version):
        self.op = op
        self.options = options
        self.geometries = geometries
        self.filter_axis = filter_axis
        self.hybrid_version = per_channel_hybrid_version

    @property
    def depthwise(self):
        return self.op == "DEPTHWISE_CONV_2D"

    def filter_shape(self, input_shape, filters, kernel):
        channels = input_shape[3]
        return (1, *kernel, filters) if self.depthwise else (filters, *kernel, channels)

    def taps(self, filter_shape):
        return int(np.prod(filter_shape)) // filter_shape[self.filter_axis]

    def fields(self, input_shape, filters, fields):
        defaults = dict(padding=SAME, strideH=1, strideW=1, fusedActivationFunction=NONE)
        if self.depthwise:
            defaults["depthMultiplier"] = filters // input_shape[3]
        return defaults | fields

    def case(self, name, dtype, build, geometry, note="", **more):
        input_shape, filters, kernel, fields = geometry
        net = Net()
        case = Case(self.op, f"{dtype}_{name}", dtype, net, note, **more)
        build(case, input_shape, self.filter_shape(input_shape, filters, kernel), self.fields(input_shape, filters, fields))
        return case

    def floats(self, case, input_shape, filter_shape, fields):
        random, net = case.random(), case.net
        x = net.input(input_shape, "float32")
        weights = net.constant(random.normal(0, 0.5, filter_shape).astype(np.float32), name="filter")
        bias = net.constant(random.normal(0, 0.5, filter_shape[self.filter_axis]).astype(np.float32), name="bias")
        net.op(self.op, [x, weights, bias], [net.output(None, "float32")], self.options, **fields)

    def int8(self, case, input_shape, filter_shape, fields, *, per_channel=True, zero_points=(-7, 11), gain=1.0, bias=True):
        """`gain` above 1 drives outputs into saturation."""
        random, net = case.random(), case.net
        channels = filter_shape[self.filter_axis]
        scales = random.uniform(0.002, 0.02, channels if per_channel else 1)
        input_scale = random.uniform(0.01, 0.1)
        output_scale = input_scale * scales.mean() * SPREAD * sqrt(self.taps(filter_shape)) / gain
        x = net.input(input_shape, "int8", scale=input_scale, zero_point=zero_points[0])
        values = random.integers(-127, 128, filter_shape).astype(np.int8)
        weights = net.constant(values, name="filter", scale=scales, axis=self.filter_axis if per_channel else 0)
        inputs = [x, weights]
        if bias:
            limit = int(5000 * sqrt(self.taps(filter_shape)))
            values = random.integers(-limit, limit, channels).astype(np.int32)
            inputs.append(net.constant(values, name="bias", scale=np.float32(input_scale) * np.float32(scales)))
        y = net.output(None, "int8", scale=output_scale, zero_point=zero_points[1])
        net.op(self.op, inputs, [y], self.options, version=3, **fields)

    def hybrid(self, case, input_shape, filter_shape, fields, *, per_channel=True):
        """Float activations, int8 weights: the input is quantized row by row during the run."""
        random, net = case.random(), case.net
        channels = filter_shape[self.filter_axis]
        scales = random.uniform(0.002, 0.02, channels if per_channel else 1)
        x = net.input(input_shape, "float32")
        values = random.integers(-127, 128, filter_shape).astype(np.int8)
        weights = net.constant(values, name="filter", scale=scales, axis=self.filter_axis if per_channel else 0)
        bias = net.constant(random.normal(0, 0.5, channels).astype(np.float32), name="bias")
        net.op(self.op, [x, weights, bias], [net.output(None, "float32")], self.options, version=self.hybrid_version, **fields)

    def cases(self):
        for name, geometry in self.geometries.items():
            yield self.case(name, "float32", self.floats, geometry, tolerance=FLOAT)
            yield self.case(name, "int8", self.int8, geometry)
            yield self.case(name, "hybrid", self.hybrid, geometry, tolerance=FLOAT)
        small = self.geometries["same_3x3"]

        def int8(**more):
            return lambda *parts: self.int8(*parts, **more)

        yield self.case("per_tensor", "int8", int8(per_channel=False), small, "one scale for all filters")
        yield self.case("extreme_zero_points", "int8", int8(zero_points=(-128, 127)), small, "zero points at the ends of int8")
        yield self.case("saturating", "int8", int8(gain=8.0), small, "most outputs saturate")
        yield self.case("scaled_up", "int8", int8(gain=5e5), small, "the output scale is far below the products' scale")
        yield self.case("tiny_outputs", "int8", int8(gain=1e-4), small, "all outputs near the zero point")
        if self.depthwise:  # LiteRT does not take an int8 CONV_2D without a bias
            yield self.case("no_bias", "int8", int8(bias=False), small)


CONV_2D = Convolution("CONV_2D", "Conv2DOptions", CONV, 0, 5)
DEPTHWISE_CONV_2D = Convolution("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", DEPTHWISE, 3, 6)


def zeros(case):
    """An all-zero row has no largest value to scale by."""
    case.steps = [[np.zeros(tensor.shape, np.float32) for tensor in case.net.inputs]]
    return case


def cases():
    for family in (CONV_2D, DEPTHWISE_CONV_2D):
        yield from family.cases()
        small = family.geometries["same_3x3"]
        yield zeros(family.case("zeros", "hybrid", family.hybrid, small, "an input of zeros", tolerance=FLOAT))
    per_tensor = lambda *parts: CONV_2D.hybrid(*parts, per_channel=False)  # noqa: E731
    yield CONV_2D.case("per_tensor", "hybrid", per_tensor, CONV["same_3x3"], "one scale for all filters", tolerance=FLOAT)
