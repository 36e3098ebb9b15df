"""Operators that move elements, make indices or fill: results are equal bit for bit whatever the type."""

import numpy as np
from ai_edge_litert.schema_py_generated import MirrorPadMode, TensorType

from case import Case
from flatmodel import DTYPES, Net
from presets import QUANTIZED, ends

# Types that get every shape of an operator; the others of its list get the first.
FULL = ("float32", "int8")
ANY = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")
# LiteRT prepares MATRIX_DIAG and MATRIX_SET_DIAG of bool, and never writes what they give.
NUMBERS = ANY[:-1]
POINT = (0.05, -11)


class Shaper:
    """Builds cases of one operator: the moved tensor is of any type, all else is constant int32."""

    def __init__(self, op, types, build, variants, version=lambda dtype: 2 if dtype in QUANTIZED else 1):
        self.op, self.types, self.build, self.variants, self.version = op, types, build, variants, version

    def cases(self):
        first = next(iter(self.variants))
        for dtype in self.types:
            for name, arguments in self.variants.items():
                if dtype in FULL or name == first:
                    net = Net()
                    self.build(Side(net, self.op, dtype, self.version(dtype)), *arguments)
                    yield Case(self.op, f"{dtype}_{name}", dtype, net)


class Side:
    """A net in the making, and the type of what is moved."""

    def __init__(self, net, op, dtype, version):
        self.net, self.operator, self.dtype, self.version = net, op, dtype, version
        self.quantization = ends(dtype, *POINT)

    def x(self, shape):
        return self.net.input(shape, self.dtype, **self.quantization)

    def y(self):
        return self.net.output(None, self.dtype, **self.quantization)

    def const(self, values, dtype="int32"):
        return self.net.constant(np.array(values, DTYPES[dtype][1]), dtype)

    def op(self, inputs, outputs=None, options=None, **fields):
        outputs = [self.y()] if outputs is None else outputs
        self.net.op(self.operator, inputs, outputs, options, version=self.version, **fields)


def transpose(side, shape, order):
    side.op([side.x(shape), side.const(order)], options="TransposeOptions")


def slice_(side, shape, begin, size, index="int32"):
    side.op([side.x(shape), side.const(begin, index), side.const(size, index)], options="SliceOptions")


def strided_slice(side, shape, begin, end, strides, **masks):
    inputs = [side.x(shape), side.const(begin), side.const(end), side.const(strides)]
    side.op(inputs, options="StridedSliceOptions", **masks)


def masked(shape, begin, end, strides, **masks):
    return lambda side: strided_slice(side, shape, begin, end, strides, **masks)


def split(side, shape, axis, count):
    side.op([side.const(axis), side.x(shape)], [side.y() for _ in range(count)], "SplitOptions", numSplits=count)


def split_v(side, shape, sizes, axis):
    inputs = [side.x(shape), side.const(sizes), side.const(axis)]
    side.op(inputs, [side.y() for _ in sizes], "SplitVOptions", numSplits=len(sizes))


def pack(side, shape, axis, count):
    side.op([side.x(shape) for _ in range(count)], options="PackOptions", axis=axis, valuesCount=count)


def unpack(side, shape, axis):
    count = shape[axis]
    side.op([side.x(shape)], [side.y() for _ in range(count)], "UnpackOptions", axis=axis, num=count)


def gather(side, shape, indices, axis, batch_dims=0, index="int32"):
    side.op([side.x(shape), side.const(indices, index)], options="GatherOptions", axis=axis, batchDims=batch_dims)


def gather_nd(side, shape, indices, index="int32"):
    side.op([side.x(shape), side.const(indices, index)], options="GatherNdOptions")


def tile(side, shape, counts, index="int32"):
    side.op([side.x(shape), side.const(counts, index)], options="TileOptions")


def expand_dims(side, shape, axis):
    side.op([side.x(shape), side.const(axis)], options="ExpandDimsOptions")


def broadcast_to(side, shape, target, index="int32"):
    side.op([side.x(shape), side.const(target, index)], options="BroadcastToOptions")


def reverse(side, shape, axes):
    side.op([side.x(shape), side.const(axes)], options="ReverseV2Options")


def reverse_sequence(side, shape, lengths, seq_dim, batch_dim):
    fields = dict(seqDim=seq_dim, batchDim=batch_dim)
    side.op([side.x(shape), side.const(lengths)], options="ReverseSequenceOptions", **fields)


