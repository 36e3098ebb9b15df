"""Compares the speed of our runtime with LiteRT's, model by model, where the machine is not quiet.

Both run one thread in a process of their own and are timed by that process's CPU time, in short blocks that take turns.
Prints a line a model: the least time of either in microseconds and their ratio, then the CPU time from opening the file
to the first result, and by how much resident memory grew, in the same way.
"""

import argparse
import math
import subprocess
import sys
import time
from pathlib import Path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--runner", type=Path, required=True, help="the example `speed` of the interpreter, built for release")
    parser.add_argument("--kernels", default="auto", help="the set of kernels of our runtime")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU time a model and runtime")
    parser.add_argument("--starts", type=int, default=3, help="fresh processes that measure the start")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


class Runner:
    """One process that answers with times in nanoseconds."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _, load, init, first, peak_kb = self.process.stdout.readline().split()
        self.start_ns, self.peak_kb = int(load) + int(init) + int(first), int(peak_kb)
        self.least_ns = int(first)

    def run(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        times = [int(word) for word in self.process.stdout.readline().split()]
        self.least_ns = min([self.least_ns, *times])
        return sum(times)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def compare(path, options):
    ours_command = [options.runner, path, options.kernels]
    theirs_command = [sys.executable, __file__, "--serve", "--runner", "-", path]
    starts = [(Runner(ours_command), Runner(theirs_command)) for _ in range(options.starts)]
    ours, theirs = starts[0]
    spent = 0
    while spent < options.seconds * 1e9:
        count = max(1, min(1000, int(30e6 / theirs.least_ns)))
        theirs_ns = theirs.run(count)
        count = max(1, min(1000, int(30e6 / ours.least_ns)))
        spent += max(ours.run(count), theirs_ns)
    for pair in starts:
        for runner in pair:
            runner.end()
    start = [min(pair[side].start_ns for pair in starts) for side in (0, 1)]
    peak = [min(pair[side].peak_kb for pair in starts) for side in (0, 1)]
    return (ours.least_ns, theirs.least_ns), start, peak


def serve(path):
    """LiteRT's side: answers like our runner."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    peak_before = peak_kb()
    begin = time.process_time_ns()
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    ready = time.process_time_ns()
    random = np.random.default_rng(1)
    for detail in interpreter.get_input_details():
        dtype, shape = detail["dtype"], detail["shape"]
        is_float = np.issubdtype(dtype, np.floating)
        value = random.uniform(-1, 1, shape) if is_float else random.integers(0, 256, shape)
        interpreter.set_tensor(detail["index"], value.astype(dtype))
    filled = time.process_time_ns()
    interpreter.invoke()
    first = time.process_time_ns() - filled
    print("start", 0, ready - begin, first, peak_kb() - peak_before, flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            begin = time.process_time_ns()
            interpreter.invoke()
            times.append(time.process_time_ns() - begin)
        print(*times, flush=True)


def peak_kb():
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])


def main():
    options = arguments()
    if options.serve:
        return serve(options.models[0])
    print(f"{'model':34} {'ours':>9} {'LiteRT':>9} ratio {'start':>9} {'LiteRT':>9} ratio {'KB':>7} {'LiteRT':>7} ratio")
    logs = [0.0, 0.0, 0.0]
    for path in options.models:
        columns = []
        for index, (ours, theirs) in enumerate(compare(path, options)):
            logs[index] += math.log(max(ours, 1) / max(theirs, 1))
            unit = 1000 if index < 2 else 1
            width = 9 if index < 2 else 7
            columns.append(f"{ours // unit:{width}} {theirs // unit:{width}} {ours / theirs:5.2f}")
        print(f"{path.stem:34}", *columns, flush=True)
    means = [math.exp(log / len(options.models)) for log in logs]
    print("geometric means: inference {:.3f}, start {:.3f}, memory {:.3f}".format(*means))


if __name__ == "__main__":
    sys.exit(main())
