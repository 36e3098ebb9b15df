"""Builds small `.tflite` files, byte for byte the same every time. Knows the schema and nothing of how a model is run.

    net = Net()
    x = net.input((1, 5, 5, 3), "int8", scale=0.02, zero_point=3)
    w = net.constant(filter_values, scale=[0.1, 0.2], axis=0)
    net.op("CONV_2D", [x, w, None], [net.output((1, 5, 5, 2), "int8", scale=0.1)], "Conv2DOptions", strideH=1, ...)
    file = net.bytes()
"""

from dataclasses import dataclass, field

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

# Name of a type in specs -> (name in the schema, numpy type of its values). int4 and int2 are packed by `packed`.
DTYPES = {
    "float32": ("FLOAT32", np.float32),
    "float16": ("FLOAT16", np.float16),
    "float64": ("FLOAT64", np.float64),
    "int2": ("INT2", np.uint8),
    "int4": ("INT4", np.uint8),
    "int8": ("INT8", np.int8),
    "uint8": ("UINT8", np.uint8),
    "int16": ("INT16", np.int16),
    "uint16": ("UINT16", np.uint16),
    "int32": ("INT32", np.int32),
    "uint32": ("UINT32", np.uint32),
    "int64": ("INT64", np.int64),
    "bool": ("BOOL", np.bool_),
    "complex64": ("COMPLEX64", np.complex64),
    "resource": ("RESOURCE", np.int32),
}

# Weights are read in place by vector loads (schema: `force_align: 16`).
BUFFER_ALIGNMENT = 16
# Operator codes above this stand in `builtin_code` alone.
LAST_DEPRECATED_CODE = 127


@dataclass
class Tensor:
    """One tensor of a net. `shape` None: whatever LiteRT computes, filled in by `Net.resolve`."""

    index: int
    name: str
    dtype: str
    shape: tuple | None
    data: bytes | None = None
    quantization: object = None
    variable: bool = False
    sparsity: object = None
    signature: tuple | None = None

    @property
    def numpy(self):
        return np.dtype(DTYPES[self.dtype][1])


@dataclass
class Node:
    """One operator of a net; the options are an object of the schema or bytes of a custom operator."""

    operator: str
    version: int
    inputs: list
    outputs: list
    options: object = None
    custom_options: bytes | None = None
    intermediates: list = field(default_factory=list)


class Net:
    """One subgraph; `bytes` makes it, and the subgraphs attached to it, a file."""

    def __init__(self, name="main"):
        self.name = name
        self.tensors = []
        self.nodes = []
        self.inputs = []
        self.outputs = []
        self.attached = []
        self.signatures = []

    def tensor(self, shape, dtype, *, name=None, data=None, scale=None, zero_point=0, axis=0, details=None, **more):
        """A tensor between operators. `scale` may be a number or one number a channel along `axis`."""
        index = len(self.tensors)
        quantization = quantized(scale, zero_point, axis, details)
        shape = None if shape is None else tuple(int(dim) for dim in shape)
        tensor = Tensor(index, name or f"t{index}", dtype, shape, data, quantization, **more)
        self.tensors.append(tensor)
        return tensor

    def input(self, shape, dtype, **more):
        """An input of the subgraph."""
        tensor = self.tensor(shape, dtype, **({"name": f"in{len(self.inputs)}"} | more))
        self.inputs.append(tensor)
        return tensor

    def output(self, shape, dtype, **more):
        """An output of the subgraph."""
        tensor = self.tensor(shape, dtype, **({"name": f"out{len(self.outputs)}"} | more))
        self.outputs.append(tensor)
        return tensor

    def constant(self, values, dtype=None, *, shape=None, **more):
        """A tensor with content. `shape` differs from that of the values where they are packed."""
        values = np.asarray(values)
        dtype = dtype or values.dtype.name
        shape = values.shape if shape is None else shape
        raw = np.ascontiguousarray(values, DTYPES[dtype][1].__name__.rstrip("_"))
        return self.tensor(shape, dtype, data=raw.astype(raw.dtype.newbyteorder("<")).tobytes(), **more)

    def variable(self, shape, dtype, **more):
        """State that keeps its content from one inference to the next."""
        return self.tensor(shape, dtype, variable=True, **more)

    def op(self, operator, inputs, outputs, options=None, *, version=1, custom_options=None, intermediates=(), **fields):
        """Appends an operator. `options` names a table of the schema (`Conv2DOptions`), `fields` are its fields."""
        table = None
        if options is not None:
            table = getattr(schema, options + "T")()
            for name, value in fields.items():
                if not hasattr(table, name):
                    raise AttributeError(f"{options} has no field {name}")
                setattr(table, name, value)
        self.nodes.append(
            Node(operator, version, list(inputs), list(outputs), table, custom_options, list(intermediates))
        )

    def attach(self, other):
        """Adds another subgraph and gives its index in the file."""
        self.attached.append(other)
        return len(self.attached)

    def signature(self, key, subgraph, inputs, outputs):
        """Offers a subgraph under a key. `inputs` and `outputs`: name -> tensor."""
        self.signatures.append((key, subgraph, inputs, outputs))

    @property
    def unresolved(self):
        return any(tensor.shape is None for tensor in self.tensors)

    def resolve(self, shapes):
        """Fills the shapes that were left open. `shapes`: index of a tensor -> its shape."""
        for tensor in self.tensors:
            if tensor.shape is None:
                tensor.shape = tuple(int(dim) for dim in shapes[tensor.index])

    def bytes(self):
        """The file."""
        writer = _Writer()
        return writer.file([writer.subgraph(net) for net in [self, *self.attached]], self.signatures)


