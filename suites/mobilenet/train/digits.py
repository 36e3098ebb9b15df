"""The digits data set on disk: two IDX files (the MNIST format, big-endian) and a table of splits.

It knows where scikit-learn keeps the images and how the files look; it knows nothing of networks.
"""

import csv
import struct
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "data" / "digits"
SPLIT_SEED = 1
SPLIT_SIZES = {"train": 1137, "calibration": 300, "test": 360}
IDX_UINT8 = 0x08


def write_idx(path, array):
    """Writes a uint8 array: two zero bytes, type 0x08, rank, the dimensions as big-endian u32, the bytes."""
    array = np.ascontiguousarray(array, np.uint8)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, IDX_UINT8, array.ndim, *array.shape)
    Path(path).write_bytes(header + array.tobytes())


def read_idx(path):
    """Reads what `write_idx` wrote; raises ValueError for anything else."""
    raw = Path(path).read_bytes()
    if len(raw) < 4 or raw[:3] != bytes([0, 0, IDX_UINT8]):
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    rank = raw[3]
    shape = struct.unpack_from(f">{rank}I", raw, 4)
    data = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    if data.size != int(np.prod(shape)):
        raise ValueError(f"{path}: shape {shape} wants {int(np.prod(shape))} bytes, found {data.size}")
    return data.reshape(shape)


def from_scikit_learn():
    """(images uint8 [1797, 8, 8], labels uint8 [1797]) in scikit-learn's own order; its values 0..16 become 0..255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255.0 / 16.0)).astype(np.uint8)
    return images, bunch.target.astype(np.uint8)


def stratified_splits(labels):
    """Name of the split of each example; every split has each digit in proportion, drawn with SPLIT_SEED."""
    from sklearn.model_selection import train_test_split

    rest = np.arange(len(labels))
    names = np.full(len(labels), "train", dtype=object)
    for name in ("test", "calibration"):
        rest, chosen = train_test_split(
            rest, test_size=SPLIT_SIZES[name], random_state=SPLIT_SEED, stratify=labels[rest]
        )
        names[chosen] = name
    return names


def write(folder=DATA):
    """Makes the data set's three files from scikit-learn's copy of the digits."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = from_scikit_learn()
    write_idx(folder / "images.idx3-ubyte", images)
    write_idx(folder / "labels.idx1-ubyte", labels)
    with open(folder / "splits.csv", "w", newline="", encoding="ascii") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["index", "split"])
        table.writerows(enumerate(stratified_splits(labels)))


def read(folder=DATA):
    """{split: (indices, images uint8 [N, 8, 8], labels uint8 [N])}, each split in ascending order of index."""
    folder = Path(folder)
    images = read_idx(folder / "images.idx3-ubyte")
    labels = read_idx(folder / "labels.idx1-ubyte")
    with open(folder / "splits.csv", newline="", encoding="ascii") as file:
        rows = [(int(row["index"]), row["split"]) for row in csv.DictReader(file)]
    splits = {}
    for name in SPLIT_SIZES:
        indices = np.array(sorted(index for index, split in rows if split == name))
        splits[name] = (indices, images[indices], labels[indices])
    return splits
