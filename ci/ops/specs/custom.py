"""TFLite_Detection_PostProcess, RFFT2D with COMPLEX_ABS, and IF and WHILE over subgraphs."""

import numpy as np
from flatbuffers import flexbuffers

from case import Case, Tolerance
from flatmodel import Net

DETECTION = Tolerance(relative=2e-6, absolute=2e-6)
# A sum over all values of a transform, in another order than LiteRT's.
TRANSFORM = Tolerance(relative=2e-5, absolute=3e-5)

OPTIONS = dict(
    max_detections=6,
    max_classes_per_detection=1,
    detections_per_class=4,
    use_regular_nms=False,
    nms_score_threshold=0.3,
    nms_iou_threshold=0.5,
    num_classes=3,
    y_scale=10.0,
    x_scale=10.0,
    h_scale=5.0,
    w_scale=5.0,
)

# Only the regular suppression fills what is not found with zeros; the fast one leaves memory as it was.
DETECTIONS = {
    "fast": {},
    "fast_three_classes": dict(max_classes_per_detection=3),
    "regular": dict(use_regular_nms=True),
    "regular_few_a_class": dict(use_regular_nms=True, detections_per_class=1),
    "high_threshold": dict(nms_score_threshold=0.9, use_regular_nms=True),
    "nothing_found": dict(nms_score_threshold=0.9999, use_regular_nms=True),
    "overlaps_allowed": dict(nms_iou_threshold=0.99),
    "no_overlap": dict(nms_iou_threshold=0.01, use_regular_nms=True),
}


def flexbuffer(options):
    """The options of a custom operator: a map in the flexbuffer format."""
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, value in options.items():
            add = {bool: builder.Bool, int: builder.Int, float: builder.Float}[type(value)]
            add(key, value)
    return bytes(builder.Finish())


def detection(name, options, *, dtype="float32", boxes=12, background=True):
    op = "TFLite_Detection_PostProcess"
    options = OPTIONS | options
    net = Net()
    case = Case(op, f"{dtype}_{name}", dtype, net, tolerance=DETECTION)
    random = case.random()
    classes = options["num_classes"] + background
    quantized = dtype == "uint8"
    box_ends = dict(scale=0.05, zero_point=128) if quantized else {}
    score_ends = dict(scale=1 / 256, zero_point=0) if quantized else {}
    anchor_ends = dict(scale=1 / 200, zero_point=0) if quantized else {}
    encodings = net.input((1, boxes, 4), dtype, **box_ends)
    scores = net.input((1, boxes, classes), dtype, **score_ends)
    centers = random.uniform(0.2, 0.8, (boxes, 2))
    anchors = np.concatenate([centers, random.uniform(0.2, 0.5, (boxes, 2))], axis=1)
    if quantized:
        anchors = np.round(anchors * 200)
    inputs = [encodings, scores, net.constant(anchors, dtype, name="anchors", **anchor_ends)]
    count = options["max_detections"] * options["max_classes_per_detection"]
    shapes = [(1, count, 4), (1, count), (1, count), (1,)]
    net.op(op, inputs, [net.output(shape, "float32") for shape in shapes], custom_options=flexbuffer(options))
    if quantized:
        case.steps = [[random.integers(108, 149, (1, boxes, 4)), random.integers(0, 256, (1, boxes, classes))]]
    else:
        case.steps = [[random.normal(0, 1, (1, boxes, 4)), random.uniform(0, 1, (1, boxes, classes))]]
    return case


def equal_scores():
    """Ties keep the order of the boxes."""
    case = detection("equal_scores", {})
    case.steps[0][1] = np.full(case.net.inputs[1].shape, 0.75)
    return case


# name: (shape of the input, lengths of the transform)
TRANSFORMS = {
    "rows": ((2, 1, 16), (1, 16)),
    "padded": ((3, 10), (4, 16)),
    "cropped": ((5, 20), (4, 8)),
    "matrix": ((2, 8, 4), (8, 4)),
}


