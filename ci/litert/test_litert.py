"""Tests of the scripts in this folder, on the suite's own model: `python -m unittest discover ci/litert`."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tensor_pack
from litert_model import LiteRtModel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODEL = ROOT / "suites/mobilenet/models/mobilenet_v2_0.35_96.tflite"
GOLDEN = ROOT / "harness/tests/data/resize/digits.f32"
EXAMPLES = np.fromfile(GOLDEN, "<f4").reshape(3, 96, 96, 1)
LABELS = [0, 1, 2]  # the first three digits of the data set


def script(name, *arguments):
    command = [sys.executable, str(HERE / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class InFolder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def run_model(self, kernels, *extra):
        EXAMPLES.tofile(self.folder / "in.bin")
        files = ["--inputs", self.folder / "in.bin", "--outputs", self.folder / "out.bin"]
        return script("run_model.py", "--model", MODEL, "--kernels", kernels, *files, *extra)


class RunModel(InFolder):
    def test_every_kernel_set_recognises_the_digits(self):
        for kernels in ("ref", "default", "builtin"):
            done = self.run_model(kernels)
            self.assertEqual(done.returncode, 0, done.stderr)
            scores = np.fromfile(self.folder / "out.bin", "<f4").reshape(3, 10)
            self.assertEqual(list(np.argmax(scores, axis=1)), LABELS)

    def test_count_limits_the_examples(self):
        self.assertEqual(self.run_model("default", "--count", "2").returncode, 0)
        self.assertEqual((self.folder / "out.bin").stat().st_size, 2 * 10 * 4)

    def test_too_few_examples_are_an_error(self):
        done = self.run_model("default", "--count", "4")
        self.assertEqual(done.returncode, 1)
        self.assertIn("asked for 4 examples, found 3", done.stderr)

    def test_a_torn_input_file_is_an_error(self):
        (self.folder / "torn.bin").write_bytes(EXAMPLES.tobytes()[:-1])
        done = self.run_model("default", "--inputs", self.folder / "torn.bin")
        self.assertEqual(done.returncode, 1)
        self.assertIn("expected a multiple of 36864 bytes", done.stderr)

    def test_a_broken_model_is_an_error_in_one_line(self):
        (self.folder / "broken.tflite").write_bytes(MODEL.read_bytes()[:1000])
        done = self.run_model("ref", "--model", self.folder / "broken.tflite")
        self.assertEqual(done.returncode, 1)
        self.assertIn("LiteRT does not load it", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


class RunModels(InFolder):
    def run_models(self):
        return script("run_models.py", "--folder", self.folder, "--kernels", "ref")

    def test_every_model_of_a_folder_runs_or_says_why_not(self):
        shutil.copy(MODEL, self.folder / "good.tflite")
        (self.folder / "bad.tflite").write_bytes(MODEL.read_bytes()[:1000])
        for name in ("good", "bad"):
            EXAMPLES.tofile(self.folder / f"{name}.inputs")
        done = self.run_models()
        self.assertEqual(done.returncode, 0, done.stderr)
        scores = np.fromfile(self.folder / "good.outputs", "<f4").reshape(3, 10)
        self.assertEqual(list(np.argmax(scores, axis=1)), LABELS)
        self.assertFalse((self.folder / "bad.outputs").exists())
        self.assertTrue((self.folder / "bad.refused").read_text())

    def test_a_torn_input_file_is_an_error(self):
        shutil.copy(MODEL, self.folder / "good.tflite")
        (self.folder / "good.inputs").write_bytes(EXAMPLES.tobytes()[:-1])
        done = self.run_models()
        self.assertEqual(done.returncode, 1)
        self.assertIn("expected a multiple of 36864 bytes", done.stderr)


# Stands for our runner: LiteRT's own reference kernels, and then what a test does to their outputs.
STAND_IN = """#!{python}
import subprocess, sys
from pathlib import Path
folder = Path(sys.argv[1])
subprocess.run([sys.executable, "{script}", "--folder", folder, "--kernels", "ref"], check=True)
outputs = folder / "model.outputs"
raw = bytearray(outputs.read_bytes())
{change}
outputs.write_bytes(raw)
"""


class CompareModels(InFolder):
    def compare(self, change, *extra):
        runner = self.folder / "runner"
        runner.write_text(STAND_IN.format(python=sys.executable, script=HERE / "run_models.py", change=change))
        runner.chmod(0o755)
        places = ["--runner", runner, "--work", self.folder / "work"]
        return script("compare_models.py", self.folder / "models", *places, *extra)

    def setUp(self):
        super().setUp()
        (self.folder / "models").mkdir()

    def test_real_inputs_and_equal_outputs(self):
        shutil.copy(MODEL, self.folder / "models/digits_fp32.tflite")
        np.save(self.folder / "digits.npy", EXAMPLES)
        done = self.compare("", "--inputs", self.folder, "--count", "3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| digits_fp32 | runs | 3 real | 0/30 | - | 0.0e+00 of 1 | 3/3 |", done.stdout)

    def test_one_step_of_an_integer_is_counted_and_fails(self):
        shutil.copy(ROOT / "suites/ops/add/int8_same/model.tflite", self.folder / "models/add.tflite")
        self.assertEqual(self.compare("").returncode, 0)
        done = self.compare("raw[0] ^= 1")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"\| add \| runs \| 1 noise \| 1/\d+ \| 1 \| - \|")

    def test_a_crash_is_told_and_fails(self):
        shutil.copy(MODEL, self.folder / "models/digits_fp32.tflite")
        done = self.compare("sys.exit('no such operator')")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("| digits_fp32 | exit code 1: no such operator | 1 noise | ours refused |", done.stdout)

    def test_a_folder_without_models_is_refused(self):
        self.assertEqual(self.compare("").returncode, 2)


class TensorPack(InFolder):
    def test_round_trip(self):
        tensor_pack.write(self.folder / "a.pack", EXAMPLES)
        self.assertTrue(np.array_equal(tensor_pack.read(self.folder / "a.pack"), EXAMPLES))

    def test_a_cut_or_foreign_file_is_refused(self):
        tensor_pack.write(self.folder / "a.pack", EXAMPLES)
        raw = (self.folder / "a.pack").read_bytes()
        for damaged in (b"", raw[:7], raw[:15], raw[:20], raw[:-4], raw + b"\0", b"EBPACK02" + raw[8:]):
            (self.folder / "b.pack").write_bytes(damaged)
            with self.assertRaises(tensor_pack.PackError):
                tensor_pack.read(self.folder / "b.pack")


class CompareRun(InFolder):
    def compare(self, outputs, *extra):
        tensor_pack.write(self.folder / "a.pack", EXAMPLES)
        outputs.astype("<f4").tofile(self.folder / "ours.bin")
        cell = {"variant": "fp32", "model_file": str(MODEL), "pack": "a.pack", "labels": LABELS, "outputs": "ours.bin"}
        (self.folder / "manifest.json").write_text(json.dumps({"cells": [cell]}))
        return script("compare_run.py", self.folder / "manifest.json", *extra)

    def reference(self):
        model = LiteRtModel(MODEL, "ref")
        return np.concatenate([model.run(model.input_from_float(example)) for example in EXAMPLES])

    def test_equal_outputs_meet_the_strictest_expectation(self):
        done = self.compare(self.reference(), "--expect", "fp32:ref:difference=0", "--expect", "fp32:ref:flips=0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("values differing 0/30", done.stdout)

    def test_a_changed_prediction_is_counted_and_fails(self):
        changed = self.reference()
        changed[1] = np.roll(changed[1], 1)
        done = self.compare(changed, "--expect", "fp32:default:flips=0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("top-1 ours 2/3", done.stdout)
        self.assertIn("fp32 against default: flips 1, allowed 0", done.stderr)

    def test_a_value_that_is_not_a_number_is_never_within_the_limit(self):
        changed = self.reference()
        changed[0, 9] = np.nan
        done = self.compare(changed, "--expect", "fp32:ref:difference=1e9")
        self.assertEqual(done.returncode, 1)

    def test_outputs_of_the_wrong_size_and_unknown_variants_are_refused(self):
        self.assertEqual(self.compare(self.reference()[:2]).returncode, 2)
        self.assertEqual(self.compare(self.reference(), "--expect", "fp16:ref:flips=0").returncode, 2)
        self.assertEqual(self.compare(self.reference(), "--expect", "fp32:ref:speed=0").returncode, 2)


if __name__ == "__main__":
    unittest.main()
