"""Compares what a run of ours returned with the genuine LiteRT on the same model files and the same inputs.

    bench run --suite mobilenet --keep_outputs ...
    compare_run.py results/RUN/outputs/manifest.json --expect fp32:default:flips=0 --expect int8:ref:difference=0

manifest   what `bench run --keep_outputs` left: for each cell the model file, the examples as the device got them
           (tensor pack, float32), the right classes, and our raw output 0 of every example, back to back
--expect   NAME:KERNELS:LIMIT=VALUE, may be repeated; LIMIT is flips (predictions that differ) or difference (largest
           difference of an output value, in steps for integer outputs); one that is exceeded makes the exit code 1

One line a variant and kernel set goes to stdout, and with --json the same as a file. Input that does not fit is one
line on stderr and exit code 2.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tensor_pack
from litert_model import LiteRtModel, ModelError

COMPARED = ("ref", "default")
LIMITS = ("flips", "difference")


class InputError(Exception):
    """A file or an argument does not fit the others."""


@dataclass
class Row:
    """One variant against one kernel set; top-1 are counts of right predictions out of `examples`."""

    variant: str
    kernels: str
    dtype: str
    examples: int
    ours_top1: int
    litert_top1: int
    flips: int
    values: int
    differing_values: int
    difference: float

    def line(self):
        unit = "" if self.dtype.startswith("float") else " steps"
        return (
            f"{self.variant:<10} {self.kernels:<8} {self.dtype:<8}"
            f" top-1 ours {percent(self.ours_top1, self.examples)} litert {percent(self.litert_top1, self.examples)}"
            f"  flips {self.flips}"
            f"  values differing {self.differing_values}/{self.values}, at most {self.difference:g}{unit}"
        )


def percent(hits, count):
    return f"{hits}/{count} ({100.0 * hits / count:.2f} %)"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--expect", action="append", default=[], metavar="NAME:KERNELS:LIMIT=VALUE")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def read_cells(path):
    """The cells of a manifest; paths in it are relative to it."""
    try:
        cells = json.loads(path.read_text())["cells"]
        for cell in cells:
            for key in ("model_file", "pack", "outputs"):
                cell[key] = path.parent / cell[key]
            cell["labels"] = np.array([int(label) for label in cell["labels"]])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a manifest of outputs: {error!r}") from error
    if not cells:
        raise InputError(f"{path}: no cells")
    return cells


def parse_expectation(text):
    where, _, value = text.partition("=")
    parts = where.split(":")
    try:
        name, kernels, limit = parts
        number = float(value)
    except ValueError as error:
        raise InputError(f"--expect {text}: expected NAME:KERNELS:LIMIT=VALUE") from error
    if kernels not in COMPARED or limit not in LIMITS:
        raise InputError(f"--expect {text}: kernels are {', '.join(COMPARED)}; limits are {', '.join(LIMITS)}")
    return name, kernels, limit, number


def litert_outputs(model, pack):
    return np.stack([model.run(model.input_from_float(example)).reshape(-1) for example in pack])


def our_outputs(path, like):
    expected, found = like.nbytes, path.stat().st_size
    if found != expected:
        raise InputError(f"{path}: expected {expected} bytes of {like.dtype} outputs, found {found}")
    return np.frombuffer(path.read_bytes(), like.dtype.newbyteorder("<")).reshape(like.shape)


def difference(ours, theirs):
    """Largest absolute difference; infinite where a value is not a number on one side only."""
    wide = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    wide[np.isnan(ours) & np.isnan(theirs)] = 0.0
    return float(np.max(np.nan_to_num(wide, nan=np.inf, posinf=np.inf)))


def compare(name, kernels, ours_path, model_path, pack, labels):
    theirs = litert_outputs(LiteRtModel(model_path, kernels), pack)
    ours = our_outputs(ours_path, theirs)
    predicted, reference = np.argmax(ours, axis=1), np.argmax(theirs, axis=1)
    return Row(
        variant=name,
        kernels=kernels,
        dtype=str(theirs.dtype),
        examples=len(labels),
        ours_top1=int(np.sum(predicted == labels)),
        litert_top1=int(np.sum(reference == labels)),
        flips=int(np.sum(predicted != reference)),
        values=ours.size,
        differing_values=int(np.sum(ours != theirs)),
        difference=difference(ours, theirs),
    )


def exceeded(rows, expectations):
    """One line for each expectation that does not hold; one that names no variant is an error."""
    by_name = {(row.variant, row.kernels): row for row in rows}
    lines = []
    for name, kernels, limit, allowed in expectations:
        row = by_name.get((name, kernels))
        if row is None:
            raise InputError(f"--expect {name}:{kernels}: no such variant")
        found = getattr(row, limit)
        if not found <= allowed:
            lines.append(f"{name} against {kernels}: {limit} {found:g}, allowed {allowed:g}")
    return lines


def run(options):
    cells = read_cells(options.manifest)
    expectations = [parse_expectation(text) for text in options.expect]
    packs = {}
    rows = []
    for cell in cells:
        pack = packs.setdefault(cell["pack"], tensor_pack.read(cell["pack"]))
        if len(cell["labels"]) != len(pack) or not len(pack):
            raise InputError(f"{cell['pack']}: {len(pack)} examples, {len(cell['labels'])} labels")
        for kernels in COMPARED:
            rows.append(compare(cell["variant"], kernels, cell["outputs"], cell["model_file"], pack, cell["labels"]))
            print(rows[-1].line(), flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return exceeded(rows, expectations)


def main():
    try:
        failures = run(arguments())
    except (InputError, ModelError, tensor_pack.PackError, OSError) as error:
        print(f"compare_run: {error}", file=sys.stderr)
        sys.exit(2)
    for line in failures:
        print(f"compare_run: {line}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
