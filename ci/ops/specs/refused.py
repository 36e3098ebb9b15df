"""Models that LiteRT refuses, or that end it: shapes, types, quantization and options that do not fit. Data movement has
its own in movement_limits.py."""

import numpy as np

from case import Case
from flatmodel import Net
from presets import ends


class Attempt:
    """A model of one operator that must not run. `reals` and `bytes8` make tensors with little said."""

    def __init__(self, op, name, dtype="float32"):
        self.net = Net()
        self.case = Case(op, f"{dtype}_refused_{name}", dtype, self.net, refused=True)
        self.op, self.dtype = op, dtype

    def x(self, shape, dtype=None, **more):
        dtype = dtype or self.dtype
        return self.net.input(shape, dtype, **(ends(dtype, 0.05, 3) | more))

    def y(self, shape, dtype=None, **more):
        dtype = dtype or self.dtype
        return self.net.output(shape, dtype, **(ends(dtype, 0.05, 3) | more))

    def c(self, values, dtype=None, **more):
        return self.net.constant(np.array(values), dtype, **more)

    def weights(self, shape, dtype="float32", **more):
        quantization = dict(scale=0.01) if dtype == "int8" else {}
        return self.net.constant(np.ones(shape), dtype, **(quantization | more))

    def run(self, inputs, outputs, options=None, **fields):
        self.net.op(self.op, inputs, outputs, options, **fields)
        return self.case


def convolution(name, dtype="float32", *, image=(1, 4, 4, 3), filters=(2, 3, 3, 3), bias=(2,), out=(1, 4, 4, 2), op="CONV_2D", **more):
    attempt = Attempt(op, name, dtype)
    kind = "int8" if dtype == "int8" else "float32"
    weights = attempt.weights(filters, kind, **more.pop("weights", {}))
    inputs = [attempt.x(image), weights]
    if bias is not None:
        inputs.append(attempt.weights(bias, more.pop("bias_type", "int32" if dtype == "int8" else "float32")))
    options = "Conv2DOptions" if op == "CONV_2D" else "DepthwiseConv2DOptions"
    fields = dict(strideH=1, strideW=1) | more.pop("fields", {})
    return attempt.run(inputs, [attempt.y(out, **more.pop("output", {}))], options, version=3, **fields)


def convolutions():
    yield convolution("channels_do_not_divide", filters=(2, 3, 3, 2))
    yield convolution("bias_too_long", bias=(3,))
    yield convolution("rank_3", image=(4, 4, 3))
    yield convolution("filter_rank_3", filters=(2, 3, 3))
    yield convolution("stride_0", fields=dict(strideH=0))
    yield convolution("groups_do_not_divide_filters", filters=(2, 3, 3, 1))
    yield convolution("output_type", output=dict(dtype="int32"))
    yield convolution("no_bias", "int8", bias=None)
    yield convolution("float_bias", "int8", bias_type="float32")
    yield convolution("zero_point_of_weights", "int8", weights=dict(zero_point=1))
    yield convolution("no_scale_of_weights", "int8", weights=dict(scale=None))
    yield convolution("scales_do_not_fit_channels", "int8", weights=dict(scale=[0.1, 0.2, 0.3]))
    depthwise = dict(op="DEPTHWISE_CONV_2D", filters=(1, 3, 3, 3), bias=(3,), out=(1, 4, 4, 3))
    yield convolution("filters_do_not_divide", **depthwise | dict(filters=(1, 3, 3, 4), bias=(4,), out=(1, 4, 4, 4)))
    yield convolution("filter_batch_2", **depthwise | dict(filters=(2, 3, 3, 3)))
    yield convolution("bias_too_long", **depthwise | dict(bias=(4,)))
    yield convolution("rank_3", **depthwise | dict(image=(4, 4, 3)))
    yield convolution("scales_do_not_fit_channels", "int8", **depthwise | dict(weights=dict(scale=[0.1, 0.2], axis=3)))


def product(name, dtype="float32", *, left=(2, 6), weights=(4, 6), bias=(4,), out=(2, 4), **more):
    attempt = Attempt("FULLY_CONNECTED", name, dtype)
    kind = "int8" if dtype == "int8" else "float32"
    inputs = [attempt.x(left), attempt.weights(weights, kind)]
    inputs.append(attempt.weights(bias, more.pop("bias_type", "int32" if dtype == "int8" else "float32")))
    return attempt.run(inputs, [attempt.y(out)], "FullyConnectedOptions", version=4, **more)


