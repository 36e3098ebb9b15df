"""TFLite_Detection_PostProcess beyond the cases of custom.py: equal scores, many boxes, longer encodings, refusals."""

import numpy as np
from flatbuffers import flexbuffers

from case import Case, Tolerance
from flatmodel import Net

# The corners come from an exponential in double precision.
CLOSE = Tolerance(relative=1e-6, absolute=1e-6)
OPTIONS = dict(
    max_detections=4,
    max_classes_per_detection=1,
    nms_score_threshold=0.3,
    nms_iou_threshold=0.5,
    num_classes=3,
    y_scale=10.0,
    x_scale=10.0,
    h_scale=5.0,
    w_scale=5.0,
)


def packed(options):
    """A FlexBuffer map, floats in single precision as the TensorFlow exporter writes them."""
    builder = flexbuffers.Builder()
    with builder.Map():
        for name, value in options.items():
            if isinstance(value, bool):
                builder.Bool(name, value)
            elif isinstance(value, float):
                builder.Float(name, value, byte_width=4)
            else:
                builder.Int(name, value)
    return bytes(builder.Finish())


def grid(count):
    """Anchors of one size on a line, so that neighbours overlap."""
    centers = (np.arange(count) % 5 + 1) / 6 + np.arange(count) * 0.01
    return np.stack([centers, centers[::-1], np.full(count, 0.3), np.full(count, 0.4)], axis=1).astype(np.float32)


def case(name, dtype, note="", *, boxes=12, background=True, encoding=4, refused=False, steps=None, **options):
    case = Case("TFLite_Detection_PostProcess", f"{dtype}_{name}", dtype, Net(), note, tolerance=CLOSE, refused=refused)
    random, net = case.random(), case.net
    options = OPTIONS | options
    scores = options["num_classes"] + background
    anchors = grid(boxes)
    if dtype == "uint8":
        x = net.input((1, boxes, encoding), dtype, scale=0.06, zero_point=128)
        y = net.input((1, boxes, scores), dtype, scale=1 / 256)
        stored = np.clip(np.rint(anchors / 0.005), 0, 255).astype(np.uint8)
        constant = net.constant(stored, name="anchors", scale=0.005)
        values = [random.integers(0, 256, (1, boxes, encoding)), random.integers(0, 256, (1, boxes, scores))]
    else:
        x, y = net.input((1, boxes, encoding), dtype), net.input((1, boxes, scores), dtype)
        constant = net.constant(anchors, name="anchors")
        values = [random.normal(0, 1.0, (1, boxes, encoding)), random.uniform(0, 1, (1, boxes, scores))]
    case.steps = [values] if steps is None else steps(values)
    found = options["max_detections"] * options["max_classes_per_detection"]
    shapes = [(1, found, 4), (1, found), (1, found), (1,)]
    outputs = [net.output(shape, "float32") for shape in shapes]
    net.op("TFLite_Detection_PostProcess", [x, y, constant], outputs, custom_options=packed(options))
    return case


def equal_scores(values):
    """Many boxes of the same few scores."""
    boxes, scores = values
    return [[boxes, np.round(scores * 3) / 3]]


def cases():
    yield case("fast_two_classes", "uint8", "two classes of every box", max_classes_per_detection=2)
    yield case("long_encoding", "float32", "encodings have key points behind the box", encoding=6)
    yield case("one_detection", "float32", use_regular_nms=True, max_detections=1)
    yield case("all_overlap", "float32", nms_iou_threshold=1.0, max_detections=6)
    yield case("many_boxes", "float32", boxes=60, num_classes=5, max_detections=10, use_regular_nms=True)
    yield case("equal_scores_fast", "float32", "ties", boxes=30, steps=equal_scores, nms_iou_threshold=0.9, max_detections=8)
    ties = dict(boxes=40, steps=equal_scores, nms_iou_threshold=0.9, use_regular_nms=True)
    yield case("equal_scores_regular", "float32", "ties", max_detections=7, **ties)
    yield case("equal_scores_regular_many", "float32", "ties, fewer found than asked for", max_detections=25, **ties)
    ties = dict(boxes=20, steps=equal_scores, num_classes=7, max_classes_per_detection=3, max_detections=5)
    yield case("equal_scores_classes", "float32", "ties among a box's classes", nms_iou_threshold=0.9, **ties)
    yield case("overlap_threshold_zero", "float32", refused=True, nms_iou_threshold=0.0)
