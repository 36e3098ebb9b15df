"""Runs every `.tflite` model of a folder on several devices and tells whether all of them say the same, bit by bit.

    agree_models.py --models FOLDER --device host=PROGRAM --device 'pi4=qemu-aarch64 -cpu cortex-a72 PROGRAM' ... [--write FILE]

PROGRAM is the example `run_models` of the interpreter, built for the device. Inputs are drawn by seed: the whole range of
integer types, -1 to 1 for floats; or they are the examples of a tensor pack that a run has made. Outputs are compared value by value with those of the first device: equal, one rounding
step apart (integers that differ by one), or different; then the first operator whose result differs is named, from the
traces of both devices. Exits with 1 when an integer output differs. Needs the Python packages of ci/litert.
"""

import argparse
import contextlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "litert"))
import tensor_pack  # noqa: E402

EXAMPLES = 2
SEED = 5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", required=True, type=pathlib.Path)
    parser.add_argument("--device", action="append", required=True, metavar="NAME=COMMAND")
    parser.add_argument("--only", default="", help="models whose names hold this")
    parser.add_argument("--pack", type=pathlib.Path, help="a tensor pack: its examples in place of drawn ones")
    parser.add_argument("--write", type=pathlib.Path, help="a file that receives the table")
    return parser.parse_args()


def details(path):
    """Inputs and outputs of a model, without running it."""
    with open(os.devnull, "w") as quiet, contextlib.redirect_stderr(quiet):
        interpreter = Interpreter(model_path=str(path))
    return interpreter.get_input_details(), interpreter.get_output_details()


def values(detail, random):
    """One input of one example."""
    dtype = np.dtype(detail["dtype"])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, detail["shape"], dtype, endpoint=True)
    return random.uniform(-1, 1, detail["shape"]).astype(dtype)


def prepare(models, folder, only, pack):
    """Links the models into a folder and writes their inputs. Returns the element types of each model's outputs."""
    outputs = {}
    for path in sorted(models.glob("*.tflite")):
        if only not in path.name:
            continue
        inputs, found = details(path)
        random = np.random.default_rng(SEED)
        examples = [values(detail, random).tobytes() for _ in range(EXAMPLES) for detail in inputs]
        if pack:
            examples = [tensor_pack.read(pack).tobytes()]
        (folder / path.name).symlink_to(path.resolve())
        (folder / path.with_suffix(".inputs").name).write_bytes(b"".join(examples))
        outputs[path.stem] = [(np.dtype(one["dtype"]), int(np.prod(one["shape"]))) for one in found]
    return outputs


def run(command, prepared, folder):
    """Runs all models on one device, in a folder of its own."""
    shutil.copytree(prepared, folder, symlinks=True)
    subprocess.run([*shlex.split(command), str(folder), "auto", "trace"], check=True)


def split(data, types):
    """Each output's values of all examples, one output after the other."""
    size = sum(dtype.itemsize * count for dtype, count in types)
    parts = [[] for _ in types]
    for start in range(0, len(data), size):
        for part, (dtype, count) in zip(parts, types):
            part.append(np.frombuffer(data[start : start + dtype.itemsize * count], dtype))
            start += dtype.itemsize * count
    return [np.concatenate(part) for part in parts]


def agreement(one, other, types):
    """The class of the difference, how much differs, and whether that breaks the promise of equal integers."""
    if one == other:
        return "equal", "", False
    if len(one) != len(other):
        return "different", f"{len(one)} and {len(other)} bytes", True
    differing = total = 0
    largest, integers = 0.0, True
    for (dtype, _), a, b in zip(types, split(one, types), split(other, types)):
        wrong = a.view(f"u{dtype.itemsize}") != b.view(f"u{dtype.itemsize}")
        differing, total = differing + int(wrong.sum()), total + len(a)
        if wrong.any():
            integers &= dtype.kind in "iu"
            largest = max(largest, float(np.abs(a.astype(float) - b.astype(float)).max()))
    kind = "one step" if integers and largest <= 1 else "different"
    return kind, f"{differing} of {total} values, by up to {largest:.3g}", integers


def first_difference(one, other):
    """The first operator whose result differs, in the order of execution."""
    for a, b in zip(one.read_text().splitlines(), other.read_text().splitlines()):
        (node, operator, kernel, first, *name), second = a.split(" "), b.split(" ")[3:4]
        if second != [first]:
            return f"node {node} {operator} ({kernel}) -> {' '.join(name)}"
    return "none of the first example"


def compare(name, types, folders):
    """One line a device, against the first one."""
    (reference, home), *others = folders.items()
    for device, folder in others:
        refused = [place / f"{name}.refused" for place in (home, folder)]
        if any(path.exists() for path in refused):
            texts = [path.read_text() if path.exists() else "runs" for path in refused]
            yield device, "equal" if texts[0] == texts[1] else "different", f"refused: {texts[1]}", texts[0] != texts[1]
            continue
        one, other = ((place / f"{name}.outputs").read_bytes() for place in (home, folder))
        kind, amount, broken = agreement(one, other, types)
        if kind != "equal":
            amount += ", first " + first_difference(home / f"{name}.trace", folder / f"{name}.trace")
        yield device, kind, amount, broken


def main():
    asked = arguments()
    devices = dict(text.split("=", 1) for text in asked.device)
    broken = False
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(temporary)
        prepared = place / "prepared"
        prepared.mkdir()
        models = prepare(asked.models, prepared, asked.only, asked.pack)
        folders = {device: place / f"on-{device}" for device in devices}
        for device, command in devices.items():
            run(command, prepared, folders[device])
        names = list(devices)
        lines = [f"| model | outputs | {' | '.join(f'{name} to {names[0]}' for name in names[1:])} |"]
        lines.append("|---|---|" + "---|" * (len(names) - 1))
        for name, types in models.items():
            found = list(compare(name, types, folders))
            broken |= any(bad for *_, bad in found)
            cells = [kind if not amount else f"{kind}: {amount}" for _, kind, amount, _ in found]
            dtypes = ", ".join(sorted({str(dtype) for dtype, _ in types}))
            lines.append(f"| {name} | {dtypes} | {' | '.join(cells)} |")
    table = "\n".join(lines) + "\n"
    print(table, end="")
    if asked.write:
        asked.write.write_text(table)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