def products():
    yield product("bias_too_long", bias=(5,))
    yield product("weights_rank_3", weights=(4, 6, 1))
    yield product("keeps_other_depth", left=(2, 3, 4), keepNumDims=True, out=(2, 3, 4))
    yield product("float_bias", "int8", bias_type="float32")
    for name, left, right in (("depths_differ", (2, 3), (4, 5)), ("batches_differ", (2, 3, 4), (3, 4, 5)), ("rank_1", (4,), (4,))):
        attempt = Attempt("BATCH_MATMUL", name)
        yield attempt.run([attempt.x(left), attempt.x(right)], [attempt.y((2, 5))], "BatchMatMulOptions")
    attempt = Attempt("TRANSPOSE_CONV", "channels_differ")
    inputs = [attempt.c([1, 8, 8, 2], "int32"), attempt.weights((2, 3, 3, 4)), attempt.x((1, 4, 4, 3))]
    yield attempt.run(inputs, [attempt.y((1, 8, 8, 2))], "TransposeConvOptions", strideH=2, strideW=2)
    attempt = Attempt("TRANSPOSE_CONV", "shape_of_rank_3")
    inputs = [attempt.c([8, 8, 2], "int32"), attempt.weights((2, 3, 3, 3)), attempt.x((1, 4, 4, 3))]
    yield attempt.run(inputs, [attempt.y((8, 8, 2))], "TransposeConvOptions", strideH=2, strideW=2)


PAIRED = {
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
    "FLOOR_DIV": "FloorDivOptions",
    "LESS": "LessOptions",
    "EQUAL": "EqualOptions",
    "POW": "PowOptions",
}


def pairs():
    for op, options in PAIRED.items():
        kind = "bool" if op in ("LESS", "EQUAL") else None
        attempt = Attempt(op, "shapes_do_not_broadcast")
        yield attempt.run([attempt.x((2, 3)), attempt.x((2, 4))], [attempt.y((2, 4), kind)], options)
        attempt = Attempt(op, "types_differ")
        yield attempt.run([attempt.x((2, 3)), attempt.x((2, 3), "int32")], [attempt.y((2, 3), kind)], options)
    for op in ("DIV", "FLOOR_DIV", "FLOOR_MOD"):
        attempt = Attempt(op, "by_constant_zero", "int32")
        inputs = [attempt.x((2, 3)), attempt.c([[1, 2, 0], [3, 4, 5]], "int32")]
        yield attempt.run(inputs, [attempt.y((2, 3))], {"DIV": "DivOptions"}.get(op, None))
    for op in ("LOGICAL_AND", "LOGICAL_OR"):
        attempt = Attempt(op, "numbers")
        yield attempt.run([attempt.x((2, 3)), attempt.x((2, 3))], [attempt.y((2, 3))])
    attempt = Attempt("SELECT_V2", "condition_of_numbers")
    yield attempt.run([attempt.x((2,)), attempt.x((2,)), attempt.x((2,))], [attempt.y((2,))], "SelectV2Options")
    attempt = Attempt("SELECT_V2", "shapes_do_not_broadcast")
    yield attempt.run([attempt.x((2,), "bool"), attempt.x((3,)), attempt.x((3,))], [attempt.y((3,))], "SelectV2Options")


def unaries():
    for op, dtype in (("SQRT", "int32"), ("RSQRT", "uint8"), ("EXP", "int32"), ("LOG", "int64"), ("SIN", "int8"), ("ABS", "bool"),
                      ("TANH", "int32"), ("LOGISTIC", "int32"), ("RELU", "int32"), ("HARD_SWISH", "int16"), ("FLOOR", "int32"),
                      ("NEG", "uint8"), ("SQUARE", "int32"), ("LOGICAL_NOT", "float32"), ("GELU", "int32"), ("SOFTMAX", "int32"),
                      ("LEAKY_RELU", "int32")):  # fmt: skip
        attempt = Attempt(op, "type", dtype)
        options = {"LEAKY_RELU": "LeakyReluOptions", "SOFTMAX": "SoftmaxOptions"}.get(op)
        yield attempt.run([attempt.x((2, 3))], [attempt.y((2, 3))], options)
    for op, options in (("SOFTMAX", "SoftmaxOptions"), ("LOGISTIC", None), ("LOG_SOFTMAX", None)):
        attempt = Attempt(op, "output_quantization", "int8")
        more = dict(beta=1.0) if options else {}
        yield attempt.run([attempt.x((2, 3))], [attempt.y((2, 3), scale=0.3, zero_point=5)], options, version=2, **more)
    attempt = Attempt("SOFTMAX", "scalar")
    yield attempt.run([attempt.x(())], [attempt.y(())], "SoftmaxOptions", beta=1.0)
    attempt = Attempt("PRELU", "slopes_do_not_broadcast")
    yield attempt.run([attempt.x((2, 3)), attempt.c(np.ones(2), "float32")], [attempt.y((2, 3))])


