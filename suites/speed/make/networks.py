"""The networks: architecture, input size and range of each. It knows Keras and nothing of files or quantization.

Weights are random and reproducible. They make nonsense of an image, but nonsense of the right size: batch-norm statistics
are those of a batch that went through, so that activations have the ranges of a trained network.
"""

from dataclasses import dataclass
from typing import Callable

import keras
import numpy as np
import tensorflow as tf

SEED = 1
BATCH = 8
CLASSES = 1000
LOGIT_SPREAD = 3.0
L = keras.layers
DETECTION_CLASSES = 90
# Keras pads an odd side on one side only: 300 becomes 18, where others have 19.
DETECTION_GRIDS = (18, 9, 5, 3, 2, 1)
SEGMENTATION_CLASSES = 21


@dataclass(frozen=True)
class Network:
    """`build` gives a Keras model; `low` and `high` bound its input values; `finish` maps its outputs to the file's."""

    name: str
    size: int
    low: float
    high: float
    build: Callable[[], keras.Model]
    finish: Callable | None = None


def images(network, count, seed):
    """float32 [count, size, size, 3] in the network's range: noise on a coarse grid, blown up, with fine noise on it."""
    random = np.random.default_rng(seed)
    coarse = random.random((count, 9, 9, 3), np.float32)
    smooth = tf.image.resize(coarse, (network.size, network.size), "bicubic").numpy()
    grain = random.random((count, network.size, network.size, 3), np.float32)
    mixed = np.clip(0.85 * smooth + 0.15 * grain, 0.0, 1.0)
    return (network.low + mixed * (network.high - network.low)).astype(np.float32)


def sharpen(model, batch, random):
    """Gives a classifier weights with which its logits spread by LOGIT_SPREAD, as those of a trained one do."""
    for layer in model.layers:
        if getattr(layer, "units", getattr(layer, "filters", None)) == CLASSES:
            features = keras.Model(model.input, layer.input)(batch, training=False).numpy()
            length = np.mean(np.linalg.norm(features.reshape(len(features), -1), axis=1))
            layer.kernel.assign(random.normal(0.0, LOGIT_SPREAD / length, layer.kernel.shape))


