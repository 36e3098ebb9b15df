"""FULLY_CONNECTED: float32, int8 per channel and per tensor, hybrid with symmetric and asymmetric inputs."""

from math import sqrt

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType

from case import Case, Tolerance
from flatmodel import Net

NONE, RELU, RELU6 = ActivationFunctionType.NONE, ActivationFunctionType.RELU, ActivationFunctionType.RELU6
FLOAT = Tolerance(relative=2e-6, absolute=4e-6)
SPREAD = 73.0 * 73.0 / 60.0

# name: (input shape, number of outputs, options)
SHAPES = {
    "row": ((1, 13), 7, {}),
    "batch_3": ((3, 10), 4, dict(fusedActivationFunction=RELU)),
    "one_by_one": ((1, 1), 1, {}),
    "wide": ((2, 67), 33, dict(fusedActivationFunction=RELU6)),
    "flattens": ((2, 3, 2, 5), 4, {}),
    "keeps_dims": ((2, 3, 9), 5, dict(keepNumDims=True)),
    "rank_1": ((12,), 3, {}),
}


def case(name, dtype, shape, build, note="", tolerance=None, **more):
    input_shape, outputs, fields = SHAPES[shape]
    case = Case("FULLY_CONNECTED", f"{dtype}_{name}", dtype, Net(), note, tolerance=tolerance)
    depth = int(np.prod(input_shape[1:])) if shape == "flattens" else input_shape[-1]
    build(case, input_shape, (outputs, depth), fields, **more)
    return case


def floats(case, input_shape, weights_shape, fields, *, bias=True):
    random, net = case.random(), case.net
    x = net.input(input_shape, "float32")
    weights = net.constant(random.normal(0, 0.5, weights_shape).astype(np.float32), name="weights")
    offsets = net.constant(random.normal(0, 0.5, weights_shape[0]).astype(np.float32), name="bias") if bias else None
    finish(net, [x, weights, offsets], net.output(None, "float32"), 1, fields)


def int8(case, input_shape, weights_shape, fields, *, per_channel=False, zero_points=(-7, 11), gain=1.0, bias=True):
    random, net = case.random(), case.net
    scales = random.uniform(0.002, 0.02, weights_shape[0] if per_channel else 1)
    input_scale = random.uniform(0.01, 0.1)
    output_scale = input_scale * scales.mean() * SPREAD * sqrt(weights_shape[1]) / gain
    x = net.input(input_shape, "int8", scale=input_scale, zero_point=zero_points[0])
    values = random.integers(-127, 128, weights_shape).astype(np.int8)
    inputs = [x, net.constant(values, name="weights", scale=scales), None]
    if bias:
        limit = int(5000 * sqrt(weights_shape[1]))
        values = random.integers(-limit, limit, weights_shape[0]).astype(np.int32)
        inputs[2] = net.constant(values, name="bias", scale=np.float32(input_scale) * np.float32(scales))
    y = net.output(None, "int8", scale=output_scale, zero_point=zero_points[1])
    finish(net, inputs, y, 4, fields)


def hybrid(case, input_shape, weights_shape, fields, *, per_channel=False, asymmetric=False):
    random, net = case.random(), case.net
    x = net.input(input_shape, "float32")
    scales = random.uniform(0.002, 0.02, weights_shape[0] if per_channel else 1)
    values = random.integers(-127, 128, weights_shape).astype(np.int8)
    weights = net.constant(values, name="weights", scale=scales)
    bias = net.constant(random.normal(0, 0.5, weights_shape[0]).astype(np.float32), name="bias")
    fields = fields | dict(asymmetricQuantizeInputs=asymmetric)
    finish(net, [x, weights, bias], net.output(None, "float32"), 12 if per_channel else 9, fields)


def finish(net, inputs, output, version, fields):
    fields = dict(fusedActivationFunction=NONE) | fields
    net.op("FULLY_CONNECTED", inputs, [output], "FullyConnectedOptions", version=version, **fields)


def with_inputs(case, *rows):
    """One inference on given values."""
    shape = case.net.inputs[0].shape
    case.steps = [[np.resize(np.asarray(rows, np.float32), shape)]]
    return case


def cases():
    for shape in SHAPES:
        yield case(shape, "float32", shape, floats, tolerance=FLOAT)
        yield case(shape, "int8", shape, int8)
        yield case(f"{shape}_per_channel", "int8", shape, int8, per_channel=True)
        yield case(f"{shape}_symmetric", "hybrid", shape, hybrid, tolerance=FLOAT)
    yield from special_cases()


def special_cases():
    yield case("no_bias", "float32", "row", floats, bias=False, tolerance=FLOAT)
    yield case("no_bias", "int8", "row", int8, bias=False)
    yield case("extreme_zero_points", "int8", "row", int8, zero_points=(-128, 127))
    yield case("saturating", "int8", "wide", int8, "most outputs saturate", gain=8.0)
    yield case("scaled_up", "int8", "row", int8, "the output scale is far below the products' scale", gain=5e5)
    yield case("tiny_outputs", "int8", "row", int8, "all outputs near the zero point", gain=1e-4)
    for shape in ("row", "batch_3", "wide"):
        yield case(f"{shape}_asymmetric", "hybrid", shape, hybrid, asymmetric=True, tolerance=FLOAT)
    zeros = case("zeros_symmetric", "hybrid", "batch_3", hybrid, "rows of zeros", tolerance=FLOAT)
    yield with_inputs(zeros, 0.0)
    zeros = case("zeros_asymmetric", "hybrid", "batch_3", hybrid, "rows of zeros", asymmetric=True, tolerance=FLOAT)
    yield with_inputs(zeros, 0.0)
    positive = case("positive_asymmetric", "hybrid", "batch_3", hybrid, "no value below 0", asymmetric=True, tolerance=FLOAT)
    yield with_inputs(positive, 0.25, 1.5, 3.0, 0.5, 2.0)
