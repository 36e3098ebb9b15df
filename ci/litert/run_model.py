"""Runs a `.tflite` file in LiteRT over raw inputs and writes raw outputs.

The input file holds examples back to back, each the little-endian bytes of input 0 in the model's own type; the
output file receives output 0 of each example the same way. Exits with 1 and one line on stderr when the model or
the files do not fit.
"""

import argparse
import sys
from pathlib import Path

from litert_model import KERNELS, LiteRtModel, ModelError


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--kernels", choices=sorted(KERNELS), required=True)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--outputs", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", type=int, help="run only this many examples (default: all in the file)")
    return parser.parse_args()


def examples(raw, size, count, path):
    """Cuts `raw` into examples of `size` bytes; a remainder, nothing at all or too few is an error."""
    found, remainder = divmod(len(raw), size)
    if remainder or not found:
        raise ModelError(f"{path}: expected a multiple of {size} bytes (one example), found {len(raw)}")
    if count is not None and not 0 < count <= found:
        raise ModelError(f"{path}: asked for {count} examples, found {found}")
    return [raw[i * size : (i + 1) * size] for i in range(count or found)]


def run(options):
    model = LiteRtModel(options.model, options.kernels, options.threads)
    raw = options.inputs.read_bytes()
    with open(options.outputs, "wb") as sink:
        for example in examples(raw, model.input_bytes, options.count, options.inputs):
            sink.write(model.run(example).tobytes())


def main():
    try:
        run(arguments())
    except (ModelError, OSError) as error:
        sys.exit(f"run_model: {error}")


if __name__ == "__main__":
    main()
