"""DENSIFY of constants that are sparse by elements and by blocks, in each width of index."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from case import EXACT, Case, Tolerance
from flatmodel import Net

VECTORS = {
    "int32": (schema.Int32VectorT, "Int32Vector"),
    "uint16": (schema.Uint16VectorT, "Uint16Vector"),
    "uint8": (schema.Uint8VectorT, "Uint8Vector"),
}


def vector(values, kind):
    make, name = VECTORS[kind]
    table = make()
    table.values = [int(value) for value in values]
    return getattr(schema.SparseIndexVector, name), table


def dense(size):
    level = schema.DimensionMetadataT()
    level.format, level.denseSize = schema.DimensionType.DENSE, size
    return level


def sparse(segments, indices, kind):
    level = schema.DimensionMetadataT()
    level.format = schema.DimensionType.SPARSE_CSR
    level.arraySegmentsType, level.arraySegments = vector(segments, kind)
    level.arrayIndicesType, level.arrayIndices = vector(indices, kind)
    return level


def compressed(matrix, block, kind):
    """Rows dense, columns compressed; `block` rows and columns are kept or left out together."""
    rows, columns = matrix.shape
    tall, wide = block
    segments, indices, values = [0], [], []
    for row in range(rows // tall):
        for column in range(columns // wide):
            part = matrix[row * tall : (row + 1) * tall, column * wide : (column + 1) * wide]
            if part.any():
                indices.append(column)
                values.append(part)
        segments.append(len(indices))
    table = schema.SparsityParametersT()
    dims = [0] * (tall > 1) + [1] * (wide > 1)
    table.traversalOrder = list(range(2 + len(dims)))
    table.blockMap = dims
    blocks = [dense(size) for size in block if size > 1]
    table.dimMetadata = [dense(rows // tall), sparse(segments, indices, kind), *blocks]
    return table, np.concatenate([part.reshape(-1) for part in values])


def case(name, dtype, shape, block=(1, 1), kind="int32"):
    net = Net()
    tolerance = Tolerance(relative=2e-6, absolute=4e-6) if dtype == "float32" else EXACT
    case = Case("DENSIFY", f"{dtype}_{name}", dtype, net, tolerance=tolerance)
    random = case.random()
    kept = random.random((shape[0] // block[0], shape[1] // block[1])) < 0.3
    kept[0, -1] = True
    mask = np.kron(kept, np.ones(block, bool))
    values = random.integers(-100, 100, shape) if dtype == "int8" else random.normal(0, 1, shape)
    sparsity, stored = compressed((values * mask).astype(dtype), block, kind)
    ends = dict(scale=0.01) if dtype == "int8" else {}
    weights = net.constant(stored, dtype, shape=shape, name="weights", sparsity=sparsity, **ends)
    if dtype == "float32":
        whole = net.tensor(shape, dtype, name="whole")
        net.op("DENSIFY", [weights], [whole], "DensifyOptions")
        inputs = [net.input((2, shape[1]), dtype), whole, None]
        net.op("FULLY_CONNECTED", inputs, [net.output((2, shape[0]), dtype)], "FullyConnectedOptions")
    else:
        net.op("DENSIFY", [weights], [net.output(shape, dtype, **ends)], "DensifyOptions")
    return case


def cases():
    yield case("elements", "float32", (6, 9))
    yield case("columns_of_4", "float32", (5, 12), (1, 4))
    yield case("blocks", "float32", (6, 8), (2, 4), "uint8")
    yield case("elements", "int8", (7, 11), kind="uint16")
    yield case("blocks", "int8", (8, 6), (4, 3), "uint8")
    yield case("elements", "float16", (4, 10))
