"""Quantizes the suite's float model with the genuine TensorFlow Lite tools and prints sizes and top-1.

    python compare_tflite_converter.py [--ours NAME=FILE.tflite ...]

The float .tflite goes through TensorFlow's calibrator and quantizer with the same calibration examples that the suite
uses (the whole calibration split). Files of our own converter can be put beside it with --ours; everything is run by
LiteRT, with its reference and its default kernels, on the suite's test split.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tensorflow.lite.python.optimize.calibrator import Calibrator

import digits
from preprocess import preprocess

MODEL = Path(__file__).resolve().parent.parent / "models" / "mobilenet_v2_0.35_96.tflite"
KERNELS = {"ref": OpResolverType.BUILTIN_REF, "default": OpResolverType.BUILTIN}


def quantize(model, inputs, io):
    """Full int8 by TensorFlow's own calibrator (min-max) with float or int8 inputs and outputs."""

    def representative():
        for image in inputs:
            yield [image[None]]

    return Calibrator(model).calibrate_and_quantize(
        representative, io, io, allow_float=False, activations_type=tf.int8, bias_type=tf.int32
    )


def quantized(values, detail):
    """The input in the tensor's own type: rounded half away from zero, as the QUANTIZE operator does."""
    if detail["dtype"] == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    ratio = (values / np.float32(scale)).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(ratio) + 0.5), ratio) + zero_point
    limits = np.iinfo(detail["dtype"])
    return np.clip(rounded, limits.min, limits.max).astype(detail["dtype"])


def right_predictions(model, kernels, inputs, labels):
    interpreter = Interpreter(
        model_content=model, num_threads=1, experimental_op_resolver_type=KERNELS[kernels]
    )
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    right = 0
    for image, label in zip(inputs, labels):
        interpreter.set_tensor(source["index"], quantized(image[None], source))
        interpreter.invoke()
        right += int(np.argmax(interpreter.get_tensor(sink["index"])) == label)
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--ours", action="append", default=[], metavar="NAME=FILE")
    options = parser.parse_args()

    splits = digits.read()
    calibration = preprocess(splits["calibration"][1])
    inputs, labels = preprocess(splits["test"][1]), splits["test"][2]
    float_model = options.model.read_bytes()
    models = {
        "float": float_model,
        "tflite int8, float io": quantize(float_model, calibration, tf.float32),
        "tflite int8, int8 io": quantize(float_model, calibration, tf.int8),
    }
    for text in options.ours:
        name, equals, path = text.partition("=")
        if not equals:
            parser.error(f"--ours {text}: expected NAME=FILE")
        models[f"ours {name}"] = Path(path).read_bytes()

    print(f"{'model':<24} {'bytes':>9} {'of float':>8}  " + "  ".join(f"{f'top-1 {k}':>20}" for k in KERNELS))
    for name, model in models.items():
        line = f"{name:<24} {len(model):>9} {len(model) / len(float_model):>8.4f}"
        for kernels in KERNELS:
            right = right_predictions(model, kernels, inputs, labels)
            line += f"  {f'{right}/{len(labels)} ({100 * right / len(labels):.2f} %)':>20}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
