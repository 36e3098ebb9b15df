"""Counts the instructions of one inference and of the start, under valgrind's callgrind: a clock for machines whose clocks
are noisy. The same program on the same file executes nearly the same instructions every time, whatever else goes on.

    python ci/speed/count.py [--write | --check] [--runner COUNT]

Without a choice the counts are printed. `--check` compares them with `ci/speed/counts.tsv` and fails when one has risen by
more than the limit; `--write` writes that file anew. Valgrind knows no AVX-512, so that the kernels are those of AVX2.
Models are the digits network of the repository and, where EDGEBENCH_MIRROR names a folder that has them, those of MLPerf
Tiny. Counts belong to a compiler: those of another one are not compared, and that is said.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COUNTS = Path(__file__).with_name("counts.tsv")
KERNELS = ["portable", "avx2"]
RUNS = 3
# The same program counts the same to a few instructions; what a change of a kernel costs is larger than this.
LIMIT_PERCENT = 5.0

SHIPPED = {"digits_mobilenet_v2_fp32": ROOT / "suites/mobilenet/models/mobilenet_v2_0.35_96.tflite"}
MIRRORED = ["mlperf_tiny_kws_dscnn_int8", "mlperf_tiny_vww_mobilenetv1_int8", "mlperf_tiny_ic_resnet8_int8"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--write", action="store_true", help="keep the counts as those to compare with")
    choice.add_argument("--check", action="store_true", help="fail when a count has risen beyond the limit")
    parser.add_argument("--runner", type=Path, help="the example `count` of the interpreter; built when it is not named")
    return parser.parse_args()


def build():
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "-p", "edgebench-interpreter", "--example", "count"], cwd=ROOT, check=True
    )
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/count"


def models():
    found = dict(SHIPPED)
    mirror = os.environ.get("EDGEBENCH_MIRROR")
    for name in MIRRORED:
        path = Path(mirror or "", f"{name}.tflite")
        if mirror and path.is_file():
            found[name] = path
        else:
            print(f"skipped: instructions of {name}: EDGEBENCH_MIRROR names no folder that has it")
    return found


def instructions(runner, model, kernels, runs):
    """All instructions of a process that makes the model ready, runs it once and then so many times more."""
    # Addresses that differ from run to run move copies of memory between code for other alignments.
    command = ["setarch", "--addr-no-randomize", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    environment = {"PATH": os.environ["PATH"]}
    answer = subprocess.run(
        [*command, runner, model, kernels, str(runs)], capture_output=True, text=True, env=environment
    )
    collected = re.search(r"Collected : (\d+)", answer.stderr)
    if answer.returncode != 0 or collected is None:
        sys.exit(f"count: {model.name} with {kernels} under valgrind failed:\n{answer.stderr[-2000:]}")
    return int(collected.group(1))


def count(runner):
    counts = {}
    for name, path in models().items():
        for kernels in KERNELS:
            start = instructions(runner, path, kernels, 0)
            inference = (instructions(runner, path, kernels, RUNS) - start) // RUNS
            counts[name, kernels] = (inference, start)
            print(f"{name:34} {kernels:9} {inference:13,} an inference {start:14,} to the first result", flush=True)
    return counts


def compiler():
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def write(counts):
    lines = [f"# {compiler()}", "# model\tkernels\tinstructions of an inference\tinstructions to the first result"]
    lines += [f"{name}\t{kernels}\t{inference}\t{start}" for (name, kernels), (inference, start) in counts.items()]
    COUNTS.write_text("\n".join(lines) + "\n")


def kept():
    lines = COUNTS.read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return lines[0].removeprefix("# "), {(name, kernels): (int(one), int(all)) for name, kernels, one, all in rows}


def risen(counts, before):
    """What has risen beyond the limit, in words."""
    for key, now in counts.items():
        for what, new, old in zip(("an inference", "the start"), now, before.get(key, now)):
            change = (new / old - 1) * 100
            if change > LIMIT_PERCENT:
                yield f"{key[0]} with {key[1]}: {what} takes {change:.1f} % more instructions: {old:,} before, {new:,} now"


def main():
    options = arguments()
    for tool in ("valgrind", "setarch"):
        if shutil.which(tool) is None:
            return print(f"skipped: counts of instructions: {tool} is not installed")
    if options.check:
        of, before = kept()
        if of != compiler():
            return print(f"skipped: counts of instructions: those that are kept are of {of}, this is {compiler()}")
    counts = count(options.runner or build())
    if options.write:
        return write(counts)
    if options.check and (found := list(risen(counts, before))):
        print("\n".join(found), file=sys.stderr)
        sys.exit("if that is meant, keep the new counts with `python ci/speed/count.py --write`")


if __name__ == "__main__":
    main()
