"""SVDF, UNIDIRECTIONAL_SEQUENCE_LSTM, LSTM and UNIDIRECTIONAL_SEQUENCE_RNN. Each case runs several inferences, because
state goes from one to the next."""

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, LSTMKernelType

from case import Case, Tolerance, noise
from flatmodel import Net

NONE, RELU, TANH = ActivationFunctionType.NONE, ActivationFunctionType.RELU, ActivationFunctionType.TANH
FLOAT = Tolerance(relative=5e-6, absolute=5e-6)
# Inputs are quantized during the run: a last bit before rounding is a step after it.
HYBRID = Tolerance(relative=5e-6, absolute=5e-6)
STEPS = 3


def steps(case, count=STEPS):
    random = case.random()
    case.steps = [[noise(random, x.shape, x.dtype) for x in case.net.inputs] for _ in range(count)]
    return case


# name: (batch, features, units, rank, memory, fused activation)
FILTERS = {
    "rank_1": (1, 7, 4, 1, 5, NONE),
    "rank_2": (2, 5, 3, 2, 4, RELU),
    "wide": (1, 19, 17, 1, 9, RELU),
}


def svdf(name, dtype, shape, *, asymmetric=False, bias=True):
    batch, features, units, rank, memory, activation = shape
    if dtype == "int8":
        activation = RELU  # LiteRT computes no other
    filters = units * rank
    net = Net()
    case = Case("SVDF", f"{dtype}_{name}", dtype, net, tolerance=FLOAT if dtype != "int8" else None)
    random = case.random()
    build = integer_svdf if dtype == "int8" else float_svdf
    inputs, output = build(net, random, dtype, (batch, features), filters, memory, units)
    if not bias:
        inputs[3] = None
    fields = dict(rank=rank, fusedActivationFunction=activation, asymmetricQuantizeInputs=asymmetric)
    net.op("SVDF", inputs, [output], "SVDFOptions", version=4 if asymmetric else 3 if dtype == "int8" else 2, **fields)
    return steps(case, 7)


def float_svdf(net, random, dtype, input_shape, filters, memory, units):
    feature_shape, time_shape = (filters, input_shape[1]), (filters, memory)
    x = net.input(input_shape, "float32")
    if dtype == "hybrid":
        weights = [
            net.constant(random.integers(-127, 128, shape).astype(np.int8), scale=scale)
            for shape, scale in ((feature_shape, 0.011), (time_shape, 0.007))
        ]
    else:
        weights = [net.constant(random.normal(0, 0.5, shape).astype(np.float32)) for shape in (feature_shape, time_shape)]
    bias = net.constant(random.normal(0, 0.5, units).astype(np.float32), name="bias")
    state = net.variable((input_shape[0], filters * memory), "float32", name="state")
    return [x, *weights, bias, state], net.output(None, "float32")


def integer_svdf(net, random, dtype, input_shape, filters, memory, units):
    """int8 features, int16 state and time weights of 10 bits."""
    input_scale, feature_scale, time_scale, state_scale = 0.05, 0.011, 0.0017, 0.002
    x = net.input(input_shape, "int8", scale=input_scale, zero_point=-7)
    features = random.integers(-127, 128, (filters, input_shape[1])).astype(np.int8)
    times = random.integers(-511, 512, (filters, memory)).astype(np.int16)
    bias_scale = np.float32(state_scale) * np.float32(time_scale)
    bias = random.integers(-100000, 100000, units).astype(np.int32)
    return [
        x,
        net.constant(features, scale=feature_scale),
        net.constant(times, scale=time_scale),
        net.constant(bias, name="bias", scale=bias_scale),
        net.variable((input_shape[0], filters * memory), "int16", name="state", scale=state_scale, zero_point=0),
    ], net.output(None, "int8", scale=0.09, zero_point=3)


# name: what the layer has beyond weights and biases
LAYERS = {
    "plain": {},
    "coupled": dict(coupled=True),
    "peephole": dict(peephole=True),
    "projection": dict(projection=3),
    "projection_bias": dict(projection=3, projection_bias=True),
    "layer_norm": dict(norm=True),
    "everything": dict(peephole=True, projection=3, projection_bias=True, norm=True),
    "clipped": dict(cell_clip=0.3, projection=3, proj_clip=0.2),
    "time_major": dict(time_major=True),
    "wide": dict(inputs=17, cells=19),
}
# Which weights each gate has: input, forget, cell, output.
GATES = 4


