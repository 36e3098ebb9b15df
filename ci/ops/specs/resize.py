"""RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR in every placement of pixels."""

import numpy as np

from case import Case, Tolerance
from flatmodel import Net
from presets import QUANTIZED, ends

BILINEAR = Tolerance(relative=2e-6, absolute=2e-6)

# name: (input NHWC, (height, width))
SIZES = {
    "up_odd": ((1, 3, 4, 2), (5, 7)),
    "up_2": ((1, 3, 5, 3), (6, 10)),
    "down": ((2, 7, 6, 2), (3, 4)),
    "down_2": ((1, 8, 6, 1), (4, 3)),
    "same": ((1, 4, 5, 2), (4, 5)),
    "to_one": ((1, 5, 4, 3), (1, 1)),
    "from_one": ((1, 1, 1, 3), (3, 2)),
    "mixed": ((1, 6, 3, 2), (4, 9)),
}
PLACEMENTS = {"": {}, "_align_corners": dict(alignCorners=True), "_half_pixel_centers": dict(halfPixelCenters=True)}


def resize(op, name, dtype, shape, size, **placement):
    net = Net()
    quantization = ends(dtype, 0.05, -11)
    size = net.constant(np.array(size, np.int32), name="size")
    x = net.input(shape, dtype, **quantization)
    options = "ResizeBilinearOptions" if op == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    version = 3 if placement else 2 if dtype in QUANTIZED else 1
    net.op(op, [x, size], [net.output(None, dtype, **quantization)], options, version=version, **placement)
    exact = dtype != "float32" or op == "RESIZE_NEAREST_NEIGHBOR"
    return Case(op, f"{dtype}_{name}", dtype, net, tolerance=None if exact else BILINEAR)


def cases():
    for op in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        for dtype in ("float32", "int8", "uint8", "int16"):
            for name, (shape, size) in SIZES.items():
                for suffix, placement in PLACEMENTS.items():
                    if dtype in ("float32", "int8") or name in ("up_odd", "down"):
                        yield resize(op, name + suffix, dtype, shape, size, **placement)