def scatter_nd(side, indices, updates, shape):
    side.op([side.const(indices), side.x(updates), side.const(shape)], options="ScatterNdOptions")


def fill(side, dims, index="int32"):
    side.op([side.const(dims, index), side.x(())], options="FillOptions")


def space_to_depth(side, shape, block):
    side.op([side.x(shape)], options="SpaceToDepthOptions", blockSize=block)


def depth_to_space(side, shape, block):
    side.op([side.x(shape)], options="DepthToSpaceOptions", blockSize=block)


def space_to_batch(side, shape, block, paddings):
    side.op([side.x(shape), side.const(block), side.const(paddings)], options="SpaceToBatchNDOptions")


def batch_to_space(side, shape, block, crops):
    side.op([side.x(shape), side.const(block), side.const(crops)], options="BatchToSpaceNDOptions")


def mirror_pad(side, shape, paddings, mode):
    side.op([side.x(shape), side.const(paddings)], options="MirrorPadOptions", mode=mode)


def pad_v2(side, shape, paddings, value):
    value = side.net.constant(np.array(value), side.dtype, **side.quantization)
    side.op([side.x(shape), side.const(paddings), value], options="PadV2Options")


def one_hot(side, indices_shape, depth, axis):
    net = side.net
    indices = net.constant(np.arange(int(np.prod(indices_shape))).reshape(indices_shape) % (depth + 1) - 1, "int32")
    on, off = side.x(()), side.x(())
    side.op([indices, side.const(depth), on, off], options="OneHotOptions", axis=axis)


def top_k(side, shape, k):
    side.op([side.x(shape), side.const(k)], [side.y(), side.net.output(None, "int32")], "TopKV2Options")


def embedding_lookup(side, table, indices):
    side.op([side.const(indices), side.x(table)])


def dynamic_update_slice(side, shape, update, start):
    side.op([side.x(shape), side.x(update), side.const(start)], options="DynamicUpdateSliceOptions")


def matrix_diag(side, shape):
    side.op([side.x(shape)], options="MatrixDiagOptions")


def matrix_set_diag(side, shape, diagonal):
    side.op([side.x(shape), side.x(diagonal)], options="MatrixSetDiagOptions")


REFLECT, SYMMETRIC = MirrorPadMode.REFLECT, MirrorPadMode.SYMMETRIC

