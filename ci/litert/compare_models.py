"""Compares our interpreter with the genuine LiteRT on every `.tflite` file of a folder.

    cargo build --release -p edgebench-interpreter --example run_models
    compare_models.py MODELS --runner target/release/examples/run_models --work SCRATCH [--inputs FOLDER]

MODELS   the folder; it is only read
--work   a scratch folder; what LiteRT said is kept there and taken again when the model and its inputs are the same
--inputs a folder with NAME.npy, float32 [count, ...]: examples for the models whose name starts with NAME, quantized by
         the scale of input 0. Models without get reproducible noise: all of an integer's range, [-1, 1) of a float's

A Markdown table goes to stdout, one line a model. A model that is refused by one side only, or one whose outputs are all
integers and not bit-equal to LiteRT's reference kernels, makes the exit code 1; LiteRT too slow for --limit is not run.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from litert_model import LiteRtModel, ModelError
from run_models import prepared

COMPARED = ("ref", "default")
RUN_MODELS = Path(__file__).resolve().parent / "run_models.py"
SEED = 1


@dataclass
class Side:
    """What one implementation made of one model: raw outputs of all examples, or why there are none."""

    raw: bytes | None
    reason: str = ""


@dataclass
class Distance:
    """Outputs of ours beside LiteRT's. `agreeing` counts equal largest entries along the last axis, of `decisions`."""

    values: int = 0
    differing: int = 0
    steps: int = 0
    largest_float: float = 0.0
    magnitude: float = 0.0
    agreeing: int = 0
    decisions: int = 0

    def cells(self):
        share = f"{self.largest_float:.1e} of {self.magnitude:.3g}" if self.magnitude else "-"
        top = f"{self.agreeing}/{self.decisions}" if self.decisions else "-"
        return f"{self.differing}/{self.values} | {self.steps or '-'} | {share} | {top}"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--runner", type=Path, required=True)
    parser.add_argument("--kernels", default="auto", help="our kernel set (default: auto)")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--inputs", type=Path)
    parser.add_argument("--count", type=int, default=1, help="examples a model (default: 1)")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for one model in one implementation")
    parser.add_argument("--only", default="", help="models whose name contains this")
    return parser.parse_args()


def noise(detail, random):
    dtype = np.dtype(detail["dtype"])
    if dtype.kind == "f":
        return random.uniform(-1.0, 1.0, detail["shape"]).astype(dtype)
    if dtype == np.bool_:
        return random.integers(0, 2, detail["shape"]).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, detail["shape"], dtype, endpoint=True)


def example_file(folder, name):
    """The longest NAME.npy that `name` starts with."""
    found = [path for path in folder.glob("*.npy") if name.startswith(path.stem)] if folder else []
    return max(found, key=lambda path: len(path.stem), default=None)


def inputs(path, options):
    """(bytes of all examples back to back, how many, what they are)."""
    chosen = example_file(options.inputs, path.stem)
    if chosen:
        model = LiteRtModel(path, "builtin")
        examples = np.load(chosen)[: options.count]
        return b"".join(model.input_from_float(example) for example in examples), len(examples), "real"
    details = prepared(path, "builtin").get_input_details()
    random = np.random.default_rng(SEED)
    raw = [noise(detail, random).tobytes() for _ in range(options.count) for detail in details]
    return b"".join(raw), options.count, "noise"


def place(folder, path, raw):
    """A folder for one run; true when the model or its inputs are new there."""
    folder.mkdir(parents=True, exist_ok=True)
    link, examples = folder / "model.tflite", folder / "model.inputs"
    same = (
        link.exists()
        and examples.exists()
        and examples.read_bytes() == raw
        and link.read_bytes() == path.read_bytes()
    )
    if not same:
        link.write_bytes(path.read_bytes())
        examples.write_bytes(raw)
    return not same


def outcome(folder, command, limit):
    """Runs `command`, which leaves outputs or a reason in `folder`; a crash or too long a time is a reason too."""
    for ending in ("outputs", "refused", "done"):
        (folder / f"model.{ending}").unlink(missing_ok=True)
    reason = None
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
        if done.returncode:
            reason = f"exit code {done.returncode}: {done.stderr.strip()[-200:]}"
    except subprocess.TimeoutExpired:
        reason = f"not within {limit:g} s"
    if reason:
        (folder / "model.refused").write_text(reason)
    # What was interrupted before this is not taken for an answer the next time.
    (folder / "model.done").touch()


