"""Writes the golden files that hold the controller's preprocessing to this folder's `preprocess.py`, bit for bit.

    python resize_golden.py ../../../harness/tests/data/resize

Each case is also computed by TensorFlow (`tf.image.central_crop`, `tf.image.resize`, plain multiplication) and has
to come out equal to the last bit, so that the golden files are not merely our own opinion.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf

import digits
from preprocess import OFFSET, SCALE, resize_bilinear

SEED = 1
DIGITS_SHOWN = 3
README = """\
# Golden files of the preprocessing

`cases.csv` has one line a case. `input` is raw uint8, NHWC; `expected` is raw little-endian float32, NHWC.

| column | meaning |
|---|---|
| `count,in_h,in_w,channels` | shape of the input |
| `central_crop` | fraction kept before the resize, `1` for none: from each side `int((size - size * fraction) / 2)` pixels go |
| `out_h,out_w` | size after the bilinear resize (half-pixel centres, no antialiasing, border repeated) |
| `scale,offset` | the result is `resized * scale + offset` in float32, the factor rounded to float32, no fused multiply-add |

The arithmetic is spelled out in `suites/mobilenet/train/preprocess.py`; the order of operations matters:
`ratio = in / out`, `src = (dst + 0.5) * ratio - 0.5`, then `a + (b - a) * (src - floor(src))`, columns (x) first,
rows (y) second, all in float32.

Origin: `suites/mobilenet/train/resize_golden.py`, which checks every value against TensorFlow {tensorflow} to the last
bit. `digits` is the first {digits} images of the suite's data set; the other inputs are seeded random bytes.
"""


def crop_margin(size, fraction):
    """Pixels removed at each end by a central crop, as `tf.image.central_crop` counts them."""
    return int((size - size * fraction) / 2)


def expected(images, fraction, out_h, out_w, scale, offset):
    """The case by our numpy arithmetic, channel by channel."""
    _, height, width, channels = images.shape
    top, left = crop_margin(height, fraction), crop_margin(width, fraction)
    images = images[:, top : height - top, left : width - left, :]
    planes = [resize_bilinear(images[..., c], out_h, out_w) for c in range(channels)]
    return np.stack(planes, axis=-1) * np.float32(scale) + np.float32(offset)


def by_tensorflow(images, fraction, out_h, out_w, scale, offset):
    pixels = tf.constant(images)
    if fraction < 1.0:
        pixels = tf.image.central_crop(pixels, fraction)
    resized = tf.image.resize(tf.cast(pixels, tf.float32), (out_h, out_w), "bilinear")
    scaled = tf.multiply(resized, tf.constant(np.float32(scale)))
    return tf.add(scaled, tf.constant(np.float32(offset))).numpy()


def cases():
    rng = np.random.default_rng(SEED)

    def noise(height, width):
        return rng.integers(0, 256, (1, height, width, 3)).astype(np.uint8)

    shown = digits.read_idx(digits.DATA / "images.idx3-ubyte")[:DIGITS_SHOWN, ..., None]
    return {
        "digits": (shown, 1.0, 96, 96, SCALE, OFFSET),
        "same_size": (noise(6, 7), 1.0, 6, 7, 1.0, 0.0),
        "shrink": (noise(37, 53), 1.0, 24, 20, 1.0, 0.0),
        "grow_and_shrink": (noise(5, 31), 1.0, 13, 11, 1.0, 0.0),
        "to_one_pixel": (noise(9, 4), 1.0, 1, 1, 1.0, 0.0),
        "from_one_pixel": (noise(1, 1), 1.0, 3, 5, 1.0, 0.0),
        "central_crop": (noise(29, 42), 0.875, 16, 16, SCALE, OFFSET),
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {Path(sys.argv[0]).name} FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["name,input,expected,count,in_h,in_w,channels,central_crop,out_h,out_w,scale,offset"]
    for name, (images, fraction, out_h, out_w, scale, offset) in cases().items():
        ours = expected(images, fraction, out_h, out_w, scale, offset)
        theirs = by_tensorflow(images, fraction, out_h, out_w, scale, offset)
        if ours.dtype != np.float32 or not np.array_equal(ours.view(np.uint32), theirs.view(np.uint32)):
            sys.exit(f"{name}: {np.sum(ours != theirs)} of {ours.size} values differ from TensorFlow's")
        (folder / f"{name}.u8").write_bytes(images.tobytes())
        (folder / f"{name}.f32").write_bytes(ours.astype("<f4").tobytes())
        shape = ",".join(str(size) for size in images.shape)
        factor = "1/127.5" if scale == SCALE else "1"
        lines.append(
            f"{name},{name}.u8,{name}.f32,{shape},{fraction:g},{out_h},{out_w},{factor},{float(offset):g}"
        )
        print(f"{name}: {ours.size} values equal to TensorFlow {tf.__version__}")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    (folder / "README.md").write_text(README.format(tensorflow=tf.__version__, digits=DIGITS_SHOWN))


if __name__ == "__main__":
    main()
