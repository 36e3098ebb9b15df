"""Change points that Apache Otava finds, with its defaults, for `simulate`.

Reads a series a line (comma-separated numbers) and writes a line for each: the indices of its change points.
Needs apache-otava 0.8.0 (requirements.txt beside this file).
"""

import sys

from otava.analysis import compute_change_points


def indices(values):
    found, _ = compute_change_points(values)
    return sorted(point.index for point in found)


for line in sys.stdin:
    # A list: with a numpy array Otava's slicing fails.
    print(",".join(str(index) for index in indices([float(text) for text in line.split(",")])))
