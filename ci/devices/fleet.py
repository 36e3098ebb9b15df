#!/usr/bin/env python3
"""Measures on many emulated boards at once, on this one machine, and tells what that takes.

    ci/devices/fleet.py --bench target/release/bench [--devices 50] [--keep FOLDER]

Writes an inventory of so many Raspberry Pis that QEMU stands in for, and a suite with one model, one variant and few
examples; runs `bench run --emulate` on all of them at once; then counts the cells that were measured and tells the most
memory that the controller and its emulators had. Exits with 1 when a cell was lost. Not part of CI: it takes minutes.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SUITE = REPOSITORY / "suites/mobilenet"
EXAMPLES = 4
INTERVAL_SECS = 0.2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, type=pathlib.Path)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--cpu", default="cortex-a72", help="QEMU's CPU model")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for inventory, suite and results")
    return parser.parse_args()


def write_inventory(place, count, cpu):
    table = '[pi-{:03}]\ntransport = "ssh"\nhost = "pi-{:03}.invalid"\nemulate = {{ cpu = "{}" }}\n'
    place.joinpath("devices.toml").write_text("\n".join(table.format(n, n, cpu) for n in range(count)))


def write_suite(place):
    """The shipped suite with a short test split."""
    suite = place / "suites/fleet"
    data = suite / "data/digits"
    data.mkdir(parents=True)
    (suite / "models").symlink_to(SUITE / "models")
    (suite / "suite.toml").write_text((SUITE / "suite.toml").read_text())
    for file in (SUITE / "data/digits").iterdir():
        if file.name != "splits.csv":
            (data / file.name).symlink_to(file)
    left, lines = EXAMPLES, []
    for line in (SUITE / "data/digits/splits.csv").read_text().splitlines():
        if line.endswith(",test"):
            left -= 1
            line = line if left >= 0 else line.replace(",test", ",train")
        lines.append(line)
    (data / "splits.csv").write_text("\n".join(lines) + "\n")


def status(process):
    """What the kernel tells of a process, by name."""
    try:
        text = pathlib.Path(f"/proc/{process}/status").read_text()
    except OSError:
        return {}
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def kib(text):
    return int(text.split()[0]) if text else 0


class Watch(threading.Thread):
    """Looks at a process and its children until it ends."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.peak_kib, self.most_children, self.children_kib = process, 0, 0, 0

    def run(self):
        while self.process.poll() is None:
            self.peak_kib = max(self.peak_kib, kib(status(self.process.pid).get("VmHWM")))
            children = subprocess.run(
                ["ps", "--ppid", str(self.process.pid), "-o", "rss="], capture_output=True, text=True
            ).stdout.split()
            self.most_children = max(self.most_children, len(children))
            self.children_kib = max(self.children_kib, sum(map(int, children)))
            time.sleep(INTERVAL_SECS)


def measure(bench, place):
    command = [bench.resolve(), "run", "--suite", "fleet", "--suites", place / "suites", "--devices", "all", "--emulate"]
    command += ["--variants", "int8", "--blocks", "1", "--num_runs", "1"]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, text=True)
    watch = Watch(process)
    watch.start()
    report = process.communicate()[0]
    watch.join()
    return process.returncode, time.monotonic() - began, watch, report


def main():
    asked = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        place = asked.keep or pathlib.Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        write_inventory(place, asked.devices, asked.cpu)
        write_suite(place)
        code, seconds, watch, report = measure(asked.bench, place)
        wanted = f"{asked.devices} cells: {asked.devices} complete"
        complete = code == 0 and wanted in report
        print(next((line for line in report.splitlines() if " cells: " in line), "no report"))
        print(f"exit code {code}, {seconds:.1f} s, at most {watch.most_children} agents at once")
        print(f"controller: at most {watch.peak_kib / 1024:.1f} MiB; all emulators together {watch.children_kib / 1024:.1f} MiB")
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    main()
