"""Runs a file in LiteRT's reference kernels, in a process of its own: some files end LiteRT instead of being refused.

Knows LiteRT's Python API and nothing of cases.
"""

import multiprocessing
from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

LITERT_VERSION = version("ai-edge-litert")
TIMEOUT_SECONDS = 60


@dataclass
class Outcome:
    """What became of a file: `outputs` a step, or the message it was refused with, or that LiteRT ended."""

    outputs: list = field(default_factory=list)
    # Index of a tensor -> its shape once all is known.
    shapes: dict = field(default_factory=dict)
    refusal: str | None = None
    crashed: bool = False


def run(file, steps, kernels, signature=None):
    """Runs `steps` (a list of input arrays each) one after the other on one interpreter. `kernels` names an OpResolverType,
    `signature` the subgraph that is run, whose inputs and outputs are in the order of their names."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, file, steps, kernels, signature))
    process.start()
    sender.close()
    try:
        outcome = receiver.recv() if receiver.poll(TIMEOUT_SECONDS) else Outcome(crashed=True)
    except EOFError:
        outcome = Outcome(crashed=True)
    process.kill()
    process.join()
    return outcome


def _child(sender, file, steps, kernels, signature):
    try:
        outcome = _outputs(file, steps, kernels, signature)
    except (ValueError, RuntimeError) as error:
        outcome = Outcome(refusal=str(error).strip().splitlines()[0])
    sender.send(outcome)
    sender.close()


def _outputs(file, steps, kernels, signature):
    interpreter = Interpreter(
        model_content=file,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType[kernels],
    )
    if signature is not None:
        return _of_signature(interpreter.get_signature_runner(signature), steps)
    interpreter.allocate_tensors()
    inputs = interpreter.get_input_details()
    outcome = Outcome()
    for step in steps:
        for detail, value in zip(inputs, step, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        details = interpreter.get_output_details()
        outcome.outputs.append([np.array(interpreter.get_tensor(detail["index"])) for detail in details])
    outcome.shapes = {detail["index"]: _shape(detail) for detail in interpreter.get_tensor_details()}
    for detail, value in zip(interpreter.get_output_details(), outcome.outputs[-1], strict=True):
        outcome.shapes[detail["index"]] = value.shape
    return outcome


def _of_signature(runner, steps):
    names = sorted(runner.get_input_details())
    results = [runner(**dict(zip(names, step, strict=True))) for step in steps]
    return Outcome(outputs=[[np.array(result[name]) for name in sorted(result)] for result in results])


def _shape(detail):
    return tuple(int(dim) for dim in detail["shape"])