SHAPERS = [
    Shaper("TRANSPOSE", ANY, transpose, {
        "rank_3": ((2, 3, 4), [2, 0, 1]),
        "nhwc_to_nchw": ((1, 3, 4, 5), [0, 3, 1, 2]),
        "matrix": ((5, 7), [1, 0]),
        "identity": ((2, 3, 4), [0, 1, 2]),
        "ones_move": ((1, 3, 1, 4), [2, 1, 0, 3]),
        "rank_1": ((5,), [0]),
        "rank_5": ((2, 3, 2, 2, 3), [4, 2, 0, 3, 1]),
        "rank_6": ((2, 1, 3, 2, 1, 2), [5, 0, 4, 1, 3, 2]),
    }),
    Shaper("SLICE", ANY, slice_, {
        "rank_3": ((4, 5, 6), [1, 0, 2], [2, 5, 3]),
        "to_the_end": ((4, 5, 6), [1, 2, 0], [-1, 2, -1]),
        "int64_operands": ((4, 5), [1, 2], [3, -1], "int64"),
        "rank_1": ((9,), [3], [4]),
        "rank_5": ((2, 3, 2, 3, 2), [0, 1, 0, 1, 1], [2, 2, 1, 2, 1]),
        "everything": ((2, 3), [0, 0], [2, 3]),
    }),
    Shaper("SPLIT", ("float32", "int8", "uint8", "int16", "int32", "int64"), split, {
        "last": ((2, 3, 6), 2, 3),
        "first": ((4, 3), 0, 2),
        "negative": ((2, 4, 3), -2, 4),
        "one": ((2, 3), 1, 1),
    }),
    Shaper("SPLIT_V", ("float32", "int8", "uint8", "int16", "int32", "int64"), split_v, {
        "last": ((2, 3, 6), [1, 3, 2], 2),
        "rest": ((7, 2), [2, -1, 1], 0),
        "negative_axis": ((2, 5, 3), [4, 1], -2),
    }),
    Shaper("PACK", ("float32", "int8", "uint8", "int16", "int32", "int64"), pack, {
        "first": ((2, 3), 0, 3),
        "last": ((2, 3), 2, 2),
        "negative": ((2, 3), -2, 2),
        "scalars": ((), 0, 4),
        "one": ((2, 3), 1, 1),
    }),
    Shaper("UNPACK", ("float32", "int8", "uint8", "int16", "int32", "bool"), unpack, {
        "first": ((3, 2, 4), 0),
        "last": ((2, 3, 4), 2),
        "negative": ((2, 3, 4), -2),
        "to_scalars": ((3,), 0),
    }),
    Shaper("GATHER", ANY, gather, {
        "middle": ((2, 5, 3), [3, 0, 3], 1),
        "first": ((5, 3), [4, 1], 0),
        "scalar_index": ((5, 3), 2, 0),
        "matrix_of_indices": ((4, 3), [[0, 3], [2, 1]], 0),
        "negative_axis": ((2, 3, 5), [4, 0, 2], -1),
        "batch_dims": ((2, 4, 3), [[1, 3], [0, 2]], 1, 1),
        "int64_indices": ((5, 3), [4, 1], 0, 0, "int64"),
    }),
    Shaper("GATHER_ND", ("float32", "int8", "uint8", "int16", "int32", "int64", "bool"), gather_nd, {
        "elements": ((3, 4), [[0, 1], [2, 3], [1, 0]]),
        "rows": ((3, 4), [[2], [0]]),
        "deep": ((2, 3, 2, 2), [[[0, 1], [1, 2]], [[1, 0], [0, 0]]]),
        "int64_indices": ((3, 4), [[0, 1], [2, 3]], "int64"),
    }),
    Shaper("TILE", ANY, tile, {
        "rank_3": ((2, 1, 3), [1, 4, 2]),
        "nothing": ((2, 3), [1, 1]),
        "rank_1": ((5,), [3]),
        "rank_5": ((1, 2, 1, 2, 3), [2, 1, 3, 1, 2]),
        "int64_counts": ((2, 3), [2, 2], "int64"),
        "to_nothing": ((2, 3), [0, 1]),
    }),
    Shaper("EXPAND_DIMS", ANY, expand_dims, {
        "middle": ((2, 3), 1),
        "last": ((2, 3), -1),
        "scalar": ((), 0),
        "rank_5": ((1, 2, 3, 2, 2), 5),
    }, version=lambda dtype: 1),
    Shaper("BROADCAST_TO", ANY, broadcast_to, {
        "middle": ((2, 1, 3), [2, 4, 3]),
        "new_axes": ((3,), [2, 2, 3]),
        "scalar": ((), [2, 3]),
        "rank_6": ((1, 2, 1, 2, 1, 2), [2, 2, 3, 2, 2, 2]),
        "int64_shape": ((1, 3), [4, 3], "int64"),
    }, version=lambda dtype: 2),
    Shaper("REVERSE_V2", ANY, reverse, {
        "last": ((2, 3, 5), [2]),
        "first": ((4, 3), [0]),
        "middle": ((2, 4, 3), [1]),
        "negative": ((2, 4, 3), [-2]),
        "two": ((2, 3, 4), [1, 2]),
    }),
    Shaper("REVERSE_SEQUENCE", ("float32", "uint8", "int16", "int32", "int64"), reverse_sequence, {
        "rows": ((2, 5, 3), [4, 2], 1, 0),
        "batch_after": ((5, 3, 2), [5, 1, 3], 0, 1),
        "last": ((2, 3, 4), [1, 4], 2, 0),
    }, version=lambda dtype: 1),
    Shaper("SCATTER_ND", ("float32", "int8", "uint8", "int32", "int64", "bool"), scatter_nd, {
        "rows": ([[4], [1]], (2, 3), [5, 3]),
        "elements": ([[0, 1], [2, 3], [1, 0]], (3,), [3, 4]),
        "deep": ([[[0], [2]], [[1], [3]]], (2, 2, 3), [4, 3]),
    }, version=lambda dtype: 1),
    Shaper("FILL", ANY, fill, {
        "matrix": ([2, 3],),
        "int64_dims": ([2, 2, 2], "int64"),
        "rank_1": ([7],),
    }),
    Shaper("SPACE_TO_DEPTH", ("float32", "int8", "uint8", "int32", "int64"), space_to_depth, {
        "two": ((1, 4, 6, 3), 2),
        "three": ((2, 3, 6, 2), 3),
    }),
    Shaper("DEPTH_TO_SPACE", ("float32", "int8", "uint8", "int32", "int64"), depth_to_space, {
        "two": ((1, 2, 3, 8), 2),
        "three": ((2, 1, 2, 18), 3),
    }, version=lambda dtype: 1),
    Shaper("SPACE_TO_BATCH_ND", ANY, space_to_batch, {
        "two": ((1, 4, 6, 2), [2, 2], [[0, 0], [0, 0]]),
        "padded": ((2, 3, 5, 1), [2, 3], [[1, 0], [2, 2]]),
        "rank_3": ((2, 6, 3), [3], [[0, 0]]),
    }),
    Shaper("BATCH_TO_SPACE_ND", ANY, batch_to_space, {
        "two": ((4, 2, 3, 2), [2, 2], [[0, 0], [0, 0]]),
        "cropped": ((6, 2, 3, 1), [2, 3], [[1, 0], [2, 2]]),
        "rank_3": ((6, 2, 3), [3], [[0, 0]]),
    }),
    Shaper("MIRROR_PAD", ANY, mirror_pad, {
        "reflect": ((3, 4, 3), [[1, 2], [0, 3], [2, 0]], REFLECT),
        "symmetric": ((3, 4, 3), [[3, 2], [0, 4], [2, 0]], SYMMETRIC),
        "nothing": ((2, 3), [[0, 0], [0, 0]], REFLECT),
        "rank_1": ((5,), [[4, 3]], REFLECT),
        "rank_4": ((1, 3, 4, 2), [[0, 0], [1, 1], [2, 2], [0, 0]], REFLECT),
    }),
    Shaper("PADV2", ANY, pad_v2, {
        "image": ((1, 3, 4, 2), [[0, 0], [1, 2], [0, 3], [0, 0]], 1),
        "every_axis": ((2, 2, 2), [[1, 0], [0, 1], [2, 2]], 5),
        "rank_5": ((1, 2, 1, 2, 3), [[0, 1], [1, 0], [0, 0], [1, 1], [0, 2]], 3),
    }),
    Shaper("ONE_HOT", ("float32", "int8", "uint8", "int32", "int64", "bool"), one_hot, {
        "last": ((5,), 3, -1),
        "first": ((2, 4), 3, 0),
        "middle": ((2, 3), 4, 1),
    }, version=lambda dtype: 1),
    Shaper("TOPK_V2", ("float32", "int8", "uint8", "int16", "int32", "int64"), top_k, {
        "rows": ((3, 9), 4),
        "rank_1": ((7,), 1),
        "everything": ((2, 5), 5),
        "rank_3": ((2, 2, 6), 3),
    }),
    Shaper("EMBEDDING_LOOKUP", ("float32", "int8", "uint8"), embedding_lookup, {
        "rows": ((5, 3), [4, 0, 4]),
        "deep": ((4, 2, 3), [1, 3]),
    }),
    Shaper("DYNAMIC_UPDATE_SLICE", ANY, dynamic_update_slice, {
        "inside": ((3, 4, 2), (1, 2, 2), [1, 1, 0]),
        "clamped": ((3, 5), (2, 2), [7, -3]),
        "rank_1": ((8,), (3,), [2]),
    }, version=lambda dtype: 1),
    Shaper("MATRIX_DIAG", NUMBERS, matrix_diag, {"batch": ((2, 3),), "one": ((4,),)}, version=lambda dtype: 1),
    Shaper("MATRIX_SET_DIAG", NUMBERS, matrix_set_diag, {
        "square": ((2, 3, 3), (2, 3)),
        "wide": ((2, 5), (2,)),
        "tall": ((4, 2), (2,)),
    }, version=lambda dtype: 1),
]  # fmt: skip

