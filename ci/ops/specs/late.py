"""Operands that are inputs of the model, so that only the run knows the shapes of outputs; what follows such outputs; loops that
change the shapes of what they carry. The file says a shape of ones or none at all."""

import numpy as np
from ai_edge_litert.schema_py_generated import MirrorPadMode, TensorType

from case import Case, Tolerance
from flatmodel import Net
from presets import ends

FLOAT = Tolerance(relative=2e-6, absolute=4e-6)
POINT = (0.05, -11)


def ints(*values, dtype=np.int32):
    return np.array(values, dtype)


class Late:
    """One operator: input 0 of `shape`, operands that are inputs of the model, given as values."""

    def __init__(self, op, options, shape, operands, constants=(), version=1, outputs=None, **fields):
        self.op, self.options, self.shape, self.operands = op, options, shape, operands
        self.constants, self.version, self.outputs, self.fields = constants, version, outputs, fields

    def case(self, name, dtype):
        net = Net()
        quantization = ends(dtype, *POINT)
        case = Case(self.op, f"{dtype}_late_{name}", dtype, net, "operands are inputs of the model", late=True)
        inputs = [net.input(self.shape, dtype, **quantization)] if self.shape is not None else []
        inputs += [net.input(value.shape, value.dtype.name) for value in self.operands]
        inputs += [net.constant(value) for value in self.constants]
        dtypes = self.outputs or [dtype]
        outputs = [net.output((1,), kind, **(quantization if kind == dtype else {})) for kind in dtypes]
        net.op(self.op, inputs, outputs, self.options, version=self.version, **self.fields)
        case.fill_inputs()
        start = 0 if self.shape is None else 1
        case.steps[0][start:] = list(self.operands)
        return case


REDUCTIONS = ("SUM", "MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")

OPERATORS = {
    "reshape": Late("RESHAPE", "ReshapeOptions", (2, 6), [ints(3, -1)]),
    "expand_dims": Late("EXPAND_DIMS", "ExpandDimsOptions", (2, 3), [ints(1)]),
    "tile": Late("TILE", "TileOptions", (2, 3), [ints(2, 1)]),
    "broadcast": Late("BROADCAST_TO", "BroadcastToOptions", (3, 1), [ints(2, 3, 2)], version=2),
    "pad": Late("PAD", "PadOptions", (2, 3), [ints([1, 0], [2, 1])]),
    "mirror": Late("MIRROR_PAD", "MirrorPadOptions", (3, 4), [ints([1, 0], [2, 1])], mode=MirrorPadMode.REFLECT),
    "strided": Late("STRIDED_SLICE", "StridedSliceOptions", (4, 6), [ints(3, 1), ints(0, 6), ints(-1, 2)]),
    "transpose": Late("TRANSPOSE", "TransposeOptions", (2, 3, 4), [ints(2, 0, 1)]),
    "nearest": Late("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", (1, 2, 3, 2), [ints(4, 5)]),
    "bilinear": Late("RESIZE_BILINEAR", "ResizeBilinearOptions", (1, 2, 3, 2), [ints(4, 5)]),
    "to_batch": Late("SPACE_TO_BATCH_ND", "SpaceToBatchNDOptions", (1, 4, 4, 2), [ints(2, 2), ints([0, 0], [2, 0])]),
    "to_space": Late("BATCH_TO_SPACE_ND", "BatchToSpaceNDOptions", (4, 2, 2, 1), [ints(2, 2), ints([0, 1], [0, 0])]),
    "top": Late("TOPK_V2", "TopKV2Options", (3, 7), [ints(4)[0]], outputs=["float32", "int32"]),
    "gather": Late("GATHER", "GatherOptions", (5, 3), [ints(4, 0)], axis=0),
}

FLOATS_ONLY = ("top",)


def slices():
    """LiteRT wants the file to say the shape of a slice even where it does not know it."""
    for dtype in ("float32", "int8"):
        net = Net()
        quantization = ends(dtype, *POINT)
        inputs = [net.input((4, 5), dtype, **quantization), net.input((2,), "int32"), net.input((2,), "int32")]
        net.op("SLICE", inputs, [net.output((2, 3), dtype, **quantization)], "SliceOptions")
        case = Case("SLICE", f"{dtype}_late_slice", dtype, net, "operands are inputs of the model")
        case.fill_inputs()
        case.steps = [[case.steps[0][0], ints(1, 2), ints(2, -1)], [case.steps[0][0], ints(0, 1), ints(2, 3)]]
        yield case


def options_of_reductions():
    for op in REDUCTIONS:
        for keep in (False, True):
            name = "axes_kept" if keep else "axes"
            yield Late(op, "ReducerOptions", (2, 3, 4), [ints(2, -3)], keepDims=keep).case(name, "float32")
        if op != "REDUCE_PROD":
            yield Late(op, "ReducerOptions", (2, 3, 4), [ints(1)], keepDims=False, version=2).case("axes", "int8")
    for op in ("ARG_MAX", "ARG_MIN"):
        fields = dict(outputType=TensorType.INT32)
        yield Late(op, op.title().replace("_", "") + "Options", (3, 4), [ints(1)], outputs=["int32"], **fields).case("axis", "float32")


