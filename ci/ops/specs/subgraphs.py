"""Subgraphs beside IF and WHILE: composite operators, variables with names and what gives them their first values, and
several signatures."""

import numpy as np
from flatbuffers import flexbuffers

from case import Case
from flatmodel import Net


def part(name, op, options, inputs, shape=(3,)):
    """A subgraph of one operator on floats."""
    net = Net(name)
    tensors = [net.input(shape, "float32") for _ in range(inputs)]
    net.op(op, tensors, [net.output(shape, "float32")], options)
    return net


def composite():
    """The decomposition of a composite operator is run."""
    net = Net()
    x, y = net.input((3,), "float32"), net.input((3,), "float32")
    body = net.attach(part("decomposition", "MAXIMUM", "MaximumMinimumOptions", 2))
    middle = net.tensor((3,), "float32")
    fields = dict(name="odml.maximum", decompositionSubgraphIndex=body, compositeAttributes=list(flexbuffers.Dumps({})))
    net.op("STABLEHLO_COMPOSITE", [x, y], [middle], "StableHLOCompositeOptions", **fields)
    net.op("NEG", [middle], [net.output((3,), "float32")], "NegOptions")
    return Case("STABLEHLO_COMPOSITE", "float32_decomposition", "float32", net)


def handle(net, name):
    tensor = net.tensor((), "resource")
    net.op("VAR_HANDLE", [], [tensor], "VarHandleOptions", sharedName=name)
    return tensor


def assign(net, name, value):
    net.op("ASSIGN_VARIABLE", [handle(net, name), value], [], "AssignVariableOptions")


def first_values():
    net = Net("first")
    assign(net, "total", net.constant(np.array([10, 20], np.float32)))
    return net


def total():
    """A sum over inferences, from a first value that CALL_ONCE gives."""
    net = Net()
    x = net.input((2,), "float32")
    net.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=net.attach(first_values()))
    old, new = net.tensor((2,), "float32"), net.output((2,), "float32")
    net.op("READ_VARIABLE", [handle(net, "total")], [old], "ReadVariableOptions")
    net.op("ADD", [old, x], [new], "AddOptions")
    assign(net, "total", new)
    steps = [[np.array([1, 2], np.float32)], [np.array([3, 4], np.float32)], [np.array([-5, 0.5], np.float32)]]
    return Case("CALL_ONCE", "float32_total", "float32", net, total.__doc__, steps=steps)


def two_variables(op, dtype):
    """Two variables that change places: each is read before either is assigned."""
    net = Net()
    x = net.input((2,), dtype)
    values = {name: net.output((2,), dtype) for name in ("first", "second")}
    # LiteRT reads no variable that nothing has assigned.
    start = Net("start")
    for name, value in (("first", [1, 2]), ("second", [3, 4])):
        assign(start, name, start.constant(np.array(value, dtype)))
    net.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=net.attach(start))
    for name, value in values.items():
        net.op("READ_VARIABLE", [handle(net, name)], [value], "ReadVariableOptions")
    assign(net, "first", values["second"])
    assign(net, "second", x)
    steps = [[np.array([at, -at], dtype)] for at in (7, 8, 9)]
    return Case(op, f"{dtype}_change_places", dtype, net, two_variables.__doc__, steps=steps)


def signatures():
    """Two keys for two subgraphs of one file."""
    for key, op, options in (("larger", "MAXIMUM", "MaximumMinimumOptions"), ("product", "MUL", "MulOptions")):
        net = part("main", "ADD", "AddOptions", 2)
        net.signature("sum", 0, dict(a=net.inputs[0], b=net.inputs[1]), dict(y=net.outputs[0]))
        own = part(key, op, options, 2)
        net.signature(key, net.attach(own), dict(a=own.inputs[0], b=own.inputs[1]), dict(y=own.outputs[0]))
        yield Case("GRAPH", f"float32_signature_{key}", "float32", net, "the second of two signatures", signature=(key, own))


def cases():
    yield composite()
    yield total()
    yield two_variables("READ_VARIABLE", "float32")
    yield two_variables("READ_VARIABLE", "int32")
    yield two_variables("VAR_HANDLE", "float32")
    yield two_variables("ASSIGN_VARIABLE", "float32")
    yield from signatures()