class Layer:
    """The 24 operands of an LSTM on floats; `weight` makes the matrices."""

    def __init__(self, net, random, weight, *, inputs=5, cells=4, batch=2, projection=None, **parts):
        self.net, self.random, self.weight, self.parts = net, random, weight, parts
        self.inputs, self.cells, self.batch = inputs, cells, batch
        self.outputs = projection or cells
        self.projection = projection

    def vector(self, low=-0.5, high=0.5):
        return self.net.constant(self.random.uniform(low, high, self.cells).astype(np.float32))

    def gates(self, make, *, cell=True):
        """One operand a gate; a coupled input gate is absent, and so may the cell gate be."""
        there = [not self.parts.get("coupled"), True, cell, True]
        return [make() if gate else None for gate in there]

    def operands(self, x):
        slots = [x]
        slots += self.gates(lambda: self.weight((self.cells, self.inputs)))
        slots += self.gates(lambda: self.weight((self.cells, self.outputs)))
        peephole = self.gates(self.peephole, cell=False) if self.parts.get("peephole") else [None] * GATES
        slots += [peephole[0], peephole[1], peephole[3]]
        slots += self.gates(self.vector)
        slots.append(self.weight((self.outputs, self.cells)) if self.projection else None)
        bias = self.parts.get("projection_bias")
        slots.append(self.net.constant(self.random.uniform(-0.3, 0.3, self.outputs).astype(np.float32)) if bias else None)
        slots.append(self.net.variable((self.batch, self.outputs), "float32", name="output_state"))
        slots.append(self.net.variable((self.batch, self.cells), "float32", name="cell_state"))
        if self.parts.get("norm"):
            slots += self.gates(lambda: self.vector(0.5, 1.5))
        return slots

    def peephole(self):
        return self.weight((self.cells,)) if self.parts.get("quantized_peephole") else self.vector()


def float_weight(net, random):
    return lambda shape: net.constant(random.normal(0, 0.4, shape).astype(np.float32))


def int8_weight(net, random):
    """Weights of hybrid layers, one scale each."""

    def make(shape):
        values = random.integers(-127, 128, shape).astype(np.int8)
        return net.constant(values, scale=random.uniform(0.004, 0.009))

    return make


def lstm(op, name, dtype, *, asymmetric=False, cell_clip=0.0, proj_clip=0.0, time_major=False, **parts):
    net = Net()
    case = Case(op, f"{dtype}_{name}", dtype, net, tolerance=HYBRID if dtype == "hybrid" else FLOAT)
    random = case.random()
    weight = (int8_weight if dtype == "hybrid" else float_weight)(net, random)
    layer = Layer(net, random, weight, quantized_peephole=dtype == "hybrid", **parts)
    sequence = op == "UNIDIRECTIONAL_SEQUENCE_LSTM"
    extent = ((3, layer.batch) if time_major else (layer.batch, 3)) if sequence else (layer.batch,)
    x = net.input((*extent, layer.inputs), "float32")
    fields = dict(fusedActivationFunction=TANH, cellClip=cell_clip, projClip=proj_clip, asymmetricQuantizeInputs=asymmetric)
    options = "LSTMOptions"
    if sequence:
        options = "UnidirectionalSequenceLSTMOptions"
        fields["timeMajor"] = time_major
    version = 3 if asymmetric or dtype == "hybrid" else 1
    net.op(op, layer.operands(x), [net.output(None, "float32")], options, version=version, **fields)
    return steps(case)


def integer_lstm(name, *, cells=6, inputs=5, batch=2, time=3, cell_scale=2.0**-12, coupled=False, norm=False):
    """int8 activations and weights, a 16-bit cell state with a power of two for a scale; no projection."""
    net = Net()
    op = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    case = Case(op, f"int8_{name}", "int8", net)
    random = case.random()
    input_scale, output_scale = 0.031, 1 / 128
    x = net.input((batch, time, inputs), "int8", scale=input_scale, zero_point=-5)
    there = [not coupled, True, True, True]
    slots, scales = [x], {}
    for part, width, scale in (("input", inputs, input_scale), ("recurrent", cells, output_scale)):
        for gate in range(GATES):
            scales[part, gate] = random.uniform(0.003, 0.006)
            values = random.integers(-127, 128, (cells, width)).astype(np.int8)
            slots.append(net.constant(values, scale=scales[part, gate]) if there[gate] else None)
    slots += [None] * 3
    norm_scales = [random.uniform(3e-5, 6e-5) if norm else None for _ in range(GATES)]
    for gate in range(GATES):
        values = random.integers(-3000, 3000, cells).astype(np.int32)
        scale = np.float32(input_scale) * np.float32(scales["input", gate])
        if norm:
            values, scale = values * 3000, np.float32(norm_scales[gate]) * np.float32(2.0**-10)
        slots.append(net.constant(values, scale=scale) if there[gate] else None)
    slots += [None, None]
    slots.append(net.variable((batch, cells), "int8", name="output_state", scale=output_scale, zero_point=3))
    slots.append(net.variable((batch, cells), "int16", name="cell_state", scale=cell_scale, zero_point=0))
    y = net.output(None, "int8", scale=output_scale, zero_point=3)
    norms = [None] * GATES
    if norm:
        weights = [random.integers(12000, 32767, cells).astype(np.int16) for _ in range(GATES)]
        norms = [net.constant(values, scale=scale) for values, scale in zip(weights, norm_scales)]
    # Scales of the gates before their functions, which layer norm alone needs, and of the hidden state.
    sums_scale = 2.0**-12 if not norm else 0.0007
    between = [net.tensor((), "int16", name=f"between{gate}", scale=sums_scale, zero_point=0) for gate in range(GATES)]
    between.append(net.tensor((), "int8", name="hidden", scale=output_scale, zero_point=3))
    fields = dict(fusedActivationFunction=TANH, cellClip=0.0, projClip=0.0, timeMajor=False)
    options = "UnidirectionalSequenceLSTMOptions"
    net.op(op, [*slots, *norms], [y], options, version=2, intermediates=between, **fields)
    return steps(case)


