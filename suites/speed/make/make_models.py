"""Makes `.tflite` files of well-known networks with TensorFlow's converter: random weights, five variants each.

    python make_models.py FOLDER [--network NAME ...] [--variant NAME ...]

FOLDER lies outside the repository (the files are hundreds of megabytes); a file that is there already is not made
again. Beside them NAME.npy holds test images for `ci/litert/compare_models.py --inputs`. SHA-256 and size of each file
go to stdout. What the converter refuses is one line on stderr, and the exit code 1 at the end.
"""

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

from networks import NETWORKS, images, settled

CALIBRATION_SEED = 2
CALIBRATION_IMAGES = 4
TEST_SEED = 3
TEST_IMAGES = 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", action="append", choices=[network.name for network in NETWORKS])
    parser.add_argument("--variant", action="append", choices=list(VARIANTS))
    return parser.parse_args()


def fp32(converter, network):
    pass


def fp16(converter, network):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def dynamic(converter, network):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def integer(converter, network, operators, dtype):
    def representative():
        for image in images(network, CALIBRATION_IMAGES, CALIBRATION_SEED):
            yield [image[None]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = operators
    converter.inference_input_type = dtype
    # Detections are floats whatever the network is.
    converter.inference_output_type = tf.float32 if network.finish else dtype


def int8(converter, network):
    integer(converter, network, [tf.lite.OpsSet.TFLITE_BUILTINS_INT8], tf.int8)


def int16x8(converter, network):
    # Float where the operator has no 16-bit form.
    wide = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    integer(converter, network, [wide, tf.lite.OpsSet.TFLITE_BUILTINS], tf.int16)


VARIANTS = {"fp32": fp32, "fp16": fp16, "dynamic": dynamic, "int8": int8, "int16x8": int16x8}


def save(model, network, folder):
    """Saves the network as a function. Classifiers leave the batch open, as most do; detection knows one image."""
    batch = 1 if network.finish else None

    def run(image):
        outputs = model(image, training=False)
        return network.finish(outputs) if network.finish else outputs

    # A plain SavedModel would keep the weights as variables, which the converter then leaves out of the file.
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", run, [tf.TensorSpec((batch, network.size, network.size, 3), tf.float32, name="image")])
    archive.write_out(folder, verbose=False)


def convert(saved, network, variant):
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    converter.allow_custom_ops = network.finish is not None
    VARIANTS[variant](converter, network)
    return converter.convert()


def make_missing(network, paths):
    """Makes the files of `paths`, by variant; returns how many the converter refused."""
    np.save(next(iter(paths.values())).parent / f"{network.name}.npy", images(network, TEST_IMAGES, TEST_SEED))
    refused = 0
    with tempfile.TemporaryDirectory() as saved:
        save(settled(network), network, saved)
        for variant, path in paths.items():
            try:
                path.write_bytes(convert(saved, network, variant))
            except Exception as error:  # the converter has no error type of its own
                refused += 1
                print(f"make_models: {path.name}: {' '.join(str(error).split())[:300]}", file=sys.stderr, flush=True)
    return refused


def make(network, variants, folder):
    paths = {variant: folder / f"{network.name}_{variant}.tflite" for variant in variants}
    missing = {variant: path for variant, path in paths.items() if not path.exists()}
    refused = make_missing(network, missing) if missing else 0
    for path in paths.values():
        if path.exists():
            raw = path.read_bytes()
            print(f"{hashlib.sha256(raw).hexdigest()}  {path.name}  {len(raw)}", flush=True)
    return refused


def main():
    options = arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = [network for network in NETWORKS if not options.network or network.name in options.network]
    refused = sum(make(network, options.variant or list(VARIANTS), options.folder) for network in chosen)
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    main()
