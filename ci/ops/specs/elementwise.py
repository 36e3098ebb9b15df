"""Operators on one element at a time: unary functions, pairs, comparisons, logic, SELECT, CAST, PRELU, ADD_N."""

from dataclasses import dataclass

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, TensorType

from case import Case, Tolerance, noise
from flatmodel import DTYPES, Net
from presets import BROADCASTS, HIGH_RANKS, QUANTIZATIONS, QUANTIZED, SPECIAL_FLOATS, ends, every_value

# Exponentials, logarithms and angles come from the C library, whose last bits differ.
LIBRARY = Tolerance(relative=1e-6, absolute=2e-7)
# Operators that LiteRT's set of reference kernels does not have: its other set without delegates.
OPTIMIZED = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"


@dataclass
class Unary:
    """A function of one tensor. `positive`: of no negative value; `output`: a prescribed int8 (scale, zero point)."""

    types: tuple
    options: str | None = None
    fields: dict | None = None
    tolerance: Tolerance | None = None
    positive: bool = False
    output: dict | None = None
    kernels: str = "BUILTIN_REF"
    version: int = 1


SIGNED_UNIT = {
    "int8": dict(scale=1 / 128, zero_point=0),
    "uint8": dict(scale=1 / 128, zero_point=128),
    "int16": dict(scale=1 / 32768, zero_point=0),
}
FLOAT = ("float32",)
ALL_QUANTIZED = ("float32", "int8", "uint8", "int16")

UNARY = {
    "ABS": Unary(("float32", "int8", "int16", "int32"), "AbsOptions"),
    "NEG": Unary(("float32", "int8", "int16", "int32", "int64"), "NegOptions"),
    "SQRT": Unary(("float32", "int8", "int16"), positive=True),
    "RSQRT": Unary(("float32", "int8", "int16"), positive=True),
    "EXP": Unary(("float32", "int8", "int16"), "ExpOptions", tolerance=LIBRARY),
    "LOG": Unary(("float32", "int8", "int16"), positive=True, tolerance=LIBRARY),
    "SIN": Unary(FLOAT, tolerance=LIBRARY),
    "COS": Unary(FLOAT, "CosOptions", tolerance=LIBRARY),
    "SQUARE": Unary(FLOAT, "SquareOptions"),
    "FLOOR": Unary(FLOAT),
    "CEIL": Unary(FLOAT, kernels=OPTIMIZED),
    "ROUND": Unary(FLOAT, kernels=OPTIMIZED),
    "SIGN": Unary(("float32", "int32"), "SignOptions"),
    "TANH": Unary(ALL_QUANTIZED, tolerance=LIBRARY, output=SIGNED_UNIT, version=3),
    "ELU": Unary(("float32", "int8"), kernels=OPTIMIZED, tolerance=LIBRARY),
    "GELU": Unary(("float32", "int8", "uint8", "int16"), "GeluOptions", dict(approximate=False), LIBRARY, version=2),
    "LEAKY_RELU": Unary(ALL_QUANTIZED, "LeakyReluOptions", dict(alpha=0.17), version=2),
    "RELU_N1_TO_1": Unary(("float32", "int8", "uint8")),
    "RELU_0_TO_1": Unary(("float32", "int8", "uint8")),
    "ZEROS_LIKE": Unary(("float32", "int32", "int64"), "ZerosLikeOptions"),
}


def unary_case(op, spec, name, dtype, shape, values, start, end):
    net = Net()
    x = net.input(shape, dtype, **start)
    y = net.output(None, dtype, **end)
    net.op(op, [x], [y], spec.options, version=spec.version if dtype in QUANTIZED else 1, **(spec.fields or {}))
    tolerance = spec.tolerance if dtype == "float32" else None
    steps = None if values is None else [[values]]
    return Case(op, f"{dtype}_{name}", dtype, net, steps=steps, tolerance=tolerance, kernels=spec.kernels)


def unary(op, spec):
    for dtype in spec.types:
        if dtype in QUANTIZED:
            yield from quantized_unary(op, spec, dtype)
            continue
        for name, shape in (("image", (2, 3, 3, 5)), ("scalar", ()), ("rank_1", (7,)), ("rank_6", (1, 2, 1, 3, 1, 2))):
            case = unary_case(op, spec, name, dtype, shape, None, {}, {})
            if spec.positive:
                case.steps = [[np.abs(noise(case.random(), shape, dtype)) + np.float32(0.01)]]
            yield case
        if dtype == "float32":
            values = SPECIAL_FLOATS if not spec.tolerance else SPECIAL_FLOATS[np.abs(SPECIAL_FLOATS) < 25]
            yield unary_case(op, spec, "special_values", dtype, values.shape, values, {}, {})