def rnn(name, dtype, *, time_major=False, asymmetric=False):
    """A layer of h' = f(W x + R h + b)."""
    net = Net()
    op = "UNIDIRECTIONAL_SEQUENCE_RNN"
    case = Case(op, f"{dtype}_{name}", dtype, net, tolerance=HYBRID if dtype == "hybrid" else FLOAT)
    random = case.random()
    weight = (int8_weight if dtype == "hybrid" else float_weight)(net, random)
    batch, units, features = 2, 4, 5
    x = net.input((3, batch, features) if time_major else (batch, 3, features), "float32")
    inputs = [x, weight((units, features)), weight((units, units))]
    inputs.append(net.constant(random.uniform(-0.5, 0.5, units).astype(np.float32), name="bias"))
    inputs.append(net.variable((batch, units), "float32", name="state"))
    fields = dict(fusedActivationFunction=TANH, timeMajor=time_major, asymmetricQuantizeInputs=asymmetric)
    version = 3 if asymmetric else 2 if dtype == "hybrid" else 1
    net.op(op, inputs, [net.output(None, "float32")], "SequenceRNNOptions", version=version, **fields)
    return steps(case)


def basic(name, batch, inputs, units):
    """LSTM with the basic kernel: one matrix for all gates, and outputs for all that is computed on the way."""
    net = Net()
    case = Case("LSTM", f"float32_basic_{name}", "float32", net, "the basic kernel", tolerance=Tolerance(2e-5, 2e-6))
    random = case.random()
    x = net.input((batch, inputs), "float32")
    last, state = net.variable((batch, units), "float32"), net.variable((batch, units), "float32")
    weights = net.constant(random.normal(0, 0.5, (4 * units, inputs + units)).astype(np.float32), name="weights")
    bias = net.constant(random.normal(0, 0.5, 4 * units).astype(np.float32), name="bias")
    outputs = [net.output((batch, columns), "float32") for columns in (units, units, inputs + units, 4 * units)]
    fields = dict(kernelType=LSTMKernelType.BASIC, fusedActivationFunction=ActivationFunctionType.TANH)
    net.op("LSTM", [x, last, weights, bias, state], outputs, "LSTMOptions", version=2, **fields)
    case.steps = [[random.normal(0, 1, (batch, inputs)).astype(np.float32)] for _ in range(3)]
    return case


def cases():
    for name, shape in FILTERS.items():
        for dtype in ("float32", "hybrid", "int8"):
            yield svdf(name, dtype, shape)
        yield svdf(f"{name}_asymmetric", "hybrid", shape, asymmetric=True)
    yield svdf("no_bias", "float32", FILTERS["rank_1"], bias=False)
    yield svdf("no_bias", "int8", FILTERS["rank_1"], bias=False)
    for name, parts in LAYERS.items():
        yield lstm("UNIDIRECTIONAL_SEQUENCE_LSTM", name, "float32", **parts)
        yield lstm("UNIDIRECTIONAL_SEQUENCE_LSTM", name, "hybrid", **parts)
        if name in ("plain", "coupled", "peephole", "projection", "everything"):
            yield lstm("LSTM", name, "float32", **parts)
            yield lstm("LSTM", name, "hybrid", **parts)
    yield lstm("UNIDIRECTIONAL_SEQUENCE_LSTM", "plain_asymmetric", "hybrid", asymmetric=True)
    yield lstm("LSTM", "plain_asymmetric", "hybrid", asymmetric=True)
    yield integer_lstm("plain")
    yield integer_lstm("wide", cells=19, inputs=17)
    yield integer_lstm("large_cells", cell_scale=2.0**-11)
    yield integer_lstm("long", time=9)
    yield integer_lstm("layer_norm", norm=True)
    yield integer_lstm("layer_norm_of_8", norm=True, cells=8)
    yield integer_lstm("layer_norm_wide", norm=True, cells=19, inputs=17)
    for dtype in ("float32", "hybrid"):
        yield rnn("plain", dtype)
        yield rnn("time_major", dtype, time_major=True)
    yield rnn("asymmetric", "hybrid", asymmetric=True)
    yield basic("one_row", 1, 3, 4)
    yield basic("rows", 3, 5, 2)