def side(folder, command, limit, again):
    if again or not (folder / "model.done").exists():
        outcome(folder, command, limit)
    refused = folder / "model.refused"
    if refused.exists():
        return Side(None, " ".join(refused.read_text().split()))
    return Side((folder / "model.outputs").read_bytes())


def run_all(path, raw, options):
    """Side by name: `ours` and each of LiteRT's kernel sets."""
    sides = {}
    for kernels in COMPARED:
        folder = options.work / path.stem / kernels
        command = [sys.executable, str(RUN_MODELS), "--folder", str(folder), "--kernels", kernels]
        sides[kernels] = side(folder, command, options.limit, place(folder, path, raw))
    folder = options.work / path.stem / "ours"
    place(folder, path, raw)
    sides["ours"] = side(folder, [str(options.runner), str(folder), options.kernels], options.limit, True)
    return sides


def wide(values):
    return values.astype(np.float64) if values.dtype.kind == "f" else values.astype(np.int64)


def add(distance, ours, theirs, decides):
    """Adds one output of one example."""
    distance.values += theirs.size
    distance.differing += int(np.sum((ours != theirs) & ~((ours != ours) & (theirs != theirs))))
    gap = np.abs(wide(ours) - wide(theirs))
    if theirs.dtype.kind == "f":
        distance.largest_float = max(distance.largest_float, float(np.max(np.nan_to_num(gap, nan=np.inf), initial=0.0)))
        distance.magnitude = max(distance.magnitude, float(np.max(np.abs(theirs), initial=0.0)))
    else:
        distance.steps = max(distance.steps, int(np.max(gap, initial=0)))
    if decides and theirs.ndim:
        same = np.argmax(ours, axis=-1) == np.argmax(theirs, axis=-1)
        distance.agreeing += int(np.sum(same))
        distance.decisions += same.size


def compare(details, ours, theirs, count):
    """None when the two are not of the size that the outputs of `count` examples have."""
    shapes = [(np.dtype(d["dtype"]).newbyteorder("<"), tuple(d["shape"])) for d in details]
    sizes = [int(np.prod(shape)) * dtype.itemsize for dtype, shape in shapes]
    if not len(ours) == len(theirs) == count * sum(sizes):
        return None
    distance, start = Distance(), 0
    for _ in range(count):
        for (dtype, shape), size in zip(shapes, sizes):
            a, b = (np.frombuffer(raw[start : start + size], dtype).reshape(shape) for raw in (ours, theirs))
            add(distance, a, b, len(shapes) == 1)
            start += size
    return distance


def line(path, options):
    """(the table's line for one model, whether it is as it has to be)."""
    raw, count, kind = inputs(path, options)
    sides = run_all(path, raw, options)
    details = prepared(path, "builtin").get_output_details()
    cells, fine = [], True
    for kernels in COMPARED:
        ours, theirs = sides["ours"], sides[kernels]
        if theirs.raw is None or ours.raw is None:
            reason = f"LiteRT: {theirs.reason}" if theirs.raw is None else "ours refused"
            cells.append(f"{reason} | - | - | -")
            fine = fine and (theirs.raw is None) == (ours.raw is None)
            continue
        distance = compare(details, ours.raw, theirs.raw, count)
        cells.append(distance.cells() if distance else "other sizes | - | - | -")
        integers = all(np.dtype(detail["dtype"]).kind != "f" for detail in details)
        exact = kernels != "ref" or not integers or (distance is not None and distance.differing == 0)
        fine = fine and distance is not None and exact
    state = "runs" if sides["ours"].raw is not None else sides["ours"].reason.replace("|", "/")
    return f"| {path.stem} | {state} | {count} {kind} | {' | '.join(cells)} |", fine


HEADER = (
    "| model | ours | inputs | ref: differing values | steps | float | top-1 "
    "| default: differing values | steps | float | top-1 |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


def run(options):
    paths = [path for path in sorted(options.models.glob("*.tflite")) if options.only in path.stem]
    if not paths:
        raise ModelError(f"{options.models}: no .tflite files")
    print(HEADER, flush=True)
    all_fine = True
    for path in paths:
        text, fine = line(path, options)
        print(text, flush=True)
        all_fine = all_fine and fine
    return all_fine


def main():
    try:
        fine = run(arguments())
    except (ModelError, OSError, ValueError) as error:
        print(f"compare_models: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
