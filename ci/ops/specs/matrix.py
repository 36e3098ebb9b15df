"""TRANSPOSE_CONV, BATCH_MATMUL and DENSIFY."""

from math import sqrt

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ActivationFunctionType, Padding

from case import Case, Tolerance
from flatmodel import Net
from presets import ends
from specs.weights import DEVIATION, FILLING

FLOAT = Tolerance(relative=2e-6, absolute=4e-6)
SAME, VALID = Padding.SAME, Padding.VALID

# name: (input NHWC, filters, kernel, stride (height, width), padding, output (height, width), fused activation)
TRANSPOSED = {
    "same_stride_2": ((1, 3, 4, 3), 4, (3, 3), (2, 2), SAME, (6, 8), 0),
    "same_stride_2_odd": ((1, 3, 4, 2), 3, (3, 3), (2, 2), SAME, (5, 7), 0),
    "valid_stride_2": ((1, 3, 3, 2), 3, (2, 2), (2, 2), VALID, (6, 6), 0),
    "valid_stride_3_1": ((2, 2, 3, 2), 2, (4, 3), (3, 1), VALID, (7, 5), 0),
    "stride_1": ((1, 4, 3, 3), 5, (3, 3), (1, 1), SAME, (4, 3), 0),
    "relu6": ((1, 3, 3, 3), 4, (3, 3), (2, 2), SAME, (6, 6), ActivationFunctionType.RELU6),
    "kernel_below_stride": ((1, 3, 3, 2), 3, (1, 1), (2, 2), VALID, (5, 5), 0),
    "wide": ((1, 2, 2, 17), 19, (3, 3), (2, 2), SAME, (4, 4), 0),
}


def weights_of(case, dtype, shape, per_channel):
    """Filter OHWI of a type, and its scales."""
    random = case.random()
    if dtype == "float32":
        return case.net.constant(random.normal(0, 0.5, shape).astype(np.float32), name="filter"), None
    scales = random.uniform(0.002, 0.02, shape[0] if per_channel else 1)
    if dtype == "uint8":
        values = random.integers(0, 256, shape).astype(np.uint8)
        return case.net.constant(values, name="filter", scale=scales, zero_point=133), scales
    values = random.integers(-127, 128, shape).astype(np.int8)
    return case.net.constant(values, name="filter", scale=scales), scales


def transpose_conv(name, dtype, geometry, *, bias=True, per_channel=True, gain=1.0):
    input_shape, filters, kernel, stride, padding, (height, width), activation = geometry
    net = Net()
    case = Case("TRANSPOSE_CONV", f"{dtype}_{name}", dtype, net, tolerance=FLOAT if dtype == "float32" else None)
    start = ends(dtype, 0.05, -7)
    size = net.constant(np.array([input_shape[0], height, width, filters], np.int32), name="size")
    weights, scales = weights_of(case, dtype, (filters, *kernel, input_shape[3]), per_channel and dtype != "uint8")
    inputs = [size, weights, net.input(input_shape, dtype, **start)]
    taps = kernel[0] * kernel[1] * input_shape[3]
    if bias:
        inputs.append(bias_of(case, dtype, filters, taps, start, scales))
    end = {}
    if dtype != "float32":
        scale = start["scale"] * scales.mean() * DEVIATION[dtype] * 73 * sqrt(taps) / FILLING[dtype] / gain
        end = dict(scale=scale, zero_point={"int8": 11, "uint8": 121, "int16": 0}[dtype])
    fields = dict(padding=padding, strideH=stride[0], strideW=stride[1], fusedActivationFunction=activation)
    version = 4 if activation else 3 if bias else 1 if dtype == "float32" else 2
    net.op("TRANSPOSE_CONV", inputs, [net.output(None, dtype, **end)], "TransposeConvOptions", version=version, **fields)
    return case


def bias_of(case, dtype, channels, taps, start, scales):
    random = np.random.default_rng(channels)
    if dtype == "float32":
        return case.net.constant(random.normal(0, 0.5, channels).astype(np.float32), name="bias")
    limit = int((1e6 if dtype == "int16" else 5000) * sqrt(taps))
    values = random.integers(-limit, limit, channels)
    kind = "int64" if dtype == "int16" else "int32"
    return case.net.constant(values, kind, name="bias", scale=np.float32(start["scale"]) * np.float32(scales))


# name: (left, right, adj_x, adj_y)
PRODUCTS = {
    "matrices": ((3, 5), (5, 4), False, False),
    "batches": ((2, 3, 5), (2, 5, 4), False, False),
    "adjoint_left": ((2, 5, 3), (2, 5, 4), True, False),
    "adjoint_right": ((2, 3, 5), (2, 4, 5), False, True),
    "both_adjoint": ((2, 5, 3), (2, 4, 5), True, True),
    "broadcast": ((2, 1, 3, 4), (3, 4, 2), False, False),
    "broadcast_right": ((4, 5), (3, 5, 2), False, False),
    "rank_5": ((1, 2, 1, 2, 3), (2, 1, 2, 3, 2), False, False),
    "vector": ((2, 1, 7), (2, 7, 1), False, False),
}