def transform(name, shape, lengths, *, magnitude):
    """A transform; with `magnitude` its absolute values, so that no complex tensor leaves the model."""
    net = Net()
    length = net.constant(np.array(lengths, np.int32), name="length")
    outer = (*shape[:-2], lengths[0], lengths[1] // 2 + 1)
    x = net.input(shape, "float32")
    if not magnitude:
        net.op("RFFT2D", [x, length], [net.output(outer, "complex64")], "Rfft2dOptions")
        return Case("RFFT2D", f"complex64_{name}", "complex64", net, tolerance=TRANSFORM)
    spectrum = net.tensor(outer, "complex64", name="spectrum")
    net.op("RFFT2D", [x, length], [spectrum], "Rfft2dOptions")
    net.op("COMPLEX_ABS", [spectrum], [net.output(outer, "float32")])
    return Case("COMPLEX_ABS", f"float32_of_rfft2d_{name}", "float32", net, tolerance=TRANSFORM)


def binary(name, op, options, shape=(3,)):
    """A subgraph of one operator on two tensors."""
    net = Net(name)
    net.op(op, [net.input(shape, "float32"), net.input(shape, "float32")], [net.output(shape, "float32")], options)
    return net


def branch():
    net = Net()
    inputs = [net.input((1,), "bool"), net.input((3,), "float32"), net.input((3,), "float32")]
    indices = [net.attach(binary("then", "ADD", "AddOptions")), net.attach(binary("else", "MUL", "MulOptions"))]
    fields = dict(thenSubgraphIndex=indices[0], elseSubgraphIndex=indices[1])
    net.op("IF", inputs, [net.output((3,), "float32")], "IfOptions", **fields)
    values = [np.array([1.5, -2, 3]), np.array([0.5, 4, -1])]
    return Case("IF", "float32_both_branches", "float32", net, steps=[[[True], *values], [[False], *values], [[True], *values]])


def loop():
    """Doubles a vector until a counter reaches the input."""
    condition = Net("condition")
    counter, limit, _ = condition.input((1,), "int32"), condition.input((1,), "int32"), condition.input((4,), "float32")
    condition.op("LESS", [counter, limit], [condition.output((1,), "bool")], "LessOptions")
    body = Net("body")
    counter, limit, vector = body.input((1,), "int32"), body.input((1,), "int32"), body.input((4,), "float32")
    following = body.tensor((1,), "int32", name="following")
    doubled = body.tensor((4,), "float32", name="doubled")
    body.op("ADD", [counter, body.constant(np.array([1], np.int32))], [following], "AddOptions")
    body.op("ADD", [vector, vector], [doubled], "AddOptions")
    body.outputs = [following, limit, doubled]
    net = Net()
    start = net.input((1,), "int32"), net.input((1,), "int32"), net.input((4,), "float32")
    ends = [net.output((1,), "int32"), net.output((1,), "int32"), net.output((4,), "float32")]
    fields = dict(condSubgraphIndex=net.attach(condition), bodySubgraphIndex=net.attach(body))
    net.op("WHILE", list(start), ends, "WhileOptions", **fields)
    vector = np.array([1, -0.5, 0.25, 3])
    return Case("WHILE", "float32_doubles", "float32", net, steps=[[[0], [count], vector] for count in (5, 0, 1)])


def cases():
    for name, options in DETECTIONS.items():
        yield detection(name, options)
    yield detection("no_background", {}, background=False)
    yield detection("fast", {}, dtype="uint8")
    yield detection("regular", dict(use_regular_nms=True), dtype="uint8")
    yield equal_scores()
    for name, (shape, lengths) in TRANSFORMS.items():
        yield transform(name, shape, lengths, magnitude=False)
        yield transform(name, shape, lengths, magnitude=True)
    yield branch()
    yield loop()
