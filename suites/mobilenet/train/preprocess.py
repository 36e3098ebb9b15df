"""The preprocessing of the `mobilenet` suite, in float32 and bit for bit what the controller computes.

It is written out in plain numpy because it is a contract: the network is trained on exactly the numbers it is
later measured on. It knows nothing of TensorFlow, of file formats or of the splits.

Every operation below is one IEEE 754 single-precision operation; nothing is contracted into a fused
multiply-add and nothing is widened to double.
"""

import numpy as np

SIZE = 96
SCALE = np.float32(1.0 / 127.5)
OFFSET = np.float32(-1.0)


def source_coordinates(dst, in_size, out_size):
    """Positions in the input, in pixels, of the centres of the output pixels `dst` (half-pixel centres).

    `src = (dst + 0.5) * ratio - 0.5` with `ratio = in_size / out_size` rounded to float32 first.
    """
    ratio = np.float32(in_size) / np.float32(out_size)
    return (np.asarray(dst, np.float32) + np.float32(0.5)) * ratio - np.float32(0.5)


def neighbours(src, in_size):
    """Index of the pixel before and after `src`, clamped to the image, and the weight of the one after.

    The weight is `src - floor(src)` of the position before clamping. Beyond the outermost pixel centres both
    indices are the border pixel, so that the weight no longer matters: the border is repeated.
    """
    floor = np.floor(src)
    low = np.clip(floor, 0, in_size - 1).astype(np.int64)
    high = np.clip(floor + np.float32(1.0), 0, in_size - 1).astype(np.int64)
    return low, high, (src - floor).astype(np.float32)


def lerp(a, b, weight):
    """`a + (b - a) * weight`: three float32 operations, in this order."""
    return a + (b - a) * weight


def resize_bilinear(images, out_h, out_w):
    """Bilinear resize of `images` [N, H, W] to float32 [N, out_h, out_w], without antialiasing.

    Columns first: along each of the two input rows the two neighbours in x are interpolated, then the two
    results are interpolated in y. `tf.image.resize(images, size, "bilinear")` does the same.
    """
    images = np.asarray(images, np.float32)
    _, in_h, in_w = images.shape
    y0, y1, wy = neighbours(source_coordinates(np.arange(out_h), in_h, out_h), in_h)
    x0, x1, wx = neighbours(source_coordinates(np.arange(out_w), in_w, out_w), in_w)
    top, bottom = images[:, y0, :], images[:, y1, :]
    top = lerp(top[:, :, x0], top[:, :, x1], wx)
    bottom = lerp(bottom[:, :, x0], bottom[:, :, x1], wx)
    return lerp(top, bottom, wy[None, :, None])


def normalize(pixels):
    """`pixels * (1/127.5) + -1`, the factor rounded to float32; 0..255 becomes -1..1."""
    return pixels * SCALE + OFFSET


def preprocess(images):
    """uint8 digits [N, 8, 8] to the network's input, float32 [N, 96, 96, 1]."""
    return normalize(resize_bilinear(images, SIZE, SIZE))[..., None]
