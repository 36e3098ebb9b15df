"""Where values stand and what belongs together: WHERE, UNIQUE, BUCKETIZE, NON_MAX_SUPPRESSION and segments."""

import numpy as np
from ai_edge_litert.schema_py_generated import TensorType

from case import Case, Tolerance
from flatmodel import Net

CLOSE = Tolerance(relative=1e-6, absolute=1e-7)


def one(op, name, dtype, values, outputs, options=None, *, constants=(), note="", tolerance=None, kernels="BUILTIN_REF", **fields):
    """A node whose first inputs are `values` given in the run, and whose outputs the run shapes."""
    net = Net()
    inputs = [net.input(value.shape, value.dtype.name) for value in values]
    inputs += [net.constant(value) for value in constants]
    results = [net.output((1,), kind) for kind in outputs]
    net.op(op, inputs, results, options, **fields)
    return Case(op, f"{dtype}_{name}", dtype, net, note, steps=[list(values)], tolerance=tolerance, late=True, kernels=kernels)


def places():
    random = np.random.default_rng(5)
    for dtype in ("bool", "float32", "int64", "int32", "int8", "uint8"):
        values = (random.integers(0, 3, (3, 4, 2)) % 2).astype(dtype)
        yield one("WHERE", "volume", dtype, [values], ["int64"], "WhereOptions")
    yield one("WHERE", "vector", "bool", [np.array([False, True, True])], ["int64"], "WhereOptions")
    odd = np.array([-0.0, 0.0, np.nan, 1e-45, -np.inf], np.float32)
    yield one("WHERE", "odd", "float32", [odd], ["int64"], "WhereOptions", note="which floats are not 0")


def different():
    lists = {"int32": np.int32, "int64": np.int64, "float32": np.float32, "int8": np.int8, "uint8": np.uint8, "int16": np.int16}
    for dtype, kind in lists.items():
        values = np.array([5, 3, 5, 9, 3, 3, 0, 127], kind)
        yield one("UNIQUE", "list", dtype, [values], [dtype, "int32"], "UniqueOptions", idxOutType=TensorType.INT32)
    values = np.array([-1, 0, -1], np.int32)
    yield one("UNIQUE", "wide_numbers", "int32", [values], ["int32", "int64"], "UniqueOptions", idxOutType=TensorType.INT64)
    zeros = np.array([0.0, -0.0, 1.5], np.float32)
    yield one("UNIQUE", "zeros", "float32", [zeros], ["float32", "int32"], "UniqueOptions", idxOutType=TensorType.INT32)


def buckets():
    for dtype in ("float32", "int32", "int64"):
        values = np.array([-9, -1, 0, 1, 2, 40], dtype)
        yield one("BUCKETIZE", "list", dtype, [values], ["int32"], "BucketizeOptions", boundaries=[-1.0, 0.5, 2.0, 2.0])


CORNERS = [[1, 1, 0, 0], [0, 0.1, 1, 1.1], [0, 0.9, 1, -0.1], [0, 10, 1, 11], [1, 10.1, 0, 11.1], [1, 101, 0, 100], [2, 2, 2, 5]]
SCORES = [0.9, 0.75, 0.6, 0.95, 0.5, 0.3, 0.2]


def suppression():
    boxes, scores = np.array(CORNERS, np.float32), np.array(SCORES, np.float32)
    for name, most, overlap, score in (("all", 7, 0.5, 0.0), ("few", 2, 0.5, 0.0), ("good", 7, 0.5, 0.4), ("loose", 7, 1.0, -1.0), ("none", 7, 0.5, 1.0)):
        numbers = [np.int32(most), np.float32(overlap), np.float32(score)]
        yield one("NON_MAX_SUPPRESSION_V4", name, "float32", [boxes, scores], ["int32", "int32"], "NonMaxSuppressionV4Options", constants=numbers)
        for sigma in (0.0, 0.5):
            label = f"{name}_soft" if sigma else name
            case = one("NON_MAX_SUPPRESSION_V5", label, "float32", [boxes, scores], ["int32", "float32", "int32"], "NonMaxSuppressionV5Options", constants=[*numbers, np.float32(sigma)], tolerance=CLOSE if sigma else None)
            yield case
    random = np.random.default_rng(3)
    corners = random.uniform(0, 1, (64, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.05, 0.3, (64, 2))], axis=1).astype(np.float32)
    scores = (random.integers(0, 9, 64) / 8).astype(np.float32)
    numbers = [np.int32(40), np.float32(0.3), np.float32(0.1)]
    note = "many boxes with the same score: the order of the heap"
    yield one("NON_MAX_SUPPRESSION_V4", "equal_scores", "float32", [boxes, scores], ["int32", "int32"], "NonMaxSuppressionV4Options", constants=numbers, note=note)
    values = [boxes, scores, np.int32(5)]
    yield one("NON_MAX_SUPPRESSION_V4", "late_limit", "float32", values, ["int32", "int32"], "NonMaxSuppressionV4Options", constants=numbers[1:])


def segments():
    random = np.random.default_rng(8)
    numbers = np.array([0, 2, -1, 2, 0], np.int32)
    for word in ("Sum", "Prod", "Min", "Max"):
        op, options = f"UNSORTED_SEGMENT_{word.upper()}", f"UnsortedSegment{word}Options"
        for dtype in ("float32", "int32"):
            rows = random.integers(-9, 9, (5, 3)).astype(dtype)
            yield one(op, "rows", dtype, [rows, numbers], [dtype], options, constants=[np.int32(4)])
        rows = random.integers(-9, 9, (2, 2, 2)).astype(np.float32)
        yield one(op, "plane_of_numbers", "float32", [rows, np.array([[0, 1], [1, 0]], np.int32), np.int32(2)], ["float32"], options)
    note = "LiteRT's reference set lacks the operator"
    for dtype in ("float32", "int32"):
        rows = random.integers(-9, 9, (5, 3)).astype(dtype)
        values = [rows, np.array([0, 0, 1, 2, 2], np.int32)]
        yield one("SEGMENT_SUM", "rows", dtype, values, [dtype], "SegmentSumOptions", note=note, kernels="BUILTIN_WITHOUT_DEFAULT_DELEGATES")


def cases():
    for family in (places, different, buckets, suppression, segments):
        yield from family()