STRIDED = {
    "plain": masked((4, 5, 6), [1, 0, 2], [3, 5, 6], [1, 2, 3]),
    "negative_strides": masked((4, 6), [-1, 4], [-5, 0], [-2, -1]),
    "begin_mask": masked((4, 6), [2, 2], [3, 5], [1, 1], beginMask=1),
    "end_mask": masked((4, 6), [1, 2], [2, 3], [1, 2], endMask=3),
    "shrink": masked((4, 5, 6), [2, 0, 1], [3, 5, 4], [1, 1, 1], shrinkAxisMask=1),
    "shrink_negative": masked((4, 5), [-1, 0], [0, 5], [1, 1], shrinkAxisMask=1),
    "shrink_all": masked((4, 5), [1, 3], [2, 4], [1, 1], shrinkAxisMask=3),
    "ellipsis": masked((2, 3, 4, 5), [0, 1], [0, 3], [1, 1], ellipsisMask=1),
    "ellipsis_between": masked((2, 3, 4, 5), [1, 0, 2], [2, 0, 4], [1, 1, 1], ellipsisMask=2),
    "new_axis": masked((3, 4), [0, 1, 0], [0, 3, 4], [1, 1, 1], newAxisMask=1),
    "new_axis_and_ellipsis": masked((2, 3, 4), [0, 0, 1], [0, 0, 3], [1, 1, 1], newAxisMask=2, ellipsisMask=1),
    "out_of_range": masked((4, 6), [-9, 2], [9, 99], [1, 1]),
    "fewer_than_rank": masked((4, 5, 3), [1], [3], [1]),
    "rank_5": masked((2, 2, 3, 2, 4), [0, 0, 0, 1, 1], [2, 1, 3, 2, 4], [1, 1, 2, 1, 2]),
    "offset": masked((4, 6), [1, 2], [2, 3], [1, 1], offset=True),
    "nothing": masked((4, 6), [3, 0], [1, 6], [1, 1]),
}