def quantized_unary(op, spec, dtype):
    values = every_value(dtype)
    if spec.positive and dtype == "int16":
        values = values[values > 0]
    for name, (scale, zero_point) in QUANTIZATIONS.items():
        if spec.positive:
            zero_point = -128
        end = spec.output[dtype] if spec.output else ends(dtype, scale * 1.37, max(-128, zero_point - 29))
        start = ends(dtype, scale, zero_point)
        yield unary_case(op, spec, f"every_value_{name}", dtype, values.shape, values, start, end)
    same = ends(dtype, 0.05, -128 if spec.positive else -7)
    if not spec.output:
        yield unary_case(op, spec, "same_quantization", dtype, values.shape, values, same, same)


@dataclass
class Binary:
    """A function of two tensors that broadcast."""

    types: tuple
    options: str | None = None
    fused: bool = False
    # The second operand is never 0.
    divides: bool = False
    # Both operands and the output have one quantization.
    same_quantization: bool = False
    output: str | None = None
    tolerance: Tolerance | None = None
    ranks: int = 6


ORDERED = ("float32", "int8", "uint8", "int16", "int32", "int64")
COMPARED = ("float32", "int8", "uint8", "int32", "int64")

BINARY = {
    "ADD": Binary(("uint8", "int16", "int32", "int64"), "AddOptions", fused=True),
    "SUB": Binary(("uint8", "int16", "int32", "int64"), "SubOptions", fused=True),
    "MUL": Binary(("uint8", "int16", "int32", "int64"), "MulOptions", fused=True),
    "DIV": Binary(("float32", "uint8", "int32"), "DivOptions", fused=True, divides=True, ranks=5),
    "MAXIMUM": Binary(ORDERED, "MaximumMinimumOptions", same_quantization=True),
    "MINIMUM": Binary(ORDERED, "MaximumMinimumOptions", same_quantization=True),
    "POW": Binary(("float32", "int32"), "PowOptions", tolerance=LIBRARY, ranks=4),
    "SQUARED_DIFFERENCE": Binary(("float32", "int8", "int32"), "SquaredDifferenceOptions", ranks=4),
    "FLOOR_DIV": Binary(("float32", "int8", "int16", "int32"), "FloorDivOptions", divides=True, ranks=4),
    "FLOOR_MOD": Binary(("float32", "int8", "int16", "int32", "int64"), "FloorModOptions", divides=True, ranks=4),
    "EQUAL": Binary((*COMPARED, "bool"), "EqualOptions", output="bool", ranks=4),
    "NOT_EQUAL": Binary((*COMPARED, "bool"), "NotEqualOptions", output="bool", ranks=4),
    "GREATER": Binary(COMPARED, "GreaterOptions", output="bool", ranks=4),
    "GREATER_EQUAL": Binary(COMPARED, "GreaterEqualOptions", output="bool", ranks=4),
    "LESS": Binary(COMPARED, "LessOptions", output="bool", ranks=4),
    "LESS_EQUAL": Binary(COMPARED, "LessEqualOptions", output="bool", ranks=4),
    "LOGICAL_AND": Binary(("bool",), "LogicalAndOptions", ranks=4),
    "LOGICAL_OR": Binary(("bool",), "LogicalOrOptions", ranks=4),
}

PAIRS = {
    "odd_scales": ((0.0371, -13), (0.00913, 77), (0.0522, 5)),
    "wide_apart": ((1.7, 3), (0.0004, -100), (2.1, -9)),
    "saturating": ((0.5, -128), (0.3, 127), (0.01, 0)),
    "tiny_output": ((0.001, 1), (0.002, 2), (30.0, -3)),
}
# LiteRT's comparisons shift by a negative number where a scale is 1 or more: what comes out is the CPU's affair.
BELOW_ONE = PAIRS | {"wide_apart": ((0.97, 3), (0.0004, -100), (2.1, -9))}
UNITS = (ActivationFunctionType.RELU, ActivationFunctionType.RELU6, ActivationFunctionType.RELU_N1_TO_1)
ACTIVATIONS = dict(zip(("relu", "relu6", "relu_n1_to_1"), UNITS, strict=True))


