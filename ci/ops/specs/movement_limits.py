"""What movement.py leaves out: operands that are computed during the run, shape arithmetic on constants, and models that LiteRT
refuses."""

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, MirrorPadMode, TensorType

from case import Case
from flatmodel import Net
from presets import ends

POINT = (0.05, -11)
NONE = ActivationFunctionType.NONE
GRID = np.arange(20, dtype=np.float32).reshape(4, 5)

# name: (operator, options, input, constants, shape of the output, fields)
REFUSED = {
    "axis_outside": ("TRANSPOSE", "TransposeOptions", (2, 3, 4), [[0, 1, 3]], (2, 3, 4), {}),
    "order_too_short": ("TRANSPOSE", "TransposeOptions", (2, 3, 4), [[1, 0]], (2, 3, 4), {}),
    "begin_outside": ("SLICE", "SliceOptions", (4, 5), [[5, 0], [1, 1]], (1, 1), {}),
    "negative_begin": ("SLICE", "SliceOptions", (4, 5), [[-1, 0], [1, 1]], (1, 1), {}),
    "size_outside": ("SLICE", "SliceOptions", (4, 5), [[3, 0], [2, 5]], (2, 5), {}),
    "size_minus_2": ("SLICE", "SliceOptions", (4, 5), [[0, 0], [-2, 1]], (2, 1), {}),
    "stride_0": ("STRIDED_SLICE", "StridedSliceOptions", (4, 5), [[0, 0], [4, 5], [1, 0]], (4, 5), {}),
    "lengths_too_long": ("SPLIT_V", "SplitVOptions", (2, 5), [[6], 1], (2, 6), dict(numSplits=1)),
    "lengths_too_short": ("SPLIT_V", "SplitVOptions", (2, 5), [[3], 1], (2, 3), dict(numSplits=1)),
    "index_outside": ("GATHER", "GatherOptions", (5, 3), [[5]], (1, 3), dict(axis=0)),
    "negative_index": ("GATHER", "GatherOptions", (5, 3), [[-1]], (1, 3), dict(axis=0)),
    "axis_too_large": ("GATHER", "GatherOptions", (5, 3), [[1]], (5, 1), dict(axis=2)),
    "indices_outside": ("GATHER_ND", "GatherNdOptions", (3, 4), [[[0, 4]]], (1,), {}),
    "does_not_fit": ("BROADCAST_TO", "BroadcastToOptions", (3,), [[2, 4]], (2, 4), {}),
    "block_does_not_divide": ("SPACE_TO_DEPTH", "SpaceToDepthOptions", (1, 5, 5, 3), [], (1, 2, 2, 12), dict(blockSize=2)),
    "block_0": ("DEPTH_TO_SPACE", "DepthToSpaceOptions", (1, 2, 2, 4), [], (1, 2, 2, 4), dict(blockSize=0)),
    "too_far": ("MIRROR_PAD", "MirrorPadOptions", (3, 4), [[[3, 0], [0, 0]]], (6, 4), dict(mode=MirrorPadMode.REFLECT)),
    "negative_paddings": ("PAD", "PadOptions", (3, 4), [[[-1, 0], [0, 0]]], (2, 4), {}),
    "more_than_there_are": ("TOPK_V2", "TopKV2Options", (2, 3), [4], (2, 4), {}),
    "size_0": ("RESIZE_BILINEAR", "ResizeBilinearOptions", (1, 2, 2, 1), [[0, 2]], (1, 1, 2, 1), {}),
    "axis_is_no_axis": ("EXPAND_DIMS", "ExpandDimsOptions", (2, 3), [3], (2, 3, 1), {}),
    "no_such_axis": ("REVERSE_V2", "ReverseV2Options", (2, 3), [[2]], (2, 3), {}),
    "does_not_divide": ("SPACE_TO_BATCH_ND", "SpaceToBatchNDOptions", (1, 3, 4, 1), [[2, 2], [[0, 0], [0, 0]]], (4, 1, 2, 1), {}),
    "batch_does_not_divide": ("BATCH_TO_SPACE_ND", "BatchToSpaceNDOptions", (3, 2, 2, 1), [[2, 2], [[0, 0], [0, 0]]], (1, 4, 4, 1), {}),
}


def refused(name, op, options, shape, constants, output, fields):
    net = Net()
    x = net.input(shape, "float32")
    rest = [net.constant(np.array(values, np.int32)) for values in constants]
    outputs = [net.output(output, "float32")]
    if op == "TOPK_V2":
        outputs.append(net.output(output, "int32"))
    net.op(op, [x, *rest], outputs, options, version=2 if op == "BROADCAST_TO" else 1, **fields)
    return Case(op, f"float32_{name}", "float32", net, refused=True)


