"""Reads and writes tensor packs, the preprocessed examples that the controller sends to a device.

Layout, all little-endian: "EBPACK01", u32 element type (0 is float32, the only one so far), u32 rank,
u32 dimension[rank] of one example without the batch, u32 count, then the examples back to back.
"""

import struct
from pathlib import Path

import numpy as np

MAGIC = b"EBPACK01"
FLOAT32 = 0
MAX_RANK = 8


class PackError(Exception):
    """The bytes are not a tensor pack."""


def read(path):
    """float32 [count, dimensions...]; PackError says what was expected and found."""
    raw = Path(path).read_bytes()
    fixed = len(MAGIC) + 8
    if len(raw) < fixed or raw[: len(MAGIC)] != MAGIC:
        raise PackError(f"{path}: expected the magic {MAGIC.decode()}, found {raw[: len(MAGIC)]!r}")
    dtype, rank = struct.unpack_from("<II", raw, len(MAGIC))
    if dtype != FLOAT32:
        raise PackError(f"{path}: expected element type {FLOAT32} (float32), found {dtype}")
    if rank > MAX_RANK or len(raw) < fixed + 4 * (rank + 1):
        raise PackError(f"{path}: header of rank {rank} does not fit the file")
    *dimensions, count = struct.unpack_from(f"<{rank + 1}I", raw, fixed)
    body = raw[fixed + 4 * (rank + 1) :]
    expected = 4 * count
    for size in dimensions:
        expected *= size
    if len(body) != expected:
        raise PackError(f"{path}: {count} examples of {dimensions} want {expected} bytes, found {len(body)}")
    return np.frombuffer(body, "<f4").reshape(count, *dimensions)


def write(path, examples):
    """Writes float32 [count, dimensions...]."""
    examples = np.ascontiguousarray(examples, "<f4")
    count, *dimensions = examples.shape
    header = struct.pack(f"<II{len(dimensions)}II", FLOAT32, len(dimensions), *dimensions, count)
    Path(path).write_bytes(MAGIC + header + examples.tobytes())