def binary_case(op, spec, name, dtype, shapes, quantizations=PAIRS["odd_scales"], activation=ActivationFunctionType.NONE):
    net = Net()
    first, second, out = (ends(dtype, *quantization) for quantization in quantizations)
    if spec.same_quantization or (spec.output and not name.startswith("scales_")):
        second = out = first
    if spec.output:
        out = {}
    inputs = [net.input(shapes[0], dtype, **first), net.input(shapes[1], dtype, **second)]
    fields = dict(fusedActivationFunction=activation) if spec.fused else {}
    if dtype == "int16" and op in ("ADD", "SUB"):
        fields["potScaleInt16"] = False
    net.op(op, inputs, [net.output(None, spec.output or dtype, **out)], spec.options, version=version(op, dtype), **fields)
    case = Case(op, f"{dtype}_{name}", dtype, net, tolerance=spec.tolerance if dtype == "float32" else None)
    case.steps = [operands(case, spec, op, dtype)]
    return case


def version(op, dtype):
    """What the converter writes; the meaning does not change."""
    if op == "DIV":
        return 2
    if op in ("ADD", "SUB", "MUL"):
        return {"int16": 4, "int64": 4}.get(dtype, 2)
    return 2 if op in ("EQUAL", "NOT_EQUAL", "GREATER", "LESS", "MAXIMUM", "MINIMUM", "FLOOR_DIV") else 1


def operands(case, spec, op, dtype):
    random = case.random()
    first, second = (noise(random, tensor.shape, dtype) for tensor in case.net.inputs)
    if op == "POW":
        base = np.abs(first) if dtype == "float32" else first % 12 - 5
        return [base, second if dtype == "float32" else np.abs(second) % 6]
    if op in ("MUL",) and dtype in ("int32", "int64"):
        return [first % 200, second % 200]
    if spec.divides:
        zero = second == case.net.inputs[1].quantization.zeroPoint[0] if dtype in QUANTIZED and op == "DIV" else second == 0
        second = np.where(zero, second + 1, second).astype(second.dtype)
    if spec.output == "bool" and dtype != "bool" and "scales_" not in case.name:  # few values, so that some are equal
        return [np.floor(values % 4).astype(dtype) for values in (first, second)]
    return [first, second]


def binary(op, spec):
    for dtype in spec.types:
        for name, pair in shapes_of(dtype, spec.ranks).items():
            yield binary_case(op, spec, name, dtype, pair)
        if dtype in QUANTIZED and not spec.same_quantization:
            for name, quantizations in (BELOW_ONE if spec.output else PAIRS).items():
                if (op, name) == ("DIV", "tiny_output"):
                    continue  # LiteRT shifts 32-bit quotients by more than 31 bits
                yield binary_case(op, spec, f"scales_{name}", dtype, ((2, 40), (2, 40)), quantizations)
        if spec.fused and dtype != "int64":
            for name, activation in ACTIVATIONS.items():
                yield binary_case(op, spec, name, dtype, ((2, 9), (2, 9)), activation=activation)


def shapes_of(dtype, ranks):
    """Every pair for two types, a few for the others: broadcasting does not depend on the type."""
    high = {name: pair for name, pair in HIGH_RANKS.items() if len(pair[0]) <= ranks}
    if dtype in ("float32", "int8", "bool"):
        return BROADCASTS | high
    return {name: BROADCASTS[name] for name in ("same", "row", "crosswise", "scalar")} | dict(list(high.items())[-1:])


def power_of_two_scales(op):
    """The old int16 arithmetic of ADD and SUB: every scale a power of two, shifts instead of multipliers."""
    net = Net()
    first, second, out = (dict(scale=2.0**power, zero_point=0) for power in (-11, -14, -11))
    inputs = [net.input((3, 20), "int16", **first), net.input((3, 20), "int16", **second)]
    net.op(op, inputs, [net.output(None, "int16", **out)], BINARY[op].options, version=3, potScaleInt16=True)
    return Case(op, "int16_power_of_two_scales", "int16", net)


def select(op, dtype, name, shapes):
    net = Net()
    quantization = ends(dtype, 0.05, 4)
    inputs = [net.input(shapes[0], "bool")] + [net.input(shape, dtype, **quantization) for shape in shapes[1:]]
    options = "SelectOptions" if op == "SELECT" else "SelectV2Options"
    net.op(op, inputs, [net.output(None, dtype, **quantization)], options)
    return Case(op, f"{dtype}_{name}", dtype, net)