def refused_types():
    """Types that LiteRT does not move."""
    for op, options, types, shape, output, fields in (
        ("SPACE_TO_DEPTH", "SpaceToDepthOptions", ("int16", "bool"), (1, 2, 2, 1), (1, 1, 1, 4), dict(blockSize=2)),
        ("DEPTH_TO_SPACE", "DepthToSpaceOptions", ("int16", "bool"), (1, 1, 1, 4), (1, 2, 2, 1), dict(blockSize=2)),
        ("UNPACK", "UnpackOptions", ("int64",), (1, 3), (3,), dict(num=1)),
        ("PACK", "PackOptions", ("bool",), (3,), (1, 3), dict(valuesCount=1)),
    ):
        for dtype in types:
            net = Net()
            x = net.input(shape, dtype, **ends(dtype, *POINT))
            net.op(op, [x], [net.output(output, dtype, **ends(dtype, *POINT))], options, **fields)
            yield Case(op, f"{dtype}_type", dtype, net, refused=True)
    for dtype in ("int8", "bool"):
        net = Net()
        x, lengths = net.input((2, 3), dtype, **ends(dtype, *POINT)), net.constant(np.array([1, 3], np.int32))
        y = net.output((2, 3), dtype, **ends(dtype, *POINT))
        net.op("REVERSE_SEQUENCE", [x, lengths], [y], "ReverseSequenceOptions", seqDim=1, batchDim=0)
        yield Case("REVERSE_SEQUENCE", f"{dtype}_type", dtype, net, refused=True)


def runs():
    """Operands that are inputs; the output's shape does not depend on them."""
    net = Net()
    inputs = [net.input((4, 5), "float32"), net.input((2,), "int32"), net.constant(np.array([2, 3], np.int32))]
    net.op("SLICE", inputs, [net.output((2, 3), "float32")], "SliceOptions")
    yield Case("SLICE", "float32_begin_is_input", "float32", net, steps=[[GRID, [0, 1]], [GRID, [2, 2]]])
    net = Net()
    inputs = [net.input((4, 5), "float32"), net.input((2,), "int32"), net.input((2,), "int32")]
    net.op("STRIDED_SLICE", [*inputs, net.constant(np.array([1, 2], np.int32))], [net.output((2, 3), "float32")], "StridedSliceOptions")
    yield Case("STRIDED_SLICE", "float32_ends_are_inputs", "float32", net, steps=[[GRID, [0, 0], [2, 5]], [GRID, [-2, 0], [9, 9]]])
    net = Net()
    inputs = [net.input((3, 5), "float32"), net.input((2, 2), "float32"), net.input((2,), "int32")]
    net.op("DYNAMIC_UPDATE_SLICE", inputs, [net.output(None, "float32")], "DynamicUpdateSliceOptions")
    step = [np.zeros((3, 5)), [[1, 2], [3, 4]]]
    yield Case("DYNAMIC_UPDATE_SLICE", "float32_start_is_input", "float32", net, steps=[[*step, [1, 2]], [*step, [9, -9]]])
    net = Net()
    inputs = [net.input((2, 4), "float32"), net.input((2,), "int32")]
    net.op("REVERSE_SEQUENCE", inputs, [net.output(None, "float32")], "ReverseSequenceOptions", seqDim=1, batchDim=0)
    yield Case("REVERSE_SEQUENCE", "float32_lengths_are_inputs", "float32", net, steps=[[GRID[:2, :4], [4, 0]], [GRID[:2, :4], [1, 3]]])
    net = Net()
    inputs = [net.input((2, 1), "int32"), net.input((2, 3), "float32"), net.constant(np.array([4, 3], np.int32))]
    net.op("SCATTER_ND", inputs, [net.output(None, "float32")], "ScatterNdOptions")
    yield Case("SCATTER_ND", "float32_meeting_slices", "float32", net, steps=[[[[3], [0]], GRID[:2, :3]], [[[1], [1]], GRID[:2, :3]]])


def shape_arithmetic():
    """The batch size of a tensor, taken from its shape and put into another: what exporters write for a flattening."""
    net = Net()
    x = net.input((2, 3, 4), "float32")
    shape, batch, rest = (net.tensor(dims, "int32") for dims in ((3,), (), (2,)))
    net.op("SHAPE", [x], [shape], "ShapeOptions", outType=TensorType.INT32)
    ends = [net.constant(np.array([at], np.int32)) for at in (0, 1, 1)]
    net.op("STRIDED_SLICE", [shape, *ends], [batch], "StridedSliceOptions", shrinkAxisMask=1)
    net.op("PACK", [batch, net.constant(np.array(12, np.int32))], [rest], "PackOptions", valuesCount=2, axis=0)
    net.op("RESHAPE", [x, rest], [net.output((2, 12), "float32")], "ReshapeOptions", newShape=[])
    yield Case("RESHAPE", "float32_computed_shape", "float32", net, "the shape is computed from that of the input")
    net = Net()
    count = net.input((3,), "float32")
    numbers, dims, filled = net.tensor((4,), "int32"), net.tensor((2,), "int32"), net.tensor((1, 3), "float32")
    net.op("RANGE", [net.constant(np.array(value, np.int32)) for value in (0, 8, 2)], [numbers], "RangeOptions")
    net.op("GATHER", [numbers, net.constant(np.array([0, 1], np.int32))], [dims], "GatherOptions", axis=0)
    net.op("TILE", [net.constant(np.array([[1.5, 2.5, -1.0]], np.float32)), net.constant(np.array([1, 1], np.int32))], [filled], "TileOptions")
    net.op("ADD", [count, filled], [net.output((1, 3), "float32")], "AddOptions", fusedActivationFunction=NONE)
    net.outputs.append(dims)
    yield Case("RANGE", "int32_of_constants_to_output", "int32", net, "a value that is known before the run is an output")


def cases():
    for name, spec in REFUSED.items():
        yield refused(name, *spec)
    for family in (refused_types, runs, shape_arithmetic):
        yield from family()
