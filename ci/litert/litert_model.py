"""One `.tflite` file in the genuine LiteRT, with one of its three kernel sets.

It knows LiteRT's Python API and nothing of our formats.
"""

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

# ref: plain loops, the arithmetic our integer kernels have to reproduce bit for bit.
# default: what a user gets, optimized kernels with the XNNPACK delegate.
# builtin: optimized kernels without that delegate.
KERNELS = {
    "ref": OpResolverType.BUILTIN_REF,
    "default": OpResolverType.BUILTIN,
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


class ModelError(Exception):
    """The file cannot be loaded or run, or does not have the one-input shape that is asked for."""


class LiteRtModel:
    """A loaded model; `run` maps the raw bytes of input 0 to the raw bytes of output 0."""

    def __init__(self, path, kernels, threads=1):
        try:
            self._interpreter = Interpreter(
                model_path=str(path),
                num_threads=threads,
                experimental_op_resolver_type=KERNELS[kernels],
            )
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: LiteRT does not load it: {error}") from error
        inputs = self._interpreter.get_input_details()
        if len(inputs) != 1:
            raise ModelError(f"{path}: expected one input, found {len(inputs)}")
        self.path = path
        self.input = inputs[0]
        self.output = self._interpreter.get_output_details()[0]

    @property
    def input_bytes(self):
        return int(np.prod(self.input["shape"])) * np.dtype(self.input["dtype"]).itemsize

    def run(self, raw):
        """Raw little-endian bytes in the input's own type -> output 0 as an array of the output's own type."""
        if len(raw) != self.input_bytes:
            raise ModelError(f"{self.path}: input 0 has {self.input_bytes} bytes, found {len(raw)}")
        value = np.frombuffer(raw, np.dtype(self.input["dtype"]).newbyteorder("<")).reshape(self.input["shape"])
        try:
            self._interpreter.set_tensor(self.input["index"], value)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self.path}: LiteRT does not run it: {error}") from error
        return self._interpreter.get_tensor(self.output["index"])

    def input_from_float(self, values):
        """Float values as input 0 wants them: as they are, or quantized by the tensor's own scale and zero point.

        `q = clamp(round(x / scale) + zero_point)` with the division in float32 and halves rounded away from zero,
        as the QUANTIZE operator has it.
        """
        dtype = np.dtype(self.input["dtype"])
        values = np.asarray(values, np.float32)
        if dtype.kind == "f":
            return values.astype(dtype).tobytes()
        scale, zero_point = self.input["quantization"]
        if dtype.kind not in "iu" or scale == 0.0:
            raise ModelError(f"{self.path}: input 0 is {dtype} without a scale: float values do not fit it")
        ratio = (values / np.float32(scale)).astype(np.float64)
        rounded = np.copysign(np.floor(np.abs(ratio) + 0.5), ratio) + zero_point
        limits = np.iinfo(dtype)
        return np.clip(rounded, limits.min, limits.max).astype(dtype).tobytes()
