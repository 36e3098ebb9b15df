"""Runs every `.tflite` file of a folder in LiteRT.

Beside NAME.tflite lies NAME.inputs: examples back to back, each the little-endian bytes of all inputs in the model's
order. NAME.outputs receives all outputs of each example the same way. A model that LiteRT does not load or run gets
NAME.refused with LiteRT's words instead. Exits with 1 and one line on stderr when a file does not fit.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from litert_model import KERNELS, ModelError


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--kernels", choices=sorted(KERNELS), required=True)
    return parser.parse_args()


def prepared(path, kernels):
    interpreter = Interpreter(
        model_path=str(path), num_threads=1, experimental_op_resolver_type=KERNELS[kernels]
    )
    interpreter.allocate_tensors()
    return interpreter


def set_inputs(interpreter, example):
    """Cuts one example into the inputs."""
    start = 0
    for detail in interpreter.get_input_details():
        dtype = np.dtype(detail["dtype"]).newbyteorder("<")
        size = int(np.prod(detail["shape"])) * dtype.itemsize
        value = np.frombuffer(example[start : start + size], dtype).reshape(detail["shape"])
        interpreter.set_tensor(detail["index"], value)
        start += size


def example_bytes(interpreter):
    details = interpreter.get_input_details()
    return sum(int(np.prod(d["shape"])) * np.dtype(d["dtype"]).itemsize for d in details)


def run_model(path, kernels):
    interpreter = prepared(path, kernels)
    raw, size = path.with_suffix(".inputs").read_bytes(), example_bytes(interpreter)
    if not raw or len(raw) % size:
        raise ModelError(f"{path}: expected a multiple of {size} bytes of inputs, found {len(raw)}")
    with open(path.with_suffix(".outputs"), "wb") as sink:
        for start in range(0, len(raw), size):
            set_inputs(interpreter, raw[start : start + size])
            interpreter.invoke()
            for detail in interpreter.get_output_details():
                sink.write(interpreter.get_tensor(detail["index"]).tobytes())


def run(options):
    for path in sorted(options.folder.glob("*.tflite")):
        try:
            run_model(path, options.kernels)
        except (ValueError, RuntimeError) as error:
            path.with_suffix(".refused").write_text(str(error))


def main():
    try:
        run(arguments())
    except (ModelError, OSError) as error:
        sys.exit(f"run_models: {error}")


if __name__ == "__main__":
    main()
