"""Writes real inputs for the mirror's image models, as `ci/litert/compare_models.py --inputs` takes them.

    python mirror_inputs.py MIRROR FOLDER

NAME.npy, float32 [20, height, width, 3], in the range each network was trained on. The images are the first of each
class in the mirror's two zip files, resized bilinearly without regard to their proportions.
"""

import os
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf

COUNT = 20
CIFAR = "cifar10_1000_test_300_train.zip"
IMAGENET = "imagenet_sample_200.zip"
# Model name's beginning, zip, side, value = byte * scale + offset.
MODELS = [
    ("mlperf_tiny_ic_resnet8", CIFAR, 32, 1.0, 0.0),
    ("mlperf_tiny_vww_mobilenetv1", IMAGENET, 96, 1 / 255, 0.0),
    ("mobilenet_v1_0.25_224", IMAGENET, 224, 1 / 127.5, -1.0),
    ("deeplabv3_257", IMAGENET, 257, 1 / 127.5, -1.0),
]


def pictures(path):
    """Names of COUNT images, spread evenly over the zip's test images."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.startswith("train/") and not name.endswith(".csv")]
        names = sorted(name for name in names if not name.endswith("/"))
        return [archive.read(name) for name in names[:: max(1, len(names) // COUNT)][:COUNT]]


def tensor(picture, side, scale, offset):
    pixels = tf.io.decode_image(picture, channels=3, expand_animations=False)
    resized = tf.image.resize(pixels, (side, side)).numpy()
    return (resized * np.float32(scale) + np.float32(offset)).astype(np.float32)


def main():
    mirror, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, archive, side, scale, offset in MODELS:
        examples = [tensor(picture, side, scale, offset) for picture in pictures(mirror / archive)]
        np.save(folder / f"{name}.npy", np.stack(examples))


if __name__ == "__main__":
    main()
