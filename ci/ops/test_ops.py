"""Tests of the scripts in this folder: `python -m unittest discover ci/ops`."""

import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import make_cases
import reference
from ai_edge_litert import schema_py_generated as schema
from case import Case, Tolerance
from flatmodel import Net, packed


def relu(name="float32_made", shape=(2, 3), **more):
    net = Net()
    net.op("RELU", [net.input(shape, "float32")], [net.output(None, "float32")])
    return Case("RELU", name, "float32", net, **more)


class Models(unittest.TestCase):
    def test_the_same_net_makes_the_same_bytes(self):
        self.assertEqual(relu().net.bytes(), relu().net.bytes())

    def test_constants_are_aligned(self):
        net = Net()
        for length in (1, 3, 5):
            net.constant(np.full(length, 7, np.int8))
        file = net.bytes()
        for length in (1, 3, 5):
            at = file.index(length.to_bytes(4, "little") + b"\x07" * length) + 4
            self.assertEqual(at % 16, 0, f"constant of {length} bytes at {at}")

    def test_four_bit_values_fill_the_low_half_first(self):
        self.assertEqual(packed([1, -1, 7]).tolist(), [0xF1, 0x07])

    def test_fields_that_the_schema_lacks_are_refused(self):
        net = Net()
        with self.assertRaisesRegex(AttributeError, "SoftmaxOptions has no field gamma"):
            net.op("SOFTMAX", [], [], "SoftmaxOptions", gamma=1.0)

    def test_both_operator_codes_are_written(self):
        net = Net()
        net.op("BROADCAST_TO", [net.input((1,), "int32"), net.constant([2], "int32")], [net.output((2,), "int32")])
        code = schema.ModelT.InitFromPackedBuf(net.bytes()).operatorCodes[0]
        self.assertEqual((code.builtinCode, code.deprecatedBuiltinCode), (schema.BuiltinOperator.BROADCAST_TO, 127))


class Reference(unittest.TestCase):
    def test_outputs_are_those_of_the_operator(self):
        case = relu(steps=[[[[-1, 0, 2], [3, -4, 5]]]])
        make_cases.make(case)
        self.assertEqual(case.outputs[0][0].tolist(), [[0, 0, 2], [3, 0, 5]])

    def test_open_shapes_are_filled(self):
        case = relu(shape=(4, 1, 2))
        make_cases.make(case)
        self.assertEqual(case.net.outputs[0].shape, (4, 1, 2))

    def test_a_refusal_is_told(self):
        net = Net()
        net.op("RELU", [net.input((2,), "int64")], [net.output((2,), "int64")])
        outcome = reference.run(net.bytes(), [[np.zeros(2, np.int64)]], "BUILTIN_REF")
        self.assertIn("RELU", outcome.refusal)

    def test_bytes_that_are_no_model_are_refused(self):
        outcome = reference.run(b"no model", [[]], "BUILTIN_REF")
        self.assertTrue(outcome.refusal or outcome.crashed)


class Specs(unittest.TestCase):
    def test_a_spec_that_litert_does_not_confirm_is_a_complaint(self):
        case = relu(refused=True)
        with self.assertRaisesRegex(make_cases.SpecError, "relu/float32_made: expected a refusal, found: LiteRT runs it"):
            make_cases.make(case)

    def test_a_declared_shape_has_to_be_right(self):
        net = Net()
        net.op("RELU", [net.input((2, 3), "float32")], [net.output((6,), "float32")])
        with self.assertRaisesRegex(make_cases.SpecError, r"declared float32 \(6,\), LiteRT makes float32 \(2, 3\)"):
            make_cases.make(Case("RELU", "float32_flat", "float32", net))

    def test_large_cases_are_refused(self):
        with self.assertRaisesRegex(make_cases.SpecError, "over the limit"):
            make_cases.make(relu(shape=(100, 100)))

    def test_names_are_unique(self):
        folders = [case.folder for case in make_cases.all_cases()]
        self.assertEqual(len(folders), len(set(folders)))
        self.assertEqual(folders, sorted(folders))


class Stale(unittest.TestCase):
    def setUp(self):
        self.case = relu(tolerance=Tolerance(relative=1e-3), steps=[[np.ones((2, 3))]])
        self.files = make_cases.make(self.case)

    def altered(self, factor):
        values = np.frombuffer(self.files["values.bin"], np.float32).copy()
        values[-1] *= factor
        return values.tobytes()

    def same(self, old):
        return make_cases.same("values.bin", old, self.files["values.bin"], self.case)

    def test_last_bits_of_floats_may_differ(self):
        self.assertTrue(self.same(self.altered(1.0005)))

    def test_more_than_the_tolerance_is_stale(self):
        self.assertFalse(self.same(self.altered(1.01)))

    def test_other_lengths_are_stale(self):
        self.assertFalse(self.same(self.files["values.bin"] + b"\0\0\0\0"))

    def test_exact_cases_are_compared_as_bytes(self):
        self.case.tolerance = None
        self.assertFalse(self.same(self.altered(1.0005)))


if __name__ == "__main__":
    unittest.main()