def pools():
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for name, image, fields in (
            ("rank_3", (4, 4, 3), {}),
            ("stride_0", (1, 4, 4, 3), dict(strideW=0)),
        ):
            attempt = Attempt(op, name)
            fields = dict(filterHeight=2, filterWidth=2, strideH=1, strideW=1) | fields
            yield attempt.run([attempt.x(image)], [attempt.y((1, 4, 4, 3))], "Pool2DOptions", **fields)


REDUCERS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")


def reductions():
    for op in REDUCERS:
        for name, axes in (("axis_outside", [3]), ("axis_far_below", [-4])):
            attempt = Attempt(op, name)
            yield attempt.run([attempt.x((2, 3, 4)), attempt.c(axes, "int32")], [attempt.y((2, 3))], "ReducerOptions")
    attempt = Attempt("REDUCE_MAX", "quantizations_differ", "int8")
    inputs = [attempt.x((2, 3)), attempt.c([1], "int32")]
    yield attempt.run(inputs, [attempt.y((2,), scale=0.5)], "ReducerOptions", version=2)
    attempt = Attempt("REDUCE_ANY", "numbers")
    yield attempt.run([attempt.x((2, 3)), attempt.c([1], "int32")], [attempt.y((2,))], "ReducerOptions")
    for op, options in (("ARG_MAX", "ArgMaxOptions"), ("ARG_MIN", "ArgMinOptions")):
        attempt = Attempt(op, "axis_outside")
        yield attempt.run([attempt.x((2, 3)), attempt.c([2], "int32")], [attempt.y((2,), "int32")], options, outputType=2)
    attempt = Attempt("CUMSUM", "axis_outside")
    yield attempt.run([attempt.x((2, 3)), attempt.c(2, "int32")], [attempt.y((2, 3))], "CumsumOptions")


def layouts():
    for name, shapes, axis in (("other_dims", ((2, 3), (3, 3)), 1), ("axis_outside", ((2, 3), (2, 3)), 2), ("ranks", ((2, 3), (2,)), 0)):
        attempt = Attempt("CONCATENATION", name)
        yield attempt.run([attempt.x(shape) for shape in shapes], [attempt.y((2, 6))], "ConcatenationOptions", axis=axis)
    attempt = Attempt("CONCATENATION", "quantizations_differ", "int8")
    inputs = [attempt.x((2, 3)), attempt.x((2, 3), scale=0.9)]
    yield attempt.run(inputs, [attempt.y((2, 6))], "ConcatenationOptions", version=2, axis=1)
    for name, shape in (("other_elements", [4, 2]), ("two_open", [-1, -1]), ("below_open", [-2, 3]), ("does_not_divide", [-1, 4])):
        attempt = Attempt("RESHAPE", name)
        yield attempt.run([attempt.x((2, 3)), attempt.c(shape, "int32")], [attempt.y((3, 2))], "ReshapeOptions")
    for name, dims in (("dim_outside", [3]), ("no_one", [0])):
        attempt = Attempt("SQUEEZE", name)
        yield attempt.run([attempt.x((2, 1, 3))], [attempt.y((2, 3))], "SqueezeOptions", squeezeDims=dims)


def quantizations():
    for name, start, end in (("from_bool", "bool", "int8"), ("to_int32", "float32", "int32"), ("from_int64", "int64", "int8")):
        attempt = Attempt("QUANTIZE", name, start)
        yield attempt.run([attempt.x((2, 3))], [attempt.y((2, 3), end)], "QuantizeOptions")
    for name, start in (("from_int32", "int32"), ("from_float32", "float32"), ("from_bool", "bool")):
        attempt = Attempt("DEQUANTIZE", name, start)
        yield attempt.run([attempt.x((2, 3))], [attempt.y((2, 3), "float32")], "DequantizeOptions")


def cases():
    for family in (convolutions, products, pairs, unaries, pools, reductions, layouts, quantizations):
        yield from family()
