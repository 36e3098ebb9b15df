"""Makes `models/mobilenet_v2_0.35_96.tflite` and `data/digits/` of the `mobilenet` suite.

A MobileNetV2 (width 0.35, 96x96x1) with the usual transfer-learning head is trained on the digits that come with
scikit-learn. Weights are taken at the epoch that is best on a validation part of the train split; the
calibration and test splits are never seen. See README.md beside this file for the command and the outcome.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

import digits
from preprocess import SIZE, lerp, neighbours, normalize, preprocess, source_coordinates

SEED = 1
EPOCHS = 60
PATIENCE = 20
BATCH = 50
VALIDATION = 137
PEAK_RATE = 2e-3
WARMUP_EPOCHS = 4
WEIGHT_DECAY = 1e-4
# Keras' own 0.999 suits ImageNet; here an epoch has 20 steps, and the running statistics would never arrive.
BATCH_NORM_MOMENTUM = 0.9
MODEL = Path(__file__).resolve().parent.parent / "models" / "mobilenet_v2_0.35_96.tflite"


def make_deterministic():
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def build():
    """The network: MobileNetV2 0.35 without its ImageNet top, pooled, and a two-layer classifier."""
    trunk = keras.applications.MobileNetV2(
        input_shape=(SIZE, SIZE, 1), alpha=0.35, include_top=False, weights=None, pooling=None
    )
    for layer in trunk.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    x = keras.layers.GlobalAveragePooling2D()(trunk.output)
    x = keras.layers.Dense(512, activation="relu")(x)
    x = keras.layers.Dropout(0.3)(x)
    x = keras.layers.Dense(10, activation="softmax")(x)
    return keras.Model(trunk.input, x)


def augment(images, rng):
    """Preprocesses uint8 [N, 8, 8] under a small random rotation, zoom and shift of each image.

    The affine map is applied to the sampling positions, so that an image is interpolated once.
    """
    count, height, width = images.shape
    angle = rng.uniform(-12.0, 12.0, count) * np.pi / 180.0
    zoom = rng.uniform(0.9, 1.1, (2, count))
    shift = rng.uniform(-0.7, 0.7, (2, count))
    y, x = np.meshgrid(
        source_coordinates(np.arange(SIZE), height, SIZE) - (height - 1) / 2,
        source_coordinates(np.arange(SIZE), width, SIZE) - (width - 1) / 2,
        indexing="ij",
    )
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    src_y = (cos * y - sin * x) / zoom[0][:, None, None] + shift[0][:, None, None] + (height - 1) / 2
    src_x = (sin * y + cos * x) / zoom[1][:, None, None] + shift[1][:, None, None] + (width - 1) / 2
    y0, y1, wy = neighbours(src_y.astype(np.float32), height)
    x0, x1, wx = neighbours(src_x.astype(np.float32), width)
    pixels, n = images.astype(np.float32), np.arange(count)[:, None, None]
    top = lerp(pixels[n, y0, x0], pixels[n, y0, x1], wx)
    bottom = lerp(pixels[n, y1, x0], pixels[n, y1, x1], wx)
    return normalize(lerp(top, bottom, wy))[..., None]


def rate_schedule(steps_per_epoch):
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=PEAK_RATE / 20,
        decay_steps=(EPOCHS - WARMUP_EPOCHS) * steps_per_epoch,
        alpha=0.01,
        warmup_target=PEAK_RATE,
        warmup_steps=WARMUP_EPOCHS * steps_per_epoch,
    )


def train(model, train_split):
    """Trains in place and leaves the weights of the epoch with the lowest validation loss; returns its number."""
    from sklearn.model_selection import train_test_split

    _, images, labels = train_split
    fit, held = train_test_split(
        np.arange(len(labels)), test_size=VALIDATION, random_state=SEED, stratify=labels
    )
    held_x, held_y = preprocess(images[held]), labels[held]
    model.compile(
        optimizer=keras.optimizers.AdamW(rate_schedule(len(fit) // BATCH), weight_decay=WEIGHT_DECAY),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    rng = np.random.default_rng(SEED)
    best_loss, best_epoch, best_weights = np.inf, 0, model.get_weights()
    for epoch in range(1, EPOCHS + 1):
        start, order = time.monotonic(), rng.permutation(fit)
        history = model.fit(
            augment(images[order], rng), labels[order], batch_size=BATCH, shuffle=False, verbose=0
        ).history
        loss, accuracy = model.evaluate(held_x, held_y, batch_size=BATCH, verbose=0)
        if loss < best_loss:
            best_loss, best_epoch, best_weights = loss, epoch, model.get_weights()
        print(
            f"epoch {epoch:3d}  train loss {history['loss'][0]:.4f} top-1 {history['accuracy'][0]:.4f}"
            f"  validation loss {loss:.4f} top-1 {accuracy:.4f}  {time.monotonic() - start:.1f} s",
            flush=True,
        )
        if epoch - best_epoch >= PATIENCE:
            break
    model.set_weights(best_weights)
    return best_epoch


def to_tflite(model):
    """The float .tflite of the trained network with the input fixed to [1, 96, 96, 1]."""
    image = keras.Input(batch_shape=(1, SIZE, SIZE, 1), dtype="float32", name="image")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, model(image)))
    with contextlib.redirect_stdout(io.StringIO()):  # Keras lists every variable of the export
        return converter.convert()


def litert_predictions(model_bytes, inputs):
    """Class of each input as LiteRT (its default kernels) sees it."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model_bytes, num_threads=1)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    classes = []
    for image in inputs:
        interpreter.set_tensor(source, image[None])
        interpreter.invoke()
        classes.append(int(np.argmax(interpreter.get_tensor(sink)[0])))
    return np.array(classes)


def top1(predicted, labels):
    hits = int(np.sum(predicted == labels))
    return f"{hits}/{len(labels)} = {100.0 * hits / len(labels):.2f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=MODEL, help="where the .tflite goes (default: %(default)s)")
    parser.add_argument("--keras", type=Path, help="also save the Keras model here (.keras)")
    parser.add_argument("--data-only", action="store_true", help="write the data set and stop")
    arguments = parser.parse_args()

    digits.write()
    if arguments.data_only:
        return
    make_deterministic()
    splits = digits.read()
    start = time.monotonic()
    model = build()
    best_epoch = train(model, splits["train"])
    wall = time.monotonic() - start
    model_bytes = to_tflite(model)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_bytes(model_bytes)
    if arguments.keras:
        model.save(arguments.keras)

    _, images, labels = splits["test"]
    inputs = preprocess(images)
    outcome = {
        "best_epoch": best_epoch,
        "training_wall_s": round(wall),
        "parameters": model.count_params(),
        "keras_top1": top1(np.argmax(model.predict(inputs, batch_size=60, verbose=0), axis=1), labels),
        "litert_top1": top1(litert_predictions(model_bytes, inputs), labels),
        "tflite_bytes": len(model_bytes),
        "tflite_sha256": hashlib.sha256(model_bytes).hexdigest(),
    }
    print(json.dumps(outcome, indent=2))


if __name__ == "__main__":
    main()