def settled(network):
    """The network with random weights whose batch norms have seen a batch of images."""
    keras.utils.set_random_seed(SEED)
    model = network.build()
    random = np.random.default_rng(SEED)
    norms = [layer for layer in model.layers if isinstance(layer, L.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
        if norm.gamma is not None:
            norm.gamma.assign(random.uniform(0.5, 1.5, norm.gamma.shape))
        if norm.beta is not None:
            norm.beta.assign(random.normal(0.0, 0.3, norm.beta.shape))
    batch = images(network, BATCH, SEED)
    model(batch, training=True)
    sharpen(model, batch, random)
    return model


def application(name, size, **options):
    """A network of keras.applications as it is, with its classifier of 1000."""
    maker = getattr(keras.applications, name)
    return lambda: maker(input_shape=(size, size, 3), weights=None, **options)


def cell(x, filters, stride):
    """An extra feature map of SSD: a narrow 1x1, then a 3x3, each with batch norm and ReLU6."""
    for width, kernel, step in ((filters // 2, 1, 1), (filters, 3, stride)):
        x = L.Conv2D(width, kernel, strides=step, padding="same", use_bias=False)(x)
        x = L.ReLU(6.0)(L.BatchNormalization()(x))
    return x


def ssd():
    """SSD MobileNet v1 300 (Liu et al. 2016; Howard et al. 2017): 1692 boxes as [box code 4], [scores 91]."""
    trunk = keras.applications.MobileNet(input_shape=(300, 300, 3), include_top=False, weights=None)
    maps = [trunk.get_layer("conv_pw_11_relu").output, trunk.get_layer("conv_pw_13_relu").output]
    for filters in (512, 256, 256, 128):
        maps.append(cell(maps[-1], filters, 2))
    boxes, scores = [], []
    for feature, anchors in zip(maps, anchor_counts()):
        code = L.Conv2D(4 * anchors, 1)(feature)
        score = L.Conv2D((DETECTION_CLASSES + 1) * anchors, 1)(feature)
        boxes.append(L.Reshape((-1, 4))(code))
        scores.append(L.Reshape((-1, DETECTION_CLASSES + 1))(score))
    scores = L.Activation("sigmoid")(L.Concatenate(axis=1)(scores))
    return keras.Model(trunk.input, [L.Concatenate(axis=1)(boxes), scores])


def anchor_counts():
    return [3] + [6] * (len(DETECTION_GRIDS) - 1)


def anchors():
    """float32 [1692, 4]: y, x of the centre, height, width, as shares of the image; scales from 0.2 to 0.95."""
    scales = np.linspace(0.2, 0.95, len(DETECTION_GRIDS))
    found = []
    for grid, count, scale, following in zip(DETECTION_GRIDS, anchor_counts(), scales, [*scales[1:], 1.0]):
        shapes = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 1.0 / 3.0)] + [(np.sqrt(scale * following), 1.0)]
        for y in range(grid):
            for x in range(grid):
                for side, ratio in shapes[:count]:
                    centre = ((y + 0.5) / grid, (x + 0.5) / grid)
                    found.append((*centre, side / np.sqrt(ratio), side * np.sqrt(ratio)))
    return np.array(found, np.float32)


DETECTION_OPTIONS = (
    'name: "TFLite_Detection_PostProcess"'
    ' attr { key: "max_detections" value { i: 10 } }'
    ' attr { key: "max_classes_per_detection" value { i: 1 } }'
    ' attr { key: "use_regular_nms" value { b: false } }'
    ' attr { key: "nms_score_threshold" value { f: 0.00000001 } }'
    ' attr { key: "nms_iou_threshold" value { f: 0.6 } }'
    ' attr { key: "y_scale" value { f: 10.0 } }'
    ' attr { key: "x_scale" value { f: 10.0 } }'
    ' attr { key: "h_scale" value { f: 5.0 } }'
    ' attr { key: "w_scale" value { f: 5.0 } }'
    f' attr {{ key: "num_classes" value {{ i: {DETECTION_CLASSES} }} }}'
)


@tf.function(experimental_implements=DETECTION_OPTIONS)
def detections(boxes, scores, anchor_boxes):
    """Stands for the custom operator of that name: the converter replaces the call, the body only gives the types."""
    del boxes, scores, anchor_boxes
    return tf.zeros((1, 10, 4)), tf.zeros((1, 10)), tf.zeros((1, 10)), tf.zeros((1,))


def post_process(outputs):
    return detections(*outputs, tf.constant(anchors()))


def bottleneck(x, width, dilation):
    """The inverted residual of MobileNet v2 (expansion 6) without stride, its 3x3 dilated."""
    channels = x.shape[-1]
    y = L.ReLU(6.0)(L.BatchNormalization()(L.Conv2D(6 * channels, 1, use_bias=False)(x)))
    y = L.DepthwiseConv2D(3, padding="same", dilation_rate=dilation, use_bias=False)(y)
    y = L.ReLU(6.0)(L.BatchNormalization()(y))
    y = L.BatchNormalization()(L.Conv2D(width, 1, use_bias=False)(y))
    return L.Add()([x, y]) if width == channels else y


def deeplab():
    """DeepLab v3 (Chen et al. 2017) on MobileNet v2 at output stride 16: logits [257, 257, 21]."""
    trunk = keras.applications.MobileNetV2(input_shape=(257, 257, 3), include_top=False, weights=None)
    x = trunk.get_layer("block_12_add").output
    for width in (160, 160, 160, 320):
        x = bottleneck(x, width, 2)
    pooled = L.GlobalAveragePooling2D(keepdims=True)(x)
    branches = []
    for source in (pooled, x):
        y = L.Conv2D(256, 1, use_bias=False)(source)
        branches.append(L.ReLU()(L.BatchNormalization()(y)))
    branches[0] = L.Resizing(*x.shape[1:3])(branches[0])
    y = L.Conv2D(256, 1, use_bias=False)(L.Concatenate()(branches))
    y = L.Conv2D(SEGMENTATION_CLASSES, 1)(L.ReLU()(L.BatchNormalization()(y)))
    return keras.Model(trunk.input, L.Resizing(257, 257)(y))


NETWORKS = [
    Network("mobilenet_v1_1.0_224", 224, -1, 1, application("MobileNet", 224)),
    Network("mobilenet_v2_1.0_224", 224, -1, 1, application("MobileNetV2", 224)),
    Network("ssd_mobilenet_v1_300", 300, -1, 1, ssd, post_process),
    Network("deeplab_v3_mnv2_257", 257, -1, 1, deeplab),
    Network("efficientnet_b0_224", 224, 0, 255, application("EfficientNetB0", 224)),
    Network("resnet50_224", 224, -128, 128, application("ResNet50", 224)),
    Network("inception_v3_299", 299, -1, 1, application("InceptionV3", 299)),
    Network("mobilenet_v2_0.35_96", 96, -1, 1, application("MobileNetV2", 96, alpha=0.35)),
    Network("mobilenet_v3_small_224", 224, 0, 255, application("MobileNetV3Small", 224)),
]
