"""How TensorFlow does what `explorer.network.backend` promises."""

from collections.abc import Callable

import tensorflow as tf

from explorer.arrays import Array

NAME = "TensorFlow"
COMPILES_EACH_SHAPE = False


def device() -> str:
    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def allow_tf32(allowed: bool) -> None:
    tf.config.experimental.enable_tensor_float_32_execution(allowed)


def compiled(fn: Callable, variables: list, shapes: tuple) -> Callable:
    whole = {"int": tf.TensorSpec((), tf.int32), "places": tf.TensorSpec((None,), tf.int32)}
    specs = [whole.get(shape) or tf.TensorSpec(shape, tf.float32) for shape in shapes]
    concrete = tf.function(fn, autograph=False).get_concrete_function(*specs)
    return lambda *args: concrete(*(tf.convert_to_tensor(a, spec.dtype) for a, spec in zip(args, specs, strict=False)))


def fused(fn: Callable) -> Callable:
    return fn


def computed(values: Array) -> Array:
    return values


def gradient(fn: Callable, a: Array) -> tuple:
    with tf.GradientTape() as tape:
        tape.watch(a)
        u, rest = fn(a)
    return tape.gradient(u, a, unconnected_gradients="zero"), u, rest


def flow(fn: Callable, shape: tuple[int, ...]) -> tuple:
    marks = {}

    def traced(x):
        output, inner = fn(x)
        marks.update(source=x.op, output=output.op, inner=[value.op for value in inner])
        return output

    graph = tf.function(traced, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.float32)).graph
    order = graph.get_operations()  # in the order of their making: inputs first
    place = {op: i for i, op in enumerate(order)}
    edges = [(place[i.op], place[op]) for op in order for i in op.inputs if i.op in place]
    return len(order), edges, place[marks["source"]], place[marks["output"]], [place.get(op) for op in marks["inner"]]
