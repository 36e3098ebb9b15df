"""Makes the op cases of suites/ops: tiny models, inputs, and what LiteRT's reference kernels answer.

    make_cases.py [--op OP ...] [--check]

--op     only these operators (schema names such as CONV_2D, in any case)
--check  write nothing; exit 1 when the committed files differ from what would be made

Specs lie in ci/ops/specs/<family>.py; each has a function `cases()` that yields `Case`s. A folder below suites/ops
that no spec makes is removed (or, with --check, named).
"""

import argparse
import importlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import reference  # noqa: E402, found through the line above

SUITE = HERE.parent.parent / "suites" / "ops"
CASE_LIMIT_BYTES = 24 * 1024


class SpecError(Exception):
    """A spec says something that LiteRT does not confirm."""


def all_cases():
    """Every case of every family, in order of folders."""
    cases = []
    for path in sorted((HERE / "specs").glob("*.py")):
        if path.stem == "__init__":
            continue
        for case in importlib.import_module(f"specs.{path.stem}").cases():
            case.spec = f"ci/ops/specs/{path.name}"
            cases.append(case)
    folders = [case.folder for case in cases]
    twice = sorted({folder for folder in folders if folders.count(folder) > 1})
    if twice:
        raise SpecError(f"made twice: {', '.join(twice)}")
    return sorted(cases, key=lambda case: case.folder)


def make(case):
    """Runs a case in LiteRT and gives its files."""
    case.fill_inputs()
    outcome = reference.run(case.net.bytes(), case.steps, case.kernels, case.signature and case.signature[0])
    failed = outcome.crashed or outcome.refusal is not None
    if failed != case.refused:
        found = "LiteRT ended" if outcome.crashed else outcome.refusal or "LiteRT runs it"
        raise SpecError(f"{case.folder}: expected {'a refusal' if case.refused else 'outputs'}, found: {found}")
    if not case.refused:
        _take(case, outcome)
    elif case.net.unresolved:
        raise SpecError(f"{case.folder}: a refused model needs the shapes of its outputs")
    files = case.files(reference.LITERT_VERSION)
    size = sum(len(content) for content in files.values())
    if size > CASE_LIMIT_BYTES:
        raise SpecError(f"{case.folder}: {size} bytes, over the limit of {CASE_LIMIT_BYTES}")
    return files


def _take(case, outcome):
    """Fills open shapes and keeps the outputs, whose types and shapes must be those of the file."""
    case.net.resolve(outcome.shapes)
    case.outputs = outcome.outputs
    for step in case.outputs:
        for tensor, value, first in zip(case.entry.outputs, step, case.outputs[0], strict=True):
            shape = first.shape if case.late else tensor.shape
            if shape != value.shape or tensor.numpy != value.dtype:
                expected = f"{tensor.dtype} {shape}"
                raise SpecError(f"{case.folder}: declared {expected}, LiteRT makes {value.dtype} {value.shape}")


def same(name, old, new, case):
    """Whether a committed file stands for the same as a new one. Floats may differ within the case's tolerance,
    because LiteRT's last bits depend on the CPU."""
    if old == new or name != "values.bin" or case.tolerance is None or len(old) != len(new):
        return old == new
    at = 0
    for step in zip(case.steps, case.outputs, strict=True):
        for value in [value for part in step for value in part]:
            theirs = np.frombuffer(old, value.dtype, value.size, at).reshape(value.shape)
            at += value.nbytes
            close = dict(rtol=case.tolerance.relative, atol=case.tolerance.absolute, equal_nan=True)
            if not np.allclose(theirs, value, **close):
                return False
    return True


def stale(case, files):
    """Names of the committed files of a case that are not what would be made."""
    folder = SUITE / case.folder
    there = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}
    names = sorted(there.keys() | files.keys())
    return [
        name
        for name in names
        if name not in there or name not in files or not same(name, there[name], files[name], case)
    ]


def write(case, files):
    folder = SUITE / case.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def orphans(cases, ops):
    """Folders of cases that no spec makes."""
    made = {case.folder for case in cases}
    found = sorted(path.parent for path in SUITE.glob("*/*/case.json"))
    names = [folder.relative_to(SUITE).as_posix() for folder in found]
    return [name for name in names if name not in made and (not ops or name.split("/")[0] in ops)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--op", nargs="+", default=[])
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    ops = {op.lower() for op in arguments.op}
    cases = all_cases()
    chosen = [case for case in cases if not ops or case.op.lower() in ops]
    complaints, changed = [], []
    for case in chosen:
        try:
            files = make(case)
        except SpecError as error:
            complaints.append(str(error))
            continue
        differing = stale(case, files)
        if differing:
            changed.append(f"{case.folder}: {', '.join(differing)}")
            if not arguments.check:
                write(case, files)
    for name in orphans(cases, ops):
        changed.append(f"{name}: no spec makes it")
        if not arguments.check:
            shutil.rmtree(SUITE / name)
    return report(chosen, complaints, changed, arguments.check)


def report(cases, complaints, changed, check):
    for line in complaints + changed:
        print(line, file=sys.stderr)
    summary = {"cases": len(cases), "specs that do not hold": len(complaints), "stale" if check else "written": len(changed)}
    print(json.dumps(summary))
    return 1 if complaints or (check and changed) else 0


if __name__ == "__main__":
    sys.exit(main())