def quantized(scale, zero_point, axis, details=None):
    """The schema's table; none when there is neither a scale nor details (blockwise scales)."""
    if scale is None and details is None:
        return None
    table = schema.QuantizationParametersT()
    table.quantizedDimension = axis
    if scale is not None:
        table.scale = np.atleast_1d(np.asarray(scale, np.float32)).tolist()
        points = np.atleast_1d(np.asarray(zero_point, np.int64)).tolist()
        table.zeroPoint = points * len(table.scale) if len(points) == 1 else points
    if details is not None:
        table.detailsType = getattr(schema.QuantizationDetails, type(details).__name__.removesuffix("T"))
        table.details = details
    return table


def packed(values):
    """Signed 4-bit values, two in a byte, the first in the low half."""
    flat = np.asarray(values, np.int8).reshape(-1).astype(np.uint8) & 0x0F
    flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    return flat[0::2] | (flat[1::2] << 4)


def packed_quarters(values):
    """Signed 2-bit values, four in a byte, the first in the lowest bits."""
    flat = np.asarray(values, np.int8).reshape(-1).astype(np.uint8) & 0x03
    flat = np.append(flat, np.zeros(-flat.size % 4, np.uint8))
    return flat[0::4] | (flat[1::4] << 2) | (flat[2::4] << 4) | (flat[3::4] << 6)


class _AlignedBuffer(schema.BufferT):
    def Pack(self, builder):  # noqa: N802, the schema's name
        vector = None
        if self.data:
            builder.StartVector(1, len(self.data), BUFFER_ALIGNMENT)
            builder.head = builder.head - len(self.data)
            builder.Bytes[builder.head : builder.head + len(self.data)] = self.data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


class _Writer:
    def __init__(self):
        self._buffers = [_AlignedBuffer()]
        self._codes = []

    def file(self, subgraphs, signatures=()):
        model = schema.ModelT()
        model.version = 3
        model.description = "edgebench op case"
        model.subgraphs = subgraphs
        model.buffers = self._buffers
        model.operatorCodes = [self._operator_code(*code) for code in self._codes]
        model.signatureDefs = [_signature(*one) for one in signatures] or None
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def subgraph(self, net):
        graph = schema.SubGraphT()
        graph.name = net.name
        graph.tensors = [self._tensor(tensor) for tensor in net.tensors]
        graph.inputs = _indices(net.inputs)
        graph.outputs = _indices(net.outputs)
        graph.operators = [self._operator(node) for node in net.nodes]
        return graph

    def _tensor(self, tensor):
        table = schema.TensorT()
        table.name = tensor.name
        table.type = getattr(schema.TensorType, DTYPES[tensor.dtype][0])
        table.shape = list(tensor.shape or ())
        table.hasRank = True
        table.quantization = tensor.quantization
        table.isVariable = tensor.variable
        table.sparsity = tensor.sparsity
        table.shapeSignature = None if tensor.signature is None else list(tensor.signature)
        table.buffer = 0 if tensor.data is None else self._buffer(tensor.data)
        return table

    def _buffer(self, data):
        buffer = _AlignedBuffer()
        buffer.data = data
        self._buffers.append(buffer)
        return len(self._buffers) - 1

    def _operator(self, node):
        table = schema.OperatorT()
        code = (node.operator, node.version)
        if code not in self._codes:
            self._codes.append(code)
        table.opcodeIndex = self._codes.index(code)
        table.inputs = _indices(node.inputs)
        table.outputs = _indices(node.outputs)
        table.intermediates = _indices(node.intermediates) or None
        table.customOptions = None if node.custom_options is None else list(node.custom_options)
        if node.options is not None:
            _set_options(table, node.options)
        return table

    def _operator_code(self, operator, version):
        table = schema.OperatorCodeT()
        code = getattr(schema.BuiltinOperator, operator, None)
        if code is None:
            code = schema.BuiltinOperator.CUSTOM
            table.customCode = operator
        table.builtinCode = code
        table.deprecatedBuiltinCode = min(code, LAST_DEPRECATED_CODE)
        table.version = version
        return table


def _signature(key, subgraph, inputs, outputs):
    table = schema.SignatureDefT()
    table.signatureKey, table.subgraphIndex = key, subgraph
    table.inputs, table.outputs = ([_named(name, tensor) for name, tensor in part.items()] for part in (inputs, outputs))
    return table


def _named(name, tensor):
    table = schema.TensorMapT()
    table.name, table.tensorIndex = name, tensor.index
    return table


def _set_options(operator, options):
    name = type(options).__name__.removesuffix("T")
    if hasattr(schema.BuiltinOptions, name):
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        operator.builtinOptions = options
    else:
        operator.builtinOptions2Type = getattr(schema.BuiltinOptions2, name)
        operator.builtinOptions2 = options


def _indices(tensors):
    return [-1 if tensor is None else tensor.index for tensor in tensors]
