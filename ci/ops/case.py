"""One op case: what a spec says, and how it lies on disk. Knows files and numpy, not LiteRT.

A case is a folder `suites/ops/<op>/<name>` with `model.tflite`, `case.json` and, unless the model must be refused,
`values.bin`: for each step the inputs, then the outputs, back to back, row-major, little-endian, as `case.json` names
their types and shapes.
"""

import json
import zlib
from dataclasses import dataclass, field

import numpy as np

from flatmodel import Net

FORMAT_VERSION = 1


@dataclass
class Tolerance:
    """|ours - theirs| <= absolute + relative * |theirs|; only for floats."""

    relative: float = 0.0
    absolute: float = 0.0


EXACT = None


@dataclass
class Case:
    """What a spec says.

    op         the operator's name in the schema, or the custom code
    name       the folder; unique for the operator; starts with the type
    dtype      the row of the table: float32, int8, hybrid, ...
    net        the model
    note       what is special about it
    steps      inputs of each inference in order; None: reproducible noise over the whole range
    tolerance  EXACT or a Tolerance
    refused    LiteRT does not take the model, nor may we
    kernels    the set of LiteRT's kernels (a name of OpResolverType): the reference set lacks a few operators
    signature  the key of the subgraph that is run, and its net: not the first one
    late       the outputs have other shapes than the file says: what the run computes, the same in each step
    """

    op: str
    name: str
    dtype: str
    net: Net
    note: str = ""
    steps: list | None = None
    tolerance: Tolerance | None = EXACT
    refused: bool = False
    kernels: str = "BUILTIN_REF"
    late: bool = False
    signature: tuple | None = None
    spec: str = ""
    outputs: list = field(default_factory=list)

    @property
    def folder(self):
        return f"{self.op.lower()}/{self.name}"

    @property
    def entry(self):
        """The net whose inputs and outputs are the case's."""
        return self.signature[1] if self.signature else self.net

    def random(self):
        """The case's own source of noise."""
        return np.random.default_rng(zlib.crc32(self.folder.encode()))

    def fill_inputs(self):
        """Noise for every input where the spec gave no values; gives values the types of the inputs."""
        if self.steps is None:
            random = self.random()
            self.steps = [[noise(random, tensor.shape, tensor.dtype) for tensor in self.entry.inputs]]
        self.steps = [
            [np.ascontiguousarray(value, tensor.numpy).reshape(tensor.shape) for value, tensor in self._pairs(step)]
            for step in self.steps
        ]

    def _pairs(self, step):
        return zip(step, self.entry.inputs, strict=True)

    def files(self, litert_version):
        """Name -> content of everything in the case's folder."""
        files = {"model.tflite": self.net.bytes(), "case.json": self._json(litert_version)}
        if not self.refused:
            steps = zip(self.steps, self.outputs, strict=True)
            files["values.bin"] = b"".join(raw(value) for step in steps for part in step for value in part)
        return files

    def _shapes(self):
        """Of the outputs: those that the run computed, where they may differ from the file's."""
        if self.late:
            return [value.shape for value in self.outputs[0]]
        return [tensor.shape for tensor in self.entry.outputs]

    def _json(self, litert_version):
        exact = self.tolerance is EXACT
        text = {
            "format": FORMAT_VERSION,
            "op": self.op,
            "type": self.dtype,
            "note": self.note,
            "expected": "refused" if self.refused else "outputs",
            "steps": len(self.steps),
            **({"signature": self.signature[0]} if self.signature else {}),
            "inputs": [{"dtype": t.dtype, "shape": list(t.shape)} for t in self.entry.inputs],
            "outputs": [{"dtype": t.dtype, "shape": list(shape)} for t, shape in zip(self.entry.outputs, self._shapes())],
            "relative": 0.0 if exact else self.tolerance.relative,
            "absolute": 0.0 if exact else self.tolerance.absolute,
            "made": {"litert": litert_version, "kernels": self.kernels, "script": "ci/ops/make_cases.py", "spec": self.spec},
        }
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in text.items()]
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def raw(value):
    return np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<")).tobytes()


def noise(random, shape, dtype):
    """Values over the whole range of an integer type, its extremes among them; floats mostly within -4..4."""
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(np.bool_)
    if dtype in ("float32", "float16", "float64"):
        return random.normal(0.0, 2.0, shape).astype(dtype)
    if dtype == "complex64":
        return (random.normal(0.0, 2.0, shape) + 1j * random.normal(0.0, 2.0, shape)).astype(np.complex64)
    limits = np.iinfo(dtype)
    if dtype in ("int32", "int64", "uint32"):
        return random.integers(max(limits.min, -1000), 1000, shape).astype(dtype)
    values = random.integers(limits.min, limits.max + 1, shape).astype(dtype)
    flat = values.reshape(-1)
    if flat.size >= 4:
        flat[0], flat[-1] = limits.min, limits.max
    return values