SELECTS = {"same": ((2, 3, 4),) * 3, "scalars": ((), (), ()), "rank_1": ((9,),) * 3}
SELECTS_V1 = {"condition_of_rows": ((3,), (3, 2, 2), (3, 2, 2))}
SELECTS_V2 = {
    "condition_row": ((4,), (2, 3, 4), (2, 3, 4)),
    "values_broadcast": ((2, 3, 4), (1, 4), ()),
    "all_broadcast": ((3, 1, 1), (1, 2, 1), (1, 1, 5)),
    "rank_5": ((2, 1, 3, 1, 2), (1, 2, 3, 2, 1), (2, 2, 3, 2, 2)),
}
SELECTED = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")


def cast(start, end):
    net = Net()
    x = net.input((4, 6), start)
    types = {name: getattr(TensorType, DTYPES[dtype][0]) for name, dtype in (("inDataType", start), ("outDataType", end))}
    net.op("CAST", [x], [net.output(None, end)], "CastOptions", **types)
    case = Case("CAST", f"{start}_to_{end}", start, net)
    # What does not fit the other type is undefined in C++ for floats, and wraps for integers.
    values = noise(case.random(), x.shape, start)
    if start.startswith("float"):
        values = np.clip(values * (1 if end == "bool" else 9), 0 if end.startswith("uint") else -100, 100)
    case.steps = [[values.astype(start)]]
    return case


CASTS = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool")


def prelu(dtype, name, shape, alpha_shape, quantizations):
    net = Net()
    start, alpha, end = (ends(dtype, *quantization) for quantization in quantizations)
    x = net.input(shape, dtype, **start)
    case = Case("PRELU", f"{dtype}_{name}", dtype, net)
    slopes = net.constant(noise(case.random(), alpha_shape, dtype), dtype, name="alpha", **alpha)
    net.op("PRELU", [x, slopes], [net.output(None, dtype, **end)])
    return case


PRELUS = {"channel": ((1, 3, 4, 5), (1, 1, 5)), "full": ((2, 3, 4), (2, 3, 4)), "scalar": ((2, 7), (1,)), "row": ((2, 3, 6), (6,))}


def add_n(dtype, name, shape, count):
    net = Net()
    inputs = [net.input(shape, dtype) for _ in range(count)]
    net.op("ADD_N", inputs, [net.output(None, dtype)], "AddNOptions")
    return Case("ADD_N", f"{dtype}_{name}", dtype, net)


def cases():
    for op, spec in UNARY.items():
        yield from unary(op, spec)
    # Far below 0 the sum 1 + tanh(..) cancels, and what is left is tanh's last bits.
    cancels = Tolerance(relative=1e-6, absolute=1e-6)
    approximate = Unary(ALL_QUANTIZED, "GeluOptions", dict(approximate=True), cancels, version=2)
    for case in unary("GELU", approximate):
        case.name = f"{case.name}_tanh"
        yield case
    for op, spec in BINARY.items():
        yield from binary(op, spec)
    yield power_of_two_scales("ADD")
    yield power_of_two_scales("SUB")
    yield from logical_not()
    for dtype in SELECTED:
        for op, special in (("SELECT", SELECTS_V1), ("SELECT_V2", SELECTS_V2)):
            shapes = SELECTS | special if dtype in ("float32", "int8") else {"same": SELECTS["same"]}
            for name, shapes in (shapes | dict(list(special.items())[-1:])).items():
                yield select(op, dtype, name, shapes)
    yield from (cast(start, end) for start in CASTS for end in CASTS)
    for dtype in ("float32", "int8", "uint8"):
        for name, (shape, alpha) in PRELUS.items():
            yield prelu(dtype, name, shape, alpha, PAIRS["odd_scales"])
    yield prelu("int8", "saturating", (2, 40), (40,), PAIRS["saturating"])
    for dtype in ("float32", "int32"):
        yield add_n(dtype, "three", (2, 3, 4), 3)
        yield add_n(dtype, "two", (5,), 2)


def logical_not():
    for name, shape in (("image", (2, 3, 4)), ("scalar", ())):
        net = Net()
        net.op("LOGICAL_NOT", [net.input(shape, "bool")], [net.output(None, "bool")], "LogicalNotOptions")
        yield Case("LOGICAL_NOT", f"bool_{name}", "bool", net)
