"""Values that many specs share: quantizations of each type, shapes that broadcast, inputs that meet every value."""

import numpy as np

# name: (scale, zero point) of an int8 tensor; `ends` gives other types the same range of reals or nearly.
QUANTIZATIONS = {
    "odd_scale": (0.0371, -13),
    "fine": (0.004, 100),
    "coarse": (0.6, -128),
    "extreme_zero_point": (0.1, 127),
}

# Pairs of shapes; ranks 0 to 6, either side the larger.
BROADCASTS = {
    "same": ((2, 3, 5), (2, 3, 5)),
    "row": ((1, 3, 4, 5), (5,)),
    "row_first": ((5,), (1, 3, 4, 5)),
    "channel": ((2, 3, 3, 4), (1, 1, 1, 4)),
    "column": ((2, 3, 3, 4), (2, 3, 3, 1)),
    "crosswise": ((3, 1, 4), (1, 5, 1)),
    "scalar": ((2, 7), ()),
    "scalar_first": ((), (2, 7)),
    "one_value": ((1,), (1,)),
}
HIGH_RANKS = {
    "rank_5": ((2, 1, 3, 1, 4), (1, 2, 3, 2, 4)),
    "rank_6": ((2, 1, 3, 1, 2, 3), (1, 2, 3, 2, 1, 3)),
}

SPECIAL_FLOATS = np.array(
    [-np.inf, -1e30, -90, -20, -6.5, -6, -3, -2.5, -1.5, -1, -0.5, -1e-8, -0.0, 0, 1e-8, 0.5, 1, 1.5, 2.5, 3, 6, 20, 90, 1e30]
    + [np.inf, np.nan],
    np.float32,
)

QUANTIZED = ("int8", "uint8", "int16")


def ends(dtype, scale, zero_point):
    """Arguments of a tensor of any type that stands for the reals of an int8 tensor; none for what has no scale."""
    match dtype:
        case "int8":
            return dict(scale=scale, zero_point=zero_point)
        case "uint8":
            return dict(scale=scale, zero_point=zero_point + 128)
        case "int16":
            return dict(scale=scale / 200, zero_point=0)
    return {}


def every_value(dtype):
    """All values of an 8-bit type; of int16 those near the ends, near zero, and a spread of the rest."""
    limits = np.iinfo(dtype)
    if dtype != "int16":
        return np.arange(limits.min, limits.max + 1).astype(dtype).reshape(2, 128)
    near = [np.arange(at, at + 16) for at in (limits.min, -8, limits.max - 15)]
    spread = np.arange(limits.min + 37, limits.max, 275)
    return np.concatenate([*near, spread]).astype(dtype)