def batch_matmul(name, dtype, left, right, adj_x, adj_y, *, constant=False):
    net = Net()
    case = Case("BATCH_MATMUL", f"{dtype}_{name}", dtype, net, tolerance=FLOAT if dtype == "float32" else None)
    depth = left[-2] if adj_x else left[-1]
    first, second, end = ends(dtype, 0.05, -7), ends(dtype, 0.021, 13), {}
    if dtype != "float32":
        scale = first["scale"] * second["scale"] * DEVIATION[dtype] ** 2 * sqrt(depth) / FILLING[dtype]
        end = dict(scale=scale, zero_point=5 if dtype == "int8" else 0)
    inputs = [net.input(left, dtype, **first)]
    if constant:
        values = case.random().integers(-127, 128, right) if dtype == "int8" else case.random().normal(0, 1, right)
        inputs.append(net.constant(values, dtype, **second))
    else:
        inputs.append(net.input(right, dtype, **second))
    fields = dict(adjX=adj_x, adjY=adj_y)
    version = {"float32": 1, "int8": 2, "int16": 3}[dtype]
    net.op("BATCH_MATMUL", inputs, [net.output(None, dtype, **end)], "BatchMatMulOptions", version=version, **fields)
    return case


def hybrid_matmul(name, left, right, adj_y, asymmetric):
    """Float left, int8 constant right."""
    net = Net()
    case = Case("BATCH_MATMUL", f"hybrid_{name}", "hybrid", net, tolerance=FLOAT)
    values = case.random().integers(-127, 128, right).astype(np.int8)
    inputs = [net.input(left, "float32"), net.constant(values, scale=0.013)]
    fields = dict(adjX=False, adjY=adj_y, asymmetricQuantizeInputs=asymmetric)
    net.op("BATCH_MATMUL", inputs, [net.output(None, "float32")], "BatchMatMulOptions", version=4, **fields)
    return case


def densify():
    """Rows of a constant stored without their zeros (compressed sparse row), added to what is dense."""
    dense = np.array([[0, 1.5, 0, 0], [0, 0, 0, 0], [-2, 0, 0, 3], [0, 0, 4.25, 0]], np.float32)
    kept = [[column for column in range(4) if row[column]] for row in dense]
    rows, columns = schema.DimensionMetadataT(), schema.DimensionMetadataT()
    rows.format, rows.denseSize = schema.DimensionType.DENSE, 4
    columns.format = schema.DimensionType.SPARSE_CSR
    columns.arraySegmentsType = columns.arrayIndicesType = schema.SparseIndexVector.Int32Vector
    columns.arraySegments, columns.arrayIndices = schema.Int32VectorT(), schema.Int32VectorT()
    columns.arraySegments.values = [0, *np.cumsum([len(row) for row in kept]).tolist()]
    columns.arrayIndices.values = [column for row in kept for column in row]
    sparsity = schema.SparsityParametersT()
    sparsity.traversalOrder, sparsity.dimMetadata = [0, 1], [rows, columns]
    net = Net()
    stored = net.constant(dense[dense != 0], shape=dense.shape, name="sparse", sparsity=sparsity)
    whole = net.tensor(dense.shape, "float32", name="whole")
    net.op("DENSIFY", [stored], [whole], "DensifyOptions")
    net.op("ADD", [net.input((4, 4), "float32"), whole], [net.output(None, "float32")], "AddOptions")
    return Case("DENSIFY", "float32_rows", "float32", net)


def cases():
    for dtype in ("float32", "int8", "uint8", "int16"):
        for name, geometry in TRANSPOSED.items():
            yield transpose_conv(name, dtype, geometry)
        yield transpose_conv("no_bias", dtype, TRANSPOSED["same_stride_2"], bias=False)
    yield transpose_conv("per_tensor", "int8", TRANSPOSED["same_stride_2"], per_channel=False)
    yield transpose_conv("saturating", "int8", TRANSPOSED["same_stride_2"], gain=8.0)
    for dtype in ("float32", "int8", "int16"):
        for name, product in PRODUCTS.items():
            yield batch_matmul(name, dtype, *product)
    yield batch_matmul("constant", "float32", (2, 3, 5), (5, 4), False, False, constant=True)
    yield batch_matmul("constant", "int8", (2, 3, 5), (5, 4), False, False, constant=True)
    yield batch_matmul("constant_adjoint", "int8", (2, 3, 5), (4, 5), False, True, constant=True)
    for name, asymmetric in (("symmetric", False), ("asymmetric", True)):
        yield hybrid_matmul(name, (2, 3, 5), (5, 4), False, asymmetric)
        yield hybrid_matmul(f"{name}_batches", (2, 3, 5), (2, 5, 4), False, asymmetric)
        yield hybrid_matmul(f"{name}_adjoint", (2, 3, 5), (4, 5), True, asymmetric)
    yield densify()