def without_input():
    """Operators whose every input says what is made."""
    yield Late("FILL", "FillOptions", None, [ints(2, 3), np.float32(1.5)]).case("dims", "float32")
    yield Late("RANGE", "RangeOptions", None, [np.int32(2), np.int32(11), np.int32(3)]).case("numbers", "int32")
    yield Late("RANGE", "RangeOptions", None, [np.float32(1), np.float32(-1), np.float32(-0.4)]).case("numbers", "float32")
    values = [ints([0, 2], [4, -1]), np.int32(3), np.float32(1), np.float32(0)]
    yield Late("ONE_HOT", "OneHotOptions", None, values, axis=-1).case("depth", "float32")
    values = [ints([0, 1], [2, 0]), np.arange(2, dtype=np.float32), ints(3, 2)]
    yield Late("SCATTER_ND", "ScatterNdOptions", None, values).case("shape", "float32")
    yield Late("SPARSE_TO_DENSE", "SparseToDenseOptions", None, [ints(1, 3), ints(5), np.array([7, 8], np.float32), np.float32(-1)]).case(
        "shape", "float32"
    )


def graph(name, build, steps, note):
    net = Net()
    build(net)
    return Case("GRAPH", f"float32_{name}", "float32", net, note, steps=steps, late=True, tolerance=FLOAT)


def chain(net):
    """Everything behind a computed shape has one: views, weights, broadcasts, and the shape itself."""
    x, shape = net.input((4, 3), "float32"), net.input((2,), "int32")
    rows, sums, flat, total = (net.tensor((1,), "float32") for _ in range(4))
    net.op("RESHAPE", [x, shape], [rows], "ReshapeOptions")
    weights = net.constant(np.linspace(-1, 1, 24).reshape(4, 6).astype(np.float32))
    net.op("FULLY_CONNECTED", [rows, weights, None], [sums], "FullyConnectedOptions", fusedActivationFunction=0)
    net.op("RESHAPE", [sums, net.constant(np.array([-1], np.int32))], [flat], "ReshapeOptions")
    net.op("SUM", [flat, net.constant(np.array([0], np.int32))], [total], "ReducerOptions", keepDims=True)
    net.op("SUB", [flat, total], [net.output((1,), "float32")], "SubOptions")
    net.op("SHAPE", [sums], [net.output((2,), "int32")], "ShapeOptions", outType=TensorType.INT32)


def found(net):
    """Elements that WHERE finds are gathered."""
    x, zero = net.input((3, 4), "float32"), net.constant(np.zeros(1, np.float32))
    holds, places = net.tensor((3, 4), "bool"), net.tensor((1, 2), "int64")
    net.op("GREATER", [x, zero], [holds], "GreaterOptions")
    net.op("WHERE", [holds], [places], "WhereOptions")
    net.op("GATHER_ND", [x, places], [net.output((1,), "float32")], "GatherNdOptions")


def growing(net):
    """A loop that appends to a vector as long as it is shorter than an input says."""
    limit, x = net.input((1,), "int32"), net.input((2,), "float32")
    condition, body = Net("condition"), Net("body")
    values = [condition.input((1,), "int32"), condition.input((1,), "float32")]
    dims = condition.tensor((1,), "int32")
    condition.op("SHAPE", values[1:], [dims], "ShapeOptions", outType=TensorType.INT32)
    condition.op("LESS", [dims, values[0]], [condition.output((1,), "bool")], "LessOptions")
    values = [body.input((1,), "int32"), body.input((1,), "float32")]
    longer = body.tensor((1,), "float32")
    appended = body.constant(np.array([0.5, -1.5], np.float32))
    body.op("CONCATENATION", [values[1], appended], [longer], "ConcatenationOptions", axis=0)
    body.outputs += [values[0], longer]
    carried = [net.output((1,), "int32"), net.output((1,), "float32")]
    fields = dict(condSubgraphIndex=net.attach(condition), bodySubgraphIndex=net.attach(body))
    net.op("WHILE", [limit, x], carried, "WhileOptions", **fields)


def cases():
    for name, late in OPERATORS.items():
        yield late.case(name, "float32")
        if name not in FLOATS_ONLY:
            yield late.case(name, "int8")
    yield from slices()
    yield from options_of_reductions()
    yield from without_input()
    random = np.random.default_rng(11)
    x = random.normal(0, 1, (4, 3)).astype(np.float32)
    yield graph("late_chain", chain, [[x, ints(2, 6)], [x, ints(-1, 6)]], chain.__doc__)
    yield graph("late_found", found, [[x.reshape(3, 4)]], found.__doc__)
    yield graph("late_loop", growing, [[ints(7), np.ones(2, np.float32)]], growing.__doc__)
