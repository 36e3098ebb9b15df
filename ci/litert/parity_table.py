"""Compares models with LiteRT operator by operator, by `bench parity`, and writes what was found as Markdown.

    parity_table.py --bench target/release/bench [--kernels auto] [--litert-kernels default] MODEL.tflite...

Two tables go to stdout: one line a model, and one line an operator and type over all of them. Exit code 1 when an
operator of integers is more than one step away, or a model could not be compared at all.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

CLOSENESS = ("equal", "rounding", "apart", None)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--litert-kernels", default="default")
    return parser.parse_args()


def compared(options, model):
    """What `bench parity` says about one model, or the line in which it failed."""
    command = [options.bench, "parity", "--json", "--kernels", options.kernels]
    command += ["--litert-kernels", options.litert_kernels, model]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stdout.startswith("{"):
        return json.loads(done.stdout), ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("error")]
    return None, lines[0] if lines else f"exit code {done.returncode}"


def largest(outputs):
    """Largest distance in words: steps of integers, share of the largest value of floats."""
    steps = [output["max_difference"] for output in outputs if not output["dtype"].startswith("float")]
    shares = [
        output["max_difference"] / (output["magnitude"] or 1.0)
        for output in outputs
        if output["dtype"].startswith("float")
    ]
    words = [f"{max(steps):.0f}" if steps else "", f"{max(shares):.1e}" if shares else ""]
    return ", ".join(word for word in words if word) or "-"


def counts(comparisons):
    found = [comparison["closeness"] for comparison in comparisons]
    return " | ".join(str(found.count(closeness)) for closeness in CLOSENESS)


def model_table(results):
    print("| model | operators | equal | rounding | apart | not compared | largest | whole network: differing | largest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, parity, reason in results:
        if parity is None:
            print(f"| {name} | {reason} |||||||")
            continue
        operators, network = parity["operators"], parity["network"]
        all_outputs = [output for operator in operators for output in operator["outputs"]]
        differing = sum(output["differing"] for output in network["outputs"])
        elements = sum(output["elements"] for output in network["outputs"])
        whole = f"{differing}/{elements} | {largest(network['outputs'])}" if elements else f"{network['reason']} | -"
        print(f"| {name} | {len(operators)} | {counts(operators)} | {largest(all_outputs)} | {whole} |")


def operator_table(results):
    by_kind = defaultdict(list)
    for _, parity, _ in results:
        for operator in parity["operators"] if parity else []:
            kind = operator["outputs"][0]["dtype"] if operator["outputs"] else "-"
            by_kind[operator["operator"], kind].append(operator)
    print("| operator | type | nodes | equal | rounding | apart | not compared | differing values | largest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (name, kind), operators in sorted(by_kind.items()):
        outputs = [output for operator in operators for output in operator["outputs"]]
        values = f"{sum(o['differing'] for o in outputs)}/{sum(o['elements'] for o in outputs)}"
        print(f"| {name} | {kind} | {len(operators)} | {counts(operators)} | {values} | {largest(outputs)} |")


def main():
    options = arguments()
    results = []
    for model in options.models:
        print(model.stem, file=sys.stderr)
        results.append((model.stem, *compared(options, model)))
    model_table(results)
    print()
    operator_table(results)
    outputs = [o for _, parity, _ in results if parity for operator in parity["operators"] for o in operator["outputs"]]
    far = any(o["max_difference"] > 1 for o in outputs if not o["dtype"].startswith("float"))
    return 1 if far or any(parity is None for _, parity, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