def shape_of(dtype, output, shape):
    net = Net()
    kind = getattr(TensorType, DTYPES[output][0])
    net.op("SHAPE", [net.input(shape, dtype, **ends(dtype, *POINT))], [net.output(None, output)], "ShapeOptions", outType=kind)
    return Case("SHAPE", f"{dtype}_rank_{len(shape)}_{output}", dtype, net)


def rank_of(dtype, shape):
    net = Net()
    net.op("RANK", [net.input(shape, dtype, **ends(dtype, *POINT))], [net.output(None, "int32")], "RankOptions")
    return Case("RANK", f"{dtype}_rank_{len(shape)}", dtype, net)


def range_(dtype, name, start, limit, delta):
    net = Net()
    inputs = [net.constant(np.array(value), dtype) for value in (start, limit, delta)]
    net.op("RANGE", inputs, [net.output(None, dtype)], "RangeOptions")
    return Case("RANGE", f"{dtype}_{name}", dtype, net, "of constants", steps=[[]])


def broadcast_args(name, first, second, dtype="int32"):
    net = Net()
    inputs = [net.constant(np.array(shape), dtype) for shape in (first, second)]
    net.op("BROADCAST_ARGS", inputs, [net.output(None, dtype)])
    return Case("BROADCAST_ARGS", f"{dtype}_{name}", dtype, net, "of constants", steps=[[]])


def runtime_indices(op, options, shape, indices, limit, **fields):
    """Indices that are computed during the run cannot be checked before."""
    net = Net()
    x = net.input(shape, "float32")
    index = net.input(np.shape(indices), "int32")
    net.op(op, [x, index], [net.output(None, "float32")], options, **fields)
    case = Case(op, "float32_indices_are_inputs", "float32", net)
    case.steps = [[case.random().normal(0, 1, shape), np.array(values)] for values in (indices, limit - np.array(indices))]
    return case


def indices_and_ranges():
    for dtype in ("float32", "int8", "int32"):
        for shape in ((2, 3, 5), (7,)):
            yield shape_of(dtype, "int32", shape)
            yield rank_of(dtype, shape)
        yield rank_of(dtype, ())
    yield shape_of("float32", "int64", (2, 3, 5))
    yield range_("int32", "up", 2, 17, 3)
    yield range_("int32", "down", 5, -4, -2)
    yield range_("int64", "up", 0, 5, 1)
    yield range_("float32", "up", 0.5, 3.1, 0.4)
    yield range_("float32", "down", 1.0, -1.0, -0.3)
    yield broadcast_args("row", [2, 3, 4], [4])
    yield broadcast_args("crosswise", [2, 1, 4], [3, 1])
    yield broadcast_args("int64", [2, 1], [2, 5], "int64")
    yield runtime_indices("GATHER", "GatherOptions", (5, 3), [4, 0, 1], 4, axis=0)
    yield runtime_indices("GATHER_ND", "GatherNdOptions", (3, 3), [[0, 1], [2, 2]], 2)


def cases():
    for shaper in SHAPERS:
        yield from shaper.cases()
    strided = {name: (build,) for name, build in STRIDED.items()}
    yield from Shaper("STRIDED_SLICE", ANY, lambda side, build: build(side), strided).cases()
    yield from indices_and_ranges()
